"""``upgrade``: preflight, backup, stop, copies, migration, switch, start, probe; or back by itself.
``rollback``: back from the last upgrade, also from one that was interrupted.

Whoever decides a change of release in the console has it made by the playbook of its bundle
(:class:`PlaybookReleases`). It brings the packages, units, users, commands and settings that `install
--playbook upgrade` brings, being that. Root keeps bundle, key and settings on the machine
(``provisioning/install``, ``provisioning/roles/record``); ``systemd/vermilion.release@.service`` runs the
playbook, and leaves what was printed in a file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from appliance.config import load
from appliance.errors import ApplianceError, StateRefused, StorageError, UpgradeRefused
from appliance.home import Home
from appliance.operations.backup.archives import BackupArchives, no_failpoint
from appliance.operations.backup.checking import signed_manifest
from appliance.operations.releases.copies import (
    DatabaseCopies,
    PutBack,
    entries_of,
    forget_put_back,
    schema_of,
)
from appliance.operations.releases.rollback import go_back, stop_services
from appliance.operations.releases.tree import (
    Commands,
    Release,
    Releases,
    Upgrade,
    UpgradeJournal,
    UpgradeStep,
    UpgradeStepHook,
    name_release,
)
from hsm.note import read_vkey


def upgrade(
    home: Home,
    releases: Releases,
    name: str,
    commands: Commands,
    *,
    now: datetime,
    reach: UpgradeStepHook = no_failpoint,
) -> Upgrade:
    """Makes the release *name* the current one. A run that was interrupted is taken up where it was.

    1. preflight: both releases start, the new one knows the database's schema, no other upgrade is open; 2. a
    backup, checked; 3. all stops, both databases are copied; 4. the home names the new release, which migrates, by
    one transaction; 5. the link is switched; 6. everything starts, and the new release says that it serves.

    What fails before 3 changes nothing. What fails later is taken back: the copies are put in place, the older
    release serves again. Only when acts were recorded in between, nothing is taken back, and the sentence says so.
    Raises :class:`UpgradeRefused`.
    """
    journal = UpgradeJournal(releases.root)
    _require_no_rollback(journal, home, releases)
    done = _begun(journal, home, releases, name)
    reach(done.step)
    if not done.has(UpgradeStep.BACKED_UP):
        archive = _backup(home, releases.get(done.before), commands, now)
        done = journal.record_step(replace(done, archive=archive), UpgradeStep.BACKED_UP)
        reach(UpgradeStep.BACKED_UP)
    if not done.has(UpgradeStep.COPIED):
        _copy(home, done, commands)
        done = journal.record_step(replace(done, entries=entries_of(home.database)), UpgradeStep.COPIED)
        reach(UpgradeStep.COPIED)
    try:
        return _change(home, releases, done, commands, reach)
    except (ApplianceError, OSError) as error:
        go_back(home, releases, done, commands)
        raise UpgradeRefused(
            "Release {after} does not serve: {why} Release {before} serves again, nothing was lost.",
            after=done.after,
            before=done.before,
            why=error,
        ) from error


def _require_no_rollback(journal: UpgradeJournal, home: Home, releases: Releases) -> None:
    """Raises :class:`UpgradeRefused` while databases are being put back. Where they are, and the older release
    serves, which knows nothing of that, the rollback has ended."""
    begun = PutBack.read(home)
    if begun is None:
        return
    taken_back = replace(begun.upgrade, step=UpgradeStep.TAKEN_BACK)
    ended = begun.in_place or journal.read_upgrade() == taken_back
    if not (ended and releases.current().name == begun.upgrade.before):
        raise UpgradeRefused(
            "A rollback to release {name} was interrupted; run `vermilion rollback` again.",
            name=begun.upgrade.before,
        )
    # It may have been killed before the home named the older release.
    name_release(home, begun.upgrade.before)
    journal.write_upgrade(taken_back)
    forget_put_back(home)


def _begun(journal: UpgradeJournal, home: Home, releases: Releases, name: str) -> Upgrade:
    """The upgrade that was interrupted, or a new one."""
    done = journal.read_upgrade()
    if done is None or not done.is_open:
        return journal.write_upgrade(_preflight(home, releases, name))
    if done.after != name:
        raise UpgradeRefused(
            "An upgrade to {name} was interrupted; run that again, or `vermilion rollback`.", name=done.after
        )
    return done


def _copy(home: Home, done: Upgrade, commands: Commands) -> None:
    """Everything stops and is copied; where that fails, everything starts again."""
    try:
        stop_services(home, commands)
        DatabaseCopies(home).make(done)
    except ApplianceError:
        commands.do(commands.start, home)
        raise
    except OSError as error:
        commands.do(commands.start, home)
        raise StorageError("The databases cannot be copied: {why}", why=error) from error


def _change(home: Home, releases: Releases, done: Upgrade, commands: Commands, reach: UpgradeStepHook) -> Upgrade:
    journal, release = UpgradeJournal(releases.root), releases.get(done.after)
    # First of all: a machine that takes the home over from here on needs the release that knows what was migrated.
    name_release(home, release.name)
    if not done.has(UpgradeStep.MIGRATED):
        release.run(home, "migrate")
        done = journal.record_step(done, UpgradeStep.MIGRATED)
        reach(UpgradeStep.MIGRATED)
    if not done.has(UpgradeStep.SWITCHED):
        releases.switch(release)
        done = journal.record_step(done, UpgradeStep.SWITCHED)
        reach(UpgradeStep.SWITCHED)
    commands.do(commands.start, home)
    if commands.start:
        release.probe(home, commands)
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
        try:
            commands.do(commands.backup, home)
        except UpgradeRefused as error:
            why = error.values.get("why", error)  # the command itself is long, and tells nobody anything
            raise UpgradeRefused("The backup failed, so the upgrade was not begun: {why}", why=why) from error
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
    """Makes the release before the last upgrade the current one again; one that was broken off is ended. Raises
    :class:`RefusalError`."""
    begun = PutBack.read(home)
    done = begun.upgrade if begun else UpgradeJournal(releases.root).last_to_go_back_from()
    return go_back(home, releases, done, commands, forget_newer=forget_newer)


_VERSION = re.compile(r"[0-9][0-9A-Za-z.]{0,39}")
"""What may stand in the name of the unit, and be the name of a folder."""

_FAILED = re.compile(r"^(?:fatal|failed): \[.*? => (?=\{)", re.MULTILINE)
"""How Ansible begins to tell the result of a task that failed; ``failed`` is for one item of a loop."""

_SPEAKER = re.compile(r"^(?:install|vermilion-bundle): ")
"""Which of our programs says it."""

_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class ProvisionedReleases:
    """What root keeps: the releases with the folder ``bundles`` beside them, the *key* that bundles are verified
    with, the *settings*; and the file *told*, where the unit leaves what it printed."""

    releases: Releases
    settings: Path
    key: Path = Path("/etc/apt/keyrings/vermilion-bundle.asc")
    told: Path = Path("/run/vermilion-release/told")


class PlaybookReleases:
    """*start* starts a unit and returns when it has ended; it raises :class:`StateRefused` when that failed."""

    def __init__(self, kept: ProvisionedReleases, start: Callable[[str], None]) -> None:
        self._kept = kept
        self._start = start
        self._journal = UpgradeJournal(kept.releases.root)

    def upgrade(self, version: str) -> Upgrade:
        """To the release *version*, or the one that serves goes on. One that was interrupted is taken up again.

        Raises :class:`UpgradeRefused`, with nothing changed, where its bundle is not on this machine, and with the
        playbook's own sentence where that refuses or fails.
        """
        done = self._journal.read_upgrade()
        if self._current() == version and not (done and done.is_open):
            raise UpgradeRefused("Release {name} is the current one already.", name=version)
        self._run("upgrade", "upgrade", version)
        return self._done(version, UpgradeStep.DONE)

    def roll_back(self, *, forget_newer: bool) -> Upgrade:
        """To the release before the last upgrade. Raises :class:`UpgradeRefused` as :meth:`upgrade` does."""
        done = self._journal.last_to_go_back_from()
        self._run("rollback", "forget" if forget_newer else "rollback", done.before)
        return self._done(done.after, UpgradeStep.TAKEN_BACK)

    def _run(self, playbook: str, word: str, version: str) -> None:
        self._require_bundle(version)
        self._require_kept(playbook, version)
        before = _written(self._kept.told)
        try:
            self._start(f"vermilion.release@{word}-{version}.service")
        except StateRefused as error:
            said = _written(self._kept.told) != before
            why = failure_sentence(self._kept.told.read_text(encoding="utf-8", errors="replace")) if said else ""
            raise UpgradeRefused(
                "The playbook {playbook} of release {name} failed: {why} Release {current} is the current one.",
                playbook=playbook,
                name=version,
                why=why or str(error),
                current=self._current(),
            ) from error

    def _require_bundle(self, version: str) -> None:
        bundles = self._kept.releases.root / "bundles"
        if not _VERSION.fullmatch(version) or not (bundles / version / "install").is_file():
            raise UpgradeRefused(
                "There is no bundle of release {name} in {path}; `vermilion-bundle ARCHIVE`, run by root, verifies"
                " its archive and keeps it there.",
                name=version,
                path=bundles,
            )

    def _require_kept(self, playbook: str, version: str) -> None:
        for path in (self._kept.key, self._kept.settings):
            if not path.is_file():
                raise UpgradeRefused(
                    "{path} is not there, which an installation leaves; have root run"
                    " `./install --playbook {playbook}` of the bundle of release {name}.",
                    path=path,
                    playbook=playbook,
                    name=version,
                )

    def _current(self) -> str:
        return self._kept.releases.current().name

    def _done(self, after: str, step: UpgradeStep) -> Upgrade:
        """What the journal says now. Raises :class:`ApplianceError` when it says something else."""
        done = self._journal.read_upgrade()
        if done is None or (done.after, done.step) != (after, step):
            raise ApplianceError("The playbook has ended, and the journal of upgrades knows nothing of it.")
        return done


def failure_sentence(told: str) -> str:
    """By which sentence `install`, or a task of its playbook, says why it failed, in what it *told*; empty when
    it says nothing."""
    failed = [sentence for found in _FAILED.finditer(told) if (sentence := _reason(told, found.end()))]
    lines = told.strip().splitlines()
    return failed[-1] if failed else _SPEAKER.sub("", lines[-1]) if lines else ""


def _reason(told: str, begins: int) -> str:
    """Why a task failed, whose result *begins* there as JSON, on one line or several."""
    try:
        result, _end = _JSON.raw_decode(told, begins)
    except ValueError:
        return ""
    # What a command said itself is more than "non-zero return code".
    return str((result.get("stderr_lines") or [result.get("msg", "")])[-1])


def _written(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
