"""One site for the folder, with a completed contract and one archive."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.clock import utc_now
from appliance.home import Home
from appliance.operations.backup import BackupArchive, create_archive
from appliance.operations.restore import RestoreOrder, restore_archive
from appliance.wiring import Appliance
from hsm.note import read_vkey
from tests.operations.site import Site, running_site, sign_contract


@pytest.fixture(scope="package")
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


@pytest.fixture(scope="package")
def appliance(site: Site) -> Iterator[Appliance]:
    with site.world.opened() as opened:
        sign_contract(opened, site.world)
        yield opened


@pytest.fixture(scope="package")
def archive(site: Site, appliance: Appliance) -> BackupArchive:
    with site.backups() as backups:
        return create_archive(backups, now=utc_now())


@pytest.fixture(scope="package")
def pristine(site: Site, archive: BackupArchive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that was restored from the archive, and where nothing has happened since: to be copied."""
    home = Home(tmp_path_factory.mktemp("restored") / "home")
    done = restore_archive(
        home, RestoreOrder(archive, site.recovery, key=read_vkey(site.home.log_key)), now=utc_now()
    )
    assert done is not None and done.verified.contracts == 1 and done.aside is None
    return home.root


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 3 MB, where this user may mount one."""
    with tempfile.TemporaryDirectory() as directory:
        mounted = os.geteuid() == 0 and _mount(directory)
        if not mounted:
            pytest.skip("only root can mount a small disk")
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)


def _mount(directory: str) -> bool:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", directory], capture_output=True, check=False
    )
    return done.returncode == 0
