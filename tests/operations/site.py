"""A home with a recovery key, a completed contract, and what the tests plant in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from appliance.administration import open_administration
from appliance.clock import utc_now
from appliance.config import load
from appliance.home import Home
from appliance.model.administration import AdministratorRole, NewAdministrator
from appliance.model.contract import Contract
from appliance.operations.backup import BackupArchive, BackupContext
from appliance.operations.backup.archives import read_list
from appliance.operations.backup.creating import ensure_key
from appliance.wiring import Appliance
from hsm.client import AuthorityClient
from hsm.encryption import new_identity, recipient_of
from hsm.files import write_private
from tests.ports import free_port
from tests.world import (
    World,
    authority,
    confirm,
    contract_now,
    copy_home,
    sample_document,
    send,
    sequenced,
    template_home,
)

PLANTED = "planted-secret-7f3a"
PLANTED_SECRETS = ("smtp.password", "gateway.key", "ldap.password", "openid.secret", "capture.proxy")
RECOVERY = new_identity()


@dataclass(frozen=True, slots=True)
class Site:
    """A running home, and the recovery key's file outside it."""

    world: World
    recovery: Path

    @property
    def home(self) -> Home:
        return self.world.home

    @contextmanager
    def backups(self) -> Iterator[BackupContext]:
        with AuthorityClient(self.home.authority_socket("backup")) as client:
            yield BackupContext(self.world.settings, os.environ, client)


@contextmanager
def running_site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="vermilion-") as directory, tempfile.TemporaryDirectory() as safe:
        home, recovery = copy_home(template_home(), Path(directory)), Path(safe) / "recovery.key"
        write_private(recovery, f"{RECOVERY}\n".encode())
        text = home.settings.read_text(encoding="utf-8")  # on its own port something may serve on this machine
        home.settings.write_text(text.replace("\nport = 8080\n", f"\nport = {free_port()}\n"), encoding="utf-8")
        for settings in (home.settings, home.authority_settings):
            with settings.open("a", encoding="utf-8") as stream:
                stream.write(f'\n[backup]\nrecipients = ["{recipient_of(RECOVERY)}"]\n# {PLANTED}\n')
        for secret in PLANTED_SECRETS:
            write_private(home.secrets / secret, f"{PLANTED}\n".encode())
        with authority(home):
            site = Site(World(home, load(home)), recovery)
            add_administrator(home, "wei", AdministratorRole.SYSTEM)
            with site.backups() as backups:
                ensure_key(backups)
            yield site


def add_administrator(home: Home, login: str, role: AdministratorRole) -> None:
    """The first of a kind."""
    with open_administration(load(home), now=utc_now) as administration:
        new = NewAdministrator(login, f"{login} 示例", f"{login}@ops.example", role)
        administration.administrators.add_first(new)


def administrators_of(home: Home) -> list[str]:
    """Their logins."""
    with open_administration(load(home), now=utc_now) as administration:
        return [each.login for each in administration.administrators.everybody()]


def sign_contract(appliance: Appliance, world: World) -> Contract:
    """One contract from draft to archive."""
    contract = send(appliance, sample_document(1))
    with sequenced(appliance, world):
        for party in contract.parties:
            sign(appliance, contract, party.id)
        appliance.finalisation.finalise(contract.id)
    return contract_now(appliance, contract.id)


def sign(appliance: Appliance, contract: Contract, party: str) -> None:
    """One party's signature, acknowledged on return."""
    prepared = appliance.cycle.prepare(contract.id, party)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    appliance.cycle.complete(prepared.id)


def perform(*arguments: object) -> subprocess.CompletedProcess[str]:
    """``tests.operations.performer`` with *arguments*, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tests.operations.performer", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def contents(root: Path) -> dict[str, bytes]:
    """Every file below *root*, where nothing runs, that is not a socket, a lock or a log, with its bytes; without
    the cache. What is in a WAL is written back first: it stays there when the last two processes close a database
    at the same moment, and whoever opens it next would change the file."""
    for left in root.rglob("*.db-wal"):
        with closing(sqlite.connect(left.with_name(left.name.removesuffix("-wal")))) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = (path for path in sorted(root.rglob("*")) if root / "cache" not in path.parents and path.is_file())
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in files
        if not path.name.endswith((".lock", "-shm", "-wal", ".txt", ".log"))
    }


def files_of(archive: BackupArchive) -> list[Path]:
    """Every file of the archive, and one of its sealed documents at the end."""
    with tempfile.TemporaryDirectory() as scratch:
        documents = read_list(archive, [RECOVERY], Path(scratch))
    return [*sorted(archive.path.iterdir()), archive.object(min(documents.values(), key=str).object)]


def moved(home: Path, to: Path) -> Home:
    """A copy of the resting home at *home*, whose SoftHSM finds its tokens where they are now."""
    shutil.copytree(home, to)
    configuration = to / "hsm/softhsm2.conf"
    configuration.write_text(configuration.read_text().replace(str(home), str(to)))
    return Home(to)
