"""Upgrades and rollbacks between real releases, on a real home; killed at every step; broken releases."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from appliance.administration import open_administration
from appliance.administration.action import ExecutedBy
from appliance.administration.actions import REGISTRY
from appliance.clock import utc_now
from appliance.config import load
from appliance.errors import StorageError, UpgradeRefused
from appliance.home import Home, make_directory
from appliance.ledger.timestamp_spool import TimestampSpool, spool_files
from appliance.operations.backup import BackupArchive
from appliance.operations.releases import Commands, Releases, UpgradeStep, roll_back, upgrade
from appliance.operations.releases.copies import DatabaseCopies
from appliance.operations.releases.rollback import ELSEWHERE
from appliance.operations.releases.tree import Upgrade, UpgradeJournal
from appliance.store import latest
from appliance.store.copying import moment_of
from appliance.store.database import Database
from hsm import canonical
from hsm.config import AuthorityHome
from hsm.timestamp import IssuedToken
from tests.administration.conftest import lines_not_in_log
from tests.locks import holders_of
from tests.log import entry_of_timestamp, with_timestamps
from tests.operations.releases import NEXT, add_next, add_release
from tests.operations.site import moved, perform
from tests.sweeps import first_of

NOBODY = Commands()
"""Nothing runs and nothing is started."""


@dataclass(frozen=True)
class Installation:
    """A home that rests, and three releases: 1.0 is this code, 1.1 has a migration more, 1.2 does not start."""

    home: Home
    releases: Releases
    archive: BackupArchive

    def schema(self) -> int:
        connection = sqlite.connect(self.home.database)
        try:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
        finally:
            connection.close()

    def current(self) -> str:
        return self.releases.current().name

    def named(self) -> str:
        """The release that the home says it belongs to, which everybody may read."""
        assert self.home.release.stat().st_mode & 0o777 == 0o644
        return self.home.release.read_text().strip()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    add_next(root, "1.1")
    broken = add_next(root, "1.2")
    (broken / "lib/appliance/cli/diagnose.py").write_text("raise RuntimeError('a mistake in this release')\n")
    add_next(root, "1.3", migration="CREATE TABLE ledger (again INTEGER) STRICT;\n")
    return root


@pytest.fixture
def installation(template: Path, pristine: Path, archive: BackupArchive, tmp_path: Path) -> Installation:
    return installed(tmp_path, template, pristine, archive)


def installed(root: Path, template: Path, pristine: Path, archive: BackupArchive) -> Installation:
    home = moved(pristine, root / "home")
    add_release(root, "1.0")
    for name in ("1.1", "1.2", "1.3"):
        (root / "releases" / name).symlink_to(template / "releases" / name)
    (root / "current").symlink_to("releases/1.0")
    return Installation(home, Releases(root), archive)


@pytest.fixture(scope="module")
def upgraded_once(
    template: Path, pristine: Path, archive: BackupArchive, tmp_path_factory: pytest.TempPathFactory
) -> Installation:
    """What each one that is ``upgraded`` is a copy of: the new release migrates in a process of its own."""
    installation = installed(tmp_path_factory.mktemp("upgraded"), template, pristine, archive)
    begun(installation, UpgradeStep.BACKED_UP)
    upgrade(installation.home, installation.releases, "1.1", NOBODY, now=utc_now())
    return installation


@pytest.fixture
def upgraded(upgraded_once: Installation, tmp_path: Path) -> Installation:
    """It has come from 1.0 to 1.1, whose database has another form, and the log has nothing since."""
    root = upgraded_once.releases.root
    shutil.copytree(root, tmp_path, symlinks=True, ignore=shutil.ignore_patterns("home"), dirs_exist_ok=True)
    home = moved(upgraded_once.home.root, tmp_path / "home")
    return Installation(home, Releases(tmp_path), upgraded_once.archive)


def test_there_and_back(installation: Installation) -> None:
    """With a backup by the release itself, which starts the authority for as long as it takes."""
    before = installation.schema()
    done = upgrade(installation.home, installation.releases, "1.1", NOBODY, now=utc_now())
    assert (installation.current(), installation.schema(), done.step) == ("1.1", NEXT, UpgradeStep.DONE)
    assert installation.named() == "1.1"
    assert (installation.home.root / "backups" / done.archive / "manifest.json").exists()
    with pytest.raises(StorageError, match="use the release that wrote it"):
        Database(installation.home.database)
    with pytest.raises(UpgradeRefused, match="a newer release wrote it"):
        upgrade(installation.home, installation.releases, "1.0", NOBODY, now=utc_now())
    make_directory(installation.home.activation_requests)
    (installation.home.activation_requests / "ticket").write_bytes(b"a document")
    assert roll_back(installation.home, installation.releases, NOBODY).step is UpgradeStep.TAKEN_BACK
    assert (installation.current(), installation.schema()) == ("1.0", before) == ("1.0", latest())
    assert installation.named() == "1.0"
    assert not installation.home.activation_requests.exists(), "what an older release would never remove"
    with pytest.raises(UpgradeRefused, match="no upgrade to go back from"):
        roll_back(installation.home, installation.releases, NOBODY)


def begun(installation: Installation, step: UpgradeStep, after: str = "1.1", *, migrates: bool = True) -> None:
    """The journal of an upgrade as if it had come so far, with a backup that was made."""
    UpgradeJournal(installation.releases.root).write_upgrade(
        Upgrade("1.0", after, step, archive=installation.archive.name, migrates=migrates)
    )


def test_an_upgrade_says_why_its_backup_failed(installation: Installation) -> None:
    failing = Commands(backup='sh -c "echo The disk is full.; exit 1"')
    with pytest.raises(UpgradeRefused) as refused:
        upgrade(installation.home, installation.releases, "1.1", failing, now=utc_now())
    assert str(refused.value) == "The backup failed, so the upgrade was not begun: The disk is full."
    assert installation.current() == "1.0"


def test_acts_that_were_recorded_since_are_not_lost(upgraded: Installation) -> None:
    connection = sqlite.connect(upgraded.home.database)
    [(number,)] = connection.execute("SELECT max(number) + 1 FROM ledger").fetchall()
    connection.execute("INSERT INTO ledger (number, leaf) VALUES (?, ?)", (number, b"{}"))
    connection.commit()
    connection.close()
    with pytest.raises(UpgradeRefused, match=r"cannot read: 1\. Going back"):
        roll_back(upgraded.home, upgraded.releases, NOBODY)
    assert (upgraded.current(), upgraded.schema()) == ("1.1", NEXT)
    roll_back(upgraded.home, upgraded.releases, NOBODY, forget_newer=True)
    assert (upgraded.current(), upgraded.schema()) == ("1.0", latest())


@pytest.fixture
def issued(upgraded: Installation) -> Installation:
    """An upgrade, and then two timestamps that the log has not got yet."""
    with closing(TimestampSpool(upgraded.home.timestamp_spool)) as spool:
        spool.append([IssuedToken(serial, utc_now(), b"token") for serial in (1, 2)])
    return upgraded


def test_timestamps_that_the_older_release_will_find_stand_in_no_way(issued: Installation) -> None:
    roll_back(issued.home, issued.releases, NOBODY)
    assert (issued.current(), issued.schema()) == ("1.0", latest())
    with closing(with_timestamps(issued.home)) as database:
        assert database.query(entry_of_timestamp, 2) is not None


def test_timestamps_that_the_older_release_would_not_find_are_not_lost(issued: Installation) -> None:
    with closing(sqlite.connect(issued.home.root / ".before-upgrade/vermilion.db")) as before:
        before.execute("DROP TABLE timestamp_feeds")
    with pytest.raises(UpgradeRefused, match=r"cannot read: 2\. Going back"):
        roll_back(issued.home, issued.releases, NOBODY)
    [file] = spool_files(issued.home.timestamp_spool)
    file.write_bytes(b"x\nx\n")
    with pytest.raises(UpgradeRefused, match=r"cannot read: 1\. Going back"):
        roll_back(issued.home, issued.releases, NOBODY)
    assert (issued.current(), issued.schema()) == ("1.1", NEXT)
    roll_back(issued.home, issued.releases, NOBODY, forget_newer=True)
    assert len(spool_files(issued.home.timestamp_spool)) == 1, "a later release that knows it finds them"


@pytest.mark.long
def test_what_administrators_asked_for_since_goes_along(upgraded: Installation) -> None:
    """Whoever asks for the rollback in the console writes a line by that; it is in the log of the older release,
    byte by byte, and is not told twice."""
    before = leaves(upgraded)
    upgraded.releases.get("1.1").run(upgraded.home, "do", "release.rollback")
    asked = leaves(upgraded)[len(before) :]
    assert [canonical.decode(leaf)["public"]["what"] for leaf in asked] == ["act-asked"]

    assert roll_back(upgraded.home, upgraded.releases, NOBODY).step is UpgradeStep.TAKEN_BACK

    assert (upgraded.current(), upgraded.schema()) == ("1.0", latest())
    assert leaves(upgraded) == [*before, *asked]
    with open_administration(load(upgraded.home), now=utc_now) as administration:
        assert administration.journal.forward_to_log() and lines_not_in_log(administration.journal) == 0
        [act] = administration.requests.waiting()
        assert act.action == "release.rollback"
    assert leaves(upgraded) == [*before, *asked]


@pytest.mark.long
def test_an_administrator_who_was_added_since_is_not_lost(upgraded: Installation) -> None:
    """Login and address are reserved in the portal's database, which would go back."""
    new = ("--role", "security", "--name", "周示例", "--email", "zhou@ops.example")
    upgraded.releases.get("1.1").run(upgraded.home, "administrators", "add", "zhou", *new)

    with pytest.raises(UpgradeRefused, match=r"cannot read: 1\. Going back"):
        roll_back(upgraded.home, upgraded.releases, NOBODY)
    assert (upgraded.current(), upgraded.schema()) == ("1.1", NEXT)


def leaves(installation: Installation) -> list[bytes]:
    """The log, whichever release wrote it."""
    with moment_of(installation.home.database) as moment:
        return moment.leaves_from(0)


def test_the_operators_actions_that_leave_the_portals_database_alone_are_listed() -> None:
    """What the scheduler does is in it; so is the login that is free again when an administrator was removed."""
    others = {action.name for action in REGISTRY.values() if action.executed_by is not ExecutedBy.SCHEDULER}
    assert others - {"administrators.remove"} == ELSEWHERE


def test_who_outlives_a_rollback_does_not_migrate_the_older_database(installation: Installation) -> None:
    """The privileged helper performs the rollback, and is of the newer release until it ends."""
    connection = sqlite.connect(installation.home.database)
    connection.execute(f"PRAGMA user_version = {latest() - 1}")
    connection.close()
    with pytest.raises(StorageError, match="an older release serves it"):
        Database(installation.home.database, as_found=True)
    assert installation.schema() == latest() - 1


@pytest.fixture
def service(installation: Installation, tmp_path: Path) -> Iterator[Commands]:
    """The authority, started and stopped by command lines as an operator's are."""
    start, stop = tmp_path / "start", tmp_path / "stop"
    start.write_text(
        f'#!/bin/sh\n"{sys.executable}" -m hsm.cli serve >/dev/null 2>&1 &\necho $! >"{tmp_path}/pid"\n'
    )
    stop.write_text(f'#!/bin/sh\n[ -e "{tmp_path}/pid" ] || exit 0\n{STOPPING.format(pid=tmp_path / "pid")}')
    for script in (start, stop):
        script.chmod(0o755)
    commands = Commands(stop=str(stop), start=str(start), wait=30)
    yield commands
    commands.do(commands.stop, installation.home)


STOPPING = (
    """pid=$(cat "{pid}"); rm "{pid}"; kill "$pid"; while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done\n"""
)


@pytest.fixture
def late(service: Commands, tmp_path: Path) -> Commands:
    """The same, but stopping returns at once: the authority ends a moment later, as units do after a target."""
    late = tmp_path / "late"
    late.write_text(f'#!/bin/sh\n(sleep 1; "{service.stop}") >/dev/null 2>&1 &\n')
    late.chmod(0o755)
    return replace(service, stop=str(late))


@pytest.mark.long
def test_nothing_is_touched_before_everything_has_ended(
    installation: Installation, service: Commands, late: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Databases that were copied, or put back, beside a running authority would not be what it knows."""
    ran = dict[str, bool]()

    def look(name: str) -> Callable[..., None]:
        done = getattr(DatabaseCopies, name)

        def first(copies: DatabaseCopies, *given: object, **also: object) -> None:
            ran[name] = runs(installation.home)
            done(copies, *given, **also)

        return first

    begun(installation, UpgradeStep.BACKED_UP)
    for name in ("make", "put_back"):
        monkeypatch.setattr(DatabaseCopies, name, look(name))
    service.do(service.start, installation.home)
    assert eventually(lambda: runs(installation.home))
    upgrade(installation.home, installation.releases, "1.1", late, now=utc_now())
    assert eventually(lambda: runs(installation.home))
    roll_back(installation.home, installation.releases, late, forget_newer=True)
    assert ran == {"make": False, "put_back": False}


def runs(home: Home) -> bool:
    """Whether an authority does."""
    return bool(holders_of(AuthorityHome(home.root).single))


def eventually(happens: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.05)
    return happens()


@pytest.mark.parametrize("name", first_of(("1.2", "1.3")))
def test_a_release_that_does_not_serve_is_taken_back(
    installation: Installation, service: Commands, name: str
) -> None:
    """1.2 migrates and then fails its probe, 1.3 fails in its migration; both times 1.0 serves again."""
    begun(installation, UpgradeStep.BACKED_UP, name)
    with pytest.raises(UpgradeRefused, match=f"Release {name} does not serve") as refusal:
        upgrade(installation.home, installation.releases, name, service, now=utc_now())
    assert "Release 1.0 serves again" in str(refusal.value) and "\n" not in str(refusal.value)
    assert (installation.current(), installation.schema(), installation.named()) == ("1.0", latest(), "1.0")
    assert not probed(installation), "1.0 does not serve"


@pytest.mark.long
def test_where_people_unlock_a_release_that_waits_for_them_serves(
    installation: Installation, service: Commands
) -> None:
    """There and back: what is stopped has forgotten the PIN, which is kept nowhere."""
    (installation.home.secrets / "user.pin").unlink()
    attended = replace(service, attended=True, wait=20)
    begun(installation, UpgradeStep.BACKED_UP)
    upgrade(installation.home, installation.releases, "1.1", attended, now=utc_now())
    assert installation.current() == "1.1"
    assert "an operator has to unlock it" in probed(installation)
    roll_back(installation.home, installation.releases, attended, forget_newer=True)
    assert installation.current() == "1.0"

    begun(installation, UpgradeStep.BACKED_UP)
    with pytest.raises(UpgradeRefused, match="an operator has to unlock it"):
        upgrade(
            installation.home,
            installation.releases,
            "1.1",
            replace(attended, attended=False, wait=1),
            now=utc_now(),
        )


def probed(installation: Installation) -> str:
    """What the current release has against serving."""
    try:
        installation.releases.current().run(installation.home, "probe")
    except UpgradeRefused as error:
        return str(error)
    return ""


def test_what_is_no_release_is_refused(installation: Installation) -> None:
    for name in ("9.9", "../1.1", "1.0"):
        with pytest.raises(UpgradeRefused):
            upgrade(installation.home, installation.releases, name, NOBODY, now=utc_now())
    assert UpgradeJournal(installation.releases.root).read_upgrade() is None


@pytest.mark.crash
@pytest.mark.parametrize("step", first_of([UpgradeStep.COPIED, UpgradeStep.MIGRATED, UpgradeStep.SWITCHED]))
def test_killed_after(installation: Installation, step: UpgradeStep) -> None:
    begun(installation, UpgradeStep.BACKED_UP)
    done = perform("upgrade", installation.home.root, installation.releases.root, "1.1", step.name)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if step is not UpgradeStep.COPIED:  # whoever mounts the volume now needs the release that knows its schema
        assert (installation.schema(), installation.named()) == (NEXT, "1.1")
    with pytest.raises(UpgradeRefused, match="was interrupted"):
        upgrade(installation.home, installation.releases, "1.2", NOBODY, now=utc_now())
    if step is not UpgradeStep.COPIED:  # goes on, and back; the other one goes back at once
        upgrade(installation.home, installation.releases, "1.1", NOBODY, now=utc_now())
        assert (installation.current(), installation.schema()) == ("1.1", NEXT)
    roll_back(installation.home, installation.releases, NOBODY)
    assert (installation.current(), installation.schema()) == ("1.0", latest())
