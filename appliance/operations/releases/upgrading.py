"""``upgrade``: preflight, backup, stop, copies, migration, switch, start, probe; or back by itself. ``rollback``:
back from the last upgrade, also from one that was interrupted."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from appliance.config import load
from appliance.errors import ApplianceError, UpgradeRefused
from appliance.home import Home
from appliance.operations.backup.archives import BackupArchives
from appliance.operations.backup.checking import signed_manifest
from appliance.operations.releases.rollback import DatabaseCopies, entries_of, go_back, schema_of, stop_services
from appliance.operations.releases.tree import (
    Release,
    Releases,
    Upgrade,
    UpgradeJournal,
    UpgradeStep,
    UpgradeStepHook,
    no_hook,
    run_command,
)
from hsm.note import parse_vkey


@dataclass(frozen=True, slots=True)
class Commands:
    """How services are stopped and started, and a backup is made: command lines, none where nothing is to be done.

    Without ``backup`` the current release's own `vermilion backup create` makes it; ``wait`` is the seconds that a
    release has until it serves. Where the authority is ``attended``, people unlock it after every start: a release
    that waits for them serves, too.
    """

    stop: str = ""
    start: str = ""
    backup: str = ""
    wait: int = 60
    attended: bool = False

    @property
    def probe(self) -> tuple[str, ...]:
        """What a release that was started is asked: the arguments of its ``vermilion``."""
        return ("probe", "--wait", str(self.wait), *(["--attended"] if self.attended else []))

    def do(self, line: str, home: Home) -> None:
        """Runs one of them. Raises :class:`UpgradeRefused`."""
        if line:
            run_command(shlex.split(line), {"VERMILION_HOME": str(home.root)})


def upgrade(
    home: Home,
    releases: Releases,
    name: str,
    commands: Commands,
    *,
    now: datetime,
    passing: UpgradeStepHook = no_hook,
) -> Upgrade:
    """Makes the release *name* the current one. A run that was interrupted is taken up where it was.

    1. preflight: both releases start, the new one knows the database's schema, no other upgrade is open; 2. a
    backup, checked; 3. all stops, both databases are copied; 4. the new release migrates, by one transaction;
    5. the link is switched; 6. everything starts, and the new release says that it serves.

    What fails before 3 changes nothing. What fails later is taken back: the copies are put in place, the older
    release serves again. Only when acts were recorded in between, nothing is taken back, and the sentence says so.
    Raises :class:`UpgradeRefused`.
    """
    journal, copies = UpgradeJournal(releases.root), DatabaseCopies(home)
    done = journal.read_upgrade()
    if done is None or not done.is_open or not done.has(UpgradeStep.BACKED_UP):
        done = journal.write_upgrade(_preflight(home, releases, name))
    elif done.after != name:
        raise UpgradeRefused(
            "An upgrade to {name} was interrupted; run that again, or `vermilion rollback`.", name=done.after
        )
    passing(done.step)
    if not done.has(UpgradeStep.BACKED_UP):
        archive = _backup(home, releases.get(done.before), commands, now)
        done = journal.record_step(replace(done, archive=archive), UpgradeStep.BACKED_UP)
        passing(UpgradeStep.BACKED_UP)
    if not done.has(UpgradeStep.COPIED):
        _copy(home, copies, commands)
        done = journal.record_step(replace(done, entries=entries_of(home.database)), UpgradeStep.COPIED)
        passing(UpgradeStep.COPIED)
    try:
        return _change(home, releases, done, commands, passing)
    except ApplianceError as error:
        go_back(home, releases, done, commands)
        raise UpgradeRefused(
            "Release {after} does not serve: {why} Release {before} serves again, nothing was lost.",
            after=done.after,
            before=done.before,
            why=error,
        ) from error


def _copy(home: Home, copies: DatabaseCopies, commands: Commands) -> None:
    """Everything stops and is copied; where that fails, everything starts again."""
    try:
        stop_services(home, commands)
        copies.make()
    except ApplianceError:
        commands.do(commands.start, home)
        raise


def _change(
    home: Home, releases: Releases, done: Upgrade, commands: Commands, passing: UpgradeStepHook
) -> Upgrade:
    journal, release = UpgradeJournal(releases.root), releases.get(done.after)
    if not done.has(UpgradeStep.MIGRATED):
        release.run(home, "migrate")
        done = journal.record_step(done, UpgradeStep.MIGRATED)
        passing(UpgradeStep.MIGRATED)
    if not done.has(UpgradeStep.SWITCHED):
        releases.switch(release)
        done = journal.record_step(done, UpgradeStep.SWITCHED)
        passing(UpgradeStep.SWITCHED)
    commands.do(commands.start, home)
    if commands.start:
        release.run(home, *commands.probe)
    return journal.record_step(done, UpgradeStep.DONE)


def _preflight(home: Home, releases: Releases, name: str) -> Upgrade:
    current, release = releases.current(), releases.get(name)
    if current.name == release.name:
        raise UpgradeRefused("Release {name} is the current one already.", name=name)
    before, after = current.schemas(home), release.schemas(home)
    found = schema_of(home.database)
    if after.database < found:
        raise UpgradeRefused(
            "Release {name} knows schema {known}, the database has {found}: a newer release wrote it.",
            name=name,
            known=after.database,
            found=found,
        )
    return Upgrade(current.name, release.name, UpgradeStep.BEGUN, migrates=before != after)


def _backup(home: Home, current: Release, commands: Commands, now: datetime) -> str:
    """The name of an archive made now, whose note and parts are right."""
    if commands.backup:
        commands.do(commands.backup, home)
    else:
        current.run(home, "backup", "create", "--keep-all")
    newest = BackupArchives(load(home).backups).newest()
    if newest is None:
        raise UpgradeRefused("No backup was made; the upgrade was not begun.")
    manifest = signed_manifest(newest, parse_vkey((home.trust / "log.vkey").read_text("ascii")))
    newest.require_parts(manifest)
    if manifest.created < now.replace(microsecond=0) - timedelta(seconds=1):
        raise UpgradeRefused("No backup was made; the upgrade was not begun.")
    return newest.name


def roll_back(home: Home, releases: Releases, commands: Commands, *, forget_newer: bool = False) -> Upgrade:
    """Makes the release before the last upgrade the current one again. Raises :class:`UpgradeRefused`."""
    done = UpgradeJournal(releases.root).read_upgrade()
    if done is None or done.step is UpgradeStep.TAKEN_BACK:
        raise UpgradeRefused("There is no upgrade to go back from.")
    return go_back(home, releases, done, commands, forget_newer=forget_newer)
