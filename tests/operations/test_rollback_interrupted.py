"""A rollback that fails or is killed at any step: either the newer release serves on, or nothing starts until the
rollback was run again, which ends it as it was begun."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.clock import utc_now
from appliance.errors import StorageError, UpgradeRefused
from appliance.home import Home, make_directory
from appliance.ledger import LogCheck
from appliance.operations.backup import archives
from appliance.operations.releases import Releases, UpgradeStep, roll_back, upgrade
from appliance.operations.releases.copies import PutBack, entries_of, schema_of
from appliance.operations.releases.tree import UpgradeJournal
from appliance.operations.restore.restoring import Swap, complete
from appliance.store import latest
from appliance.store.copying import moment_of
from appliance.store.database import Database
from appliance.witnesses.gate import accepted_losses
from hsm.config import AuthorityHome
from hsm.note import read_vkey
from hsm.store import AuthorityStore
from tests.operations.releases import NEXT, add_release
from tests.operations.site import moved
from tests.operations.test_copies import database
from tests.operations.test_releases import (
    NOBODY,
    Installation,
    begun,
    installation,
    template,
    upgraded,
    upgraded_once,
)
from tests.operations.test_rollback_authority import Witness, signed_since, witness
from tests.systemd.cluster.machine import program
from tests.witnesses.log_side import KEY

__all__ = ["installation", "template", "upgraded", "upgraded_once", "witness"]


class Killed(BaseException):
    """The process is gone: nothing of it is handled any more."""


STEPS: tuple[tuple[object, str], ...] = (
    (Path, "rename"),
    (Path, "replace"),
    (Path, "unlink"),
    (Path, "symlink_to"),
    (os, "sync"),
    (os, "fsync"),
    (shutil, "copyfileobj"),
)
"""What changes the disk, or has it keep what was changed."""


class Steps:
    """Counts what a rollback does to the disk, and raises *error* instead of step *last*."""

    def __init__(self, patch: pytest.MonkeyPatch, last: int, error: BaseException) -> None:
        self.done = 0
        self._last, self._error = last, error
        for owner, name in STEPS:
            patch.setattr(owner, name, self._counted(getattr(owner, name)))

    @property
    def reached(self) -> bool:
        return self.done > self._last

    def _counted(self, step: Callable[..., object]) -> Callable[..., object]:
        def counted(*given: object, **also: object) -> object:
            self.done += 1
            if self.done - 1 == self._last:
                raise self._error
            return step(*given, **also)

        return counted


def copied(installation: Installation, to: Path) -> Installation:
    shutil.rmtree(to, ignore_errors=True)
    root = installation.releases.root
    shutil.copytree(root, to, symlinks=True, ignore=shutil.ignore_patterns("home"))
    return Installation(moved(installation.home.root, to / "home"), Releases(to), installation.archive)


def databases(home: Home) -> list[Path]:
    each = (home.database, AuthorityHome(home.root).store, home.administration, home.health)
    return [path for path in each if path.exists()]


def places(home: Home) -> list[int]:
    return [path.stat().st_ino for path in databases(home)]


def leaves(home: Home) -> list[bytes]:
    with moment_of(home.database) as moment:
        return moment.leaves_from(0)


def require_one_release(installation: Installation, before: list[int]) -> None:
    """Whatever starts now is the newer release with its databases or the older one with its own, or nothing is."""
    home = installation.home
    if installation.current() == "1.1":
        assert places(home) == before or home.interrupted_rollback.exists()
        if home.interrupted_rollback.exists() and installation.schema() == latest():
            with pytest.raises(UpgradeRefused, match="run `vermilion rollback` again"):
                installation.releases.get("1.1").run(home, "migrate")
            assert installation.schema() == latest()
    else:
        assert (installation.schema(), installation.named()) == (latest(), "1.0")


def require_older(installation: Installation, log: list[bytes]) -> None:
    home = installation.home
    assert (installation.current(), installation.schema(), installation.named()) == ("1.0", latest(), "1.0")
    done = UpgradeJournal(installation.releases.root).read_upgrade()
    assert done is not None and done.step is UpgradeStep.TAKEN_BACK
    assert not home.interrupted_rollback.exists()
    assert list(home.root.rglob(".*.part")) == []
    assert leaves(home) == log
    with closing(AuthorityStore(AuthorityHome(home.root).store)) as store:
        signed = store.checkpoints.last()
    assert signed is not None
    with closing(Database(home.database)) as database:
        LogCheck(database, None, key=read_vkey(home.log_key)).check_against(signed)


def kill_at_each_step(
    given: Installation, scratch: Path, log: list[bytes], *, forget_newer: bool
) -> Iterator[Installation]:
    """A copy of *given* after each, the rollback ended."""
    for last in range(100):
        installation = copied(given, scratch)
        before = places(installation.home)
        with pytest.MonkeyPatch.context() as patch:
            steps = Steps(patch, last, Killed())
            with suppress(Killed):
                roll_back(installation.home, installation.releases, NOBODY, forget_newer=forget_newer)
        require_one_release(installation, before)
        order = PutBack.read(installation.home)
        if order is not None and installation.current() == "1.1":
            with pytest.raises(UpgradeRefused, match=r"A rollback to release 1\.0 was interrupted"):
                upgrade(installation.home, installation.releases, "1.2", NOBODY, now=utc_now())
        if order is not None or installation.current() == "1.1":
            # What was decided counts: nobody has to say it again.
            roll_back(
                installation.home, installation.releases, NOBODY, forget_newer=forget_newer and order is None
            )
        require_older(installation, log)
        yield installation
        if not steps.reached:
            assert last > 15
            return
    raise AssertionError("it has no end")


@pytest.mark.crash
@pytest.mark.long
def test_killed_at_each_step_the_next_run_ends_it(upgraded: Installation, tmp_path: Path) -> None:
    """With a line of the journal that goes along."""
    upgraded.releases.get("1.1").run(upgraded.home, "do", "release.rollback")
    log = leaves(upgraded.home)
    for _ in kill_at_each_step(upgraded, tmp_path / "killed", log, forget_newer=False):
        pass


@pytest.mark.crash
@pytest.mark.long
def test_killed_at_each_step_what_was_lost_is_known(
    upgraded: Installation, tmp_path: Path, witness: Callable[[Installation], Witness]
) -> None:
    """All databases have changed their form, and witnesses may know what is lost."""
    log = leaves(upgraded.home)
    witness(upgraded)
    database(make_directory(upgraded.home.health.parent) / "health.db", "after", form=2)
    database(upgraded.home.upgrade_copies / "health.db", "before", form=1)
    with closing(sqlite.connect(upgraded.home.administration, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {schema_of(upgraded.home.administration) + 1}")
    known = signed_since(upgraded)
    for each in kill_at_each_step(upgraded, tmp_path / "killed", log, forget_newer=True):
        assert accepted_losses(each.home) == {KEY.vkey(): known}
        copies = each.home.upgrade_copies
        assert all(schema_of(path) == schema_of(copies / path.name) for path in databases(each.home))


@pytest.mark.parametrize("last", [0, 1, 2])
def test_killed_the_next_run_ends_it(upgraded: Installation, monkeypatch: pytest.MonkeyPatch, last: int) -> None:
    """Before the portal's database was replaced, before the authority's, before the older release was the current
    one."""
    log, before = leaves(upgraded.home), places(upgraded.home)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying_after(last, Path.rename))
        with pytest.raises(Killed):
            roll_back(upgraded.home, upgraded.releases, NOBODY)
    assert (upgraded.current(), upgraded.home.interrupted_rollback.exists()) == ("1.1", True)
    require_one_release(upgraded, before)
    roll_back(upgraded.home, upgraded.releases, NOBODY)
    require_older(upgraded, log)


def dying_after(count: int, step: Callable[..., object]) -> Callable[..., object]:
    done = [0]

    def counted(*given: object) -> object:
        if done[0] == count:
            raise Killed
        done[0] += 1
        return step(*given)

    return counted


FULL = OSError(errno.ENOSPC, "No space left on device")


def test_what_fails_before_anything_is_replaced_leaves_the_newer_release_running(
    upgraded: Installation, tmp_path: Path
) -> None:
    """A full disk, one that is read only, a folder without permission."""
    started = tmp_path / "started"
    commands = replace(NOBODY, start=f"touch {started}")
    before = places(upgraded.home)
    failed = 0
    for last in range(100):
        with pytest.MonkeyPatch.context() as patch:
            Steps(patch, last, FULL)
            try:
                roll_back(upgraded.home, upgraded.releases, commands)
            except (StorageError, UpgradeRefused) as refusal:
                assert "No space left on device" in str(refusal) and "\n" not in str(refusal)
        if places(upgraded.home) != before:
            break
        failed += 1
        assert upgraded.current() == "1.1" and started.exists()
        started.unlink()
        assert not upgraded.home.interrupted_rollback.exists()
        assert list(upgraded.home.root.rglob(".*.part")) == []
    assert failed > 5
    assert not started.exists()
    assert upgraded.home.interrupted_rollback.exists()


def test_a_full_disk_is_found_before_anything_is_changed(
    upgraded: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "SLACK", shutil.disk_usage(upgraded.home.root).total)
    with pytest.raises(UpgradeRefused, match=r"Going back needs about [0-9]+ MB in .* make room\."):
        roll_back(upgraded.home, upgraded.releases, NOBODY)
    assert (upgraded.current(), upgraded.schema()) == ("1.1", NEXT)
    assert not upgraded.home.interrupted_rollback.exists()


@pytest.mark.parametrize("migrates", [True, False])
def test_a_link_that_cannot_be_switched_is_one_sentence(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, migrates: bool, tmp_path: Path
) -> None:
    """Where no database was put back, the newer release serves on."""
    after = "1.1" if migrates else "1.4"
    if not migrates:
        add_release(installation.releases.root, after)
    begun(installation, UpgradeStep.BACKED_UP, after, migrates=migrates)
    upgrade(installation.home, installation.releases, after, NOBODY, now=utc_now())
    started = tmp_path / "started"

    def fail(*_given: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(Releases, "switch", fail)
        sentence = "nothing starts until it has been run again" if migrates else f"release {after} is the current"
        with pytest.raises((StorageError, UpgradeRefused), match=f"{sentence}.*Read-only file system"):
            roll_back(installation.home, installation.releases, replace(NOBODY, start=f"touch {started}"))
    assert started.exists() is not migrates
    assert installation.current() == after
    roll_back(installation.home, installation.releases, NOBODY)
    assert (installation.current(), installation.schema()) == ("1.0", latest())


@pytest.mark.parametrize("managed", [True, False])
def test_on_an_appliance_an_interrupted_one_is_told(
    upgraded: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, managed: bool
) -> None:
    """The diagnosis goes on, which raises the alarm; elsewhere there is none."""
    home, asked = upgraded.home, tmp_path / "asked"
    if managed:
        home.settings.parent.rename(tmp_path / "config")
        home.settings.parent.symlink_to(tmp_path / "config")
    program(tmp_path / "bin/systemctl", f'#!/bin/sh\necho "$@" >>{asked}\n')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    def fail(*_given: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Releases, "switch", fail)
    with pytest.raises(UpgradeRefused, match="nothing starts until it has been run again"):
        roll_back(home, upgraded.releases, NOBODY)
    assert asked.exists() is managed
    assert not managed or asked.read_text() == "start vermilion-diagnose.timer\n"


def test_copies_of_another_upgrade_are_not_put_back(upgraded: Installation) -> None:
    """A volume was set back, or another one is here now."""
    journal = UpgradeJournal(upgraded.releases.root)
    done = journal.last_to_go_back_from()
    journal.write_upgrade(replace(done, archive="20270131T020000Z"))
    with pytest.raises(UpgradeRefused, match=r"not those from before the upgrade from 1\.0 to 1\.1; restore"):
        roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)
    assert (upgraded.current(), upgraded.schema()) == ("1.1", NEXT)
    journal.write_upgrade(done)
    (upgraded.home.upgrade_copies / "upgrade.json").write_text("[")
    with pytest.raises(UpgradeRefused, match="not those from before"):
        roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)


@pytest.mark.parametrize("right", [True, False])
def test_copies_that_do_not_say_whose_they_are_are_told_by_the_log(upgraded: Installation, right: bool) -> None:
    """A release before this one has made them."""
    (upgraded.home.upgrade_copies / "upgrade.json").unlink()
    if right:
        roll_back(upgraded.home, upgraded.releases, NOBODY)
        assert upgraded.current() == "1.0"
        return
    journal = UpgradeJournal(upgraded.releases.root)
    done = journal.last_to_go_back_from()
    journal.write_upgrade(replace(done, entries=done.entries + 1))
    with pytest.raises(UpgradeRefused, match="not those from before"):
        roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)


def interrupted(installation: Installation, *, in_place: bool) -> PutBack:
    done = UpgradeJournal(installation.releases.root).last_to_go_back_from()
    order = PutBack(done, ("state/vermilion.db", "authority/authority.db"), (), in_place=in_place)
    order.write(installation.home)
    assert PutBack.read(installation.home) == order
    return order


@pytest.mark.parametrize("step", [UpgradeStep.DONE, UpgradeStep.SWITCHED])
def test_an_older_release_that_knew_nothing_of_it_has_ended_it(upgraded: Installation, step: UpgradeStep) -> None:
    """It served; then somebody upgrades again, from the beginning."""
    order = interrupted(upgraded, in_place=True)
    roll_back(upgraded.home, upgraded.releases, NOBODY)
    order.write(upgraded.home)
    UpgradeJournal(upgraded.releases.root).write_upgrade(replace(order.upgrade, step=step))
    upgraded.home.release.write_text("1.1\n")  # killed before the home named the older one
    with pytest.raises(UpgradeRefused, match=r"There is no release 9\.9"):
        upgrade(upgraded.home, upgraded.releases, "9.9", NOBODY, now=utc_now())
    assert not upgraded.home.interrupted_rollback.exists()
    assert upgraded.named() == "1.0"
    done = UpgradeJournal(upgraded.releases.root).read_upgrade()
    assert done is not None and done.step is UpgradeStep.TAKEN_BACK


def test_a_file_that_cannot_be_read_is_one_sentence(upgraded: Installation) -> None:
    for said in ("", "[]", '{"upgrade": {}}'):
        upgraded.home.interrupted_rollback.write_text(said)
        with pytest.raises(StorageError, match=r"\.rolling-back\.json cannot be read"):
            roll_back(upgraded.home, upgraded.releases, NOBODY)


def test_a_restore_ends_it(upgraded: Installation) -> None:
    """It brings databases that belong together, and puts those from before the upgrade aside."""
    interrupted(upgraded, in_place=False)
    upgraded.home.interrupted_restore.write_text("[]")
    complete(upgraded.home, Swap("20261125T120000Z", ".restore-x", "before"), lambda _point: None)
    assert not upgraded.home.interrupted_rollback.exists()
    assert entries_of(upgraded.home.database) > 0
