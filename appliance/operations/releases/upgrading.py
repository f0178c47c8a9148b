"""``upgrade``: preflight, backup, stop, copies, migration, switch, start, probe; or back by itself. ``rollback``:
back from the last upgrade, also from one that was interrupted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from appliance.config import load
from appliance.errors import ApplianceError, UpgradeRefused
from appliance.home import Home
from appliance.operations.backup.archives import BackupArchives
from appliance.operations.backup.checking import signed_manifest
from appliance.operations.releases.rollback import DatabaseCopies, entries_of, go_back, schema_of, stop_services
from appliance.operations.releases.tree import (
    Commands,
    Release,
    Releases,
    Upgrade,
    UpgradeJournal,
    UpgradeStep,
    UpgradeStepHook,
    no_hook,
)
from hsm.note import read_vkey


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
    journal = UpgradeJournal(releases.root)
    done = _begun(journal, home, releases, name)
    passing(done.step)
    if not done.has(UpgradeStep.BACKED_UP):
        archive = _backup(home, releases.get(done.before), commands, now)
        done = journal.record_step(replace(done, archive=archive), UpgradeStep.BACKED_UP)
        passing(UpgradeStep.BACKED_UP)
    if not done.has(UpgradeStep.COPIED):
        _copy(home, commands)
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


def _begun(journal: UpgradeJournal, home: Home, releases: Releases, name: str) -> Upgrade:
    """The upgrade that was interrupted, or a new one."""
    done = journal.read_upgrade()
    if done is None or not done.is_open or not done.has(UpgradeStep.BACKED_UP):
        return journal.write_upgrade(_preflight(home, releases, name))
    if done.after != name:
        raise UpgradeRefused(
            "An upgrade to {name} was interrupted; run that again, or `vermilion rollback`.", name=done.after
        )
    return done


def _copy(home: Home, commands: Commands) -> None:
    """Everything stops and is copied; where that fails, everything starts again."""
    try:
        stop_services(home, commands)
        DatabaseCopies(home).make()
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
    manifest = signed_manifest(newest, read_vkey(home.log_key))
    newest.require_parts(manifest)
    if manifest.created < now.replace(microsecond=0) - timedelta(seconds=1):
        raise UpgradeRefused("No backup was made; the upgrade was not begun.")
    return newest.name


def roll_back(home: Home, releases: Releases, commands: Commands, *, forget_newer: bool = False) -> Upgrade:
    """Makes the release before the last upgrade the current one again. Raises :class:`UpgradeRefused`."""
    done = UpgradeJournal(releases.root).last_to_go_back_from()
    return go_back(home, releases, done, commands, forget_newer=forget_newer)
