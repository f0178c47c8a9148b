"""The bundle's own parts; making a whole one takes package lists and a network (``make bundle``)."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("cyclonedx", reason="the bill of materials is written by what `scripts/setup lint` brings")

from scripts.bundle import archive, debian
from scripts.bundle.__main__ import PACKAGES
from scripts.bundle.signing import BundleKey
from tests.provisioning.bundles import CHECKOUT, bundle, needs_gpg, needs_sqv

MOMENT = 1_790_000_000


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BundleKey]:
    """A signing key of this test's."""
    with closing(BundleKey(tmp_path_factory.mktemp("key"))) as made:
        yield made


def install(folder: Path, *more: str, key: str = "../key.asc") -> str:
    """What `install` says. The bundle is for no Debian that exists, so it always ends before it does anything."""
    command = ("sh", "install", "--key", key, "--settings", "../settings.yml", *more)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


@needs_gpg
@needs_sqv
def test_a_whole_bundle_passes_on_to_the_machine_itself(tmp_path: Path, key: BundleKey) -> None:
    assert "the bundle is for Debian 13 (nowhere)" in install(bundle(tmp_path, key))


@needs_gpg
def test_a_machine_that_trusts_no_key_asks_for_one(tmp_path: Path, key: BundleKey) -> None:
    """As does a third machine from which two others are looked after."""
    command = ("sh", "install", "--settings", "../settings.yml")
    done = subprocess.run(command, cwd=bundle(tmp_path, key), capture_output=True, text=True, check=False)
    assert (done.returncode, "give the publisher's key with --key FILE" in done.stderr) == (1, True)


@needs_gpg
@needs_sqv
def test_a_changed_missing_or_added_file_stops_the_installation(tmp_path: Path, key: BundleKey) -> None:
    for number, harm in enumerate(("changed", "missing", "added")):
        folder = bundle(tmp_path / str(number), key)
        example = folder / "provisioning/settings.example.yml"
        if harm == "changed":
            example.write_text("---\nchanged: true\n")
        elif harm == "missing":
            example.unlink()
        else:
            example.with_name("stranger.yml").write_text("---\n")
        told = install(folder)
        assert ("holds what its manifest does not name" if harm == "added" else "is damaged") in told


@needs_gpg
@needs_sqv
def test_somebody_elses_signature_is_none(tmp_path: Path, key: BundleKey) -> None:
    folder = bundle(tmp_path, key)
    with closing(BundleKey(tmp_path / "other")) as other:
        (tmp_path / "other.asc").write_bytes(other.public())

    assert f"the signature of this bundle is not by {tmp_path}/other.asc" in install(folder, key="../other.asc")
    assert "cannot be read" in install(folder, key="../nothing.asc")


@needs_gpg
@needs_sqv
def test_a_playbook_that_there_is_not_is_named_with_those_that_there_are(tmp_path: Path, key: BundleKey) -> None:
    told = install(bundle(tmp_path, key), "--playbook", "remove")
    assert "there is no playbook remove; there are install rollback." in told


@needs_gpg
def test_two_machines_are_named_by_an_inventory_and_one_by_none(tmp_path: Path, key: BundleKey) -> None:
    folder = bundle(tmp_path, key)
    assert "is about two machines, which --cluster INVENTORY names" in install(
        folder, "--playbook", "cluster_upgrade"
    )
    unread = install(folder, "--cluster", "../nothing.yml")
    assert "cannot be read; start from provisioning/inventory/cluster.example.yml" in unread
    (tmp_path / "cluster.yml").write_text("---\n")
    alone = install(folder, "--cluster", "../cluster.yml", "--playbook", "upgrade")
    assert "the playbook upgrade is about one machine" in alone
    for playbook in (CHECKOUT / "provisioning/playbooks").glob("cluster*.yml"):
        assert playbook.stem in alone


def test_the_packages_of_every_role_are_in_the_bundle() -> None:
    wanted = {name for each in PACKAGES for name in debian.wanted(each)}
    assert {"nginx", "pacemaker", "drbd-utils"} <= wanted


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        root = tmp_path / name / "vermilion-0.0.0"
        (root / "wheels").mkdir(parents=True)
        (root / "wheels/a.whl").write_bytes(b"a")
        (root / "install").write_text("#!/bin/sh\n")
        (root / "install").chmod(0o750 if name == "one" else 0o755)
        archive.write_manifest(root)
        archive.pack(root, tmp_path / f"{name}.tar", moment=MOMENT)
        made.append((tmp_path / f"{name}.tar").read_bytes())

    assert made[0] == made[1]
    with tarfile.open(tmp_path / "one.tar") as tar:
        assert {member.mtime for member in tar} == {MOMENT}
        assert {member.uid for member in tar} == {0}


def test_a_listing_may_have_comments(tmp_path: Path) -> None:
    listing = tmp_path / "packages.txt"
    listing.write_text("# why\nnginx\n\nchrony # time\n")

    assert debian.wanted(listing) == ["nginx", "chrony"]


def test_everything_in_the_packages_is_in_the_wheel() -> None:
    """What setuptools is not told of would be missing on the appliance alone."""
    listed = subprocess.run(
        ("git", "ls-files", "-z", "hsm", "appliance", "webui"),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    suffixes = {Path(name).suffix for name in listed.stdout.split("\0") if name} - {".py", ".typed", ""}
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")

    assert [suffix for suffix in sorted(suffixes) if f'"*{suffix}"' not in project] == []
