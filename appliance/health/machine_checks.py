"""The machine: settings, permissions, passkeys that root confirmed, disks, provisioned files and backups.

``config/provisioned.json`` is ``{"files": {PATH: SHA-256 in hex, …}}``; the playbook writes it when it is through.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.administration.confirmed import RootConfirmations
from appliance.config import Settings
from appliance.confinement import kernel
from appliance.documents.blobs import is_full
from appliance.errors import ApplianceError
from appliance.health.check_context import CheckContext, NotAnswerable
from appliance.health.findings import Condition, HealthFinding, RunbookPage, attention, failing, good, unset
from appliance.home import Home
from appliance.operations.backup.archives import BackupArchives
from appliance.operations.results import BackupOutcome, DrillResult
from appliance.time_sources import TimeAuthentication, read_time_sources
from hsm.config import TimeSourceKind

LITTLE_FREE = 0.15
"""Below this share somebody should make room."""

OTHERS, NOT_OURS, WRITERS, NOT_ROOT = 0o007, 0o077, 0o002, 0o022
"""Which bits of a mode must not be set."""


def settings(context: CheckContext) -> HealthFinding:
    """The settings can be read."""
    try:
        context.settings()
    except ApplianceError as error:
        return failing(RunbookPage.SETTINGS_WRONG, error.template, **error.values)
    return good("The settings in {path} are in order.", path=context.home.settings)


def permissions(context: CheckContext) -> HealthFinding:
    """Nobody else may look into secrets, keys and documents, or change the settings or what root confirmed."""
    for path, forbidden in _guarded(context.home):
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:  # it does not exist, or this process may not look at it
            continue
        if mode & forbidden:
            values = {"path": path, "found": f"{mode:04o}", "mode": f"{mode & ~forbidden:04o}"}
            template = "Others may use {path} (its mode is {found})."
            return failing(RunbookPage.PERMISSION_WRONG, template, str(path), **values)
    return good("Secrets, keys and documents are private.")


def rollback(context: CheckContext) -> HealthFinding | None:
    """No rollback was interrupted; nothing to say where none was."""
    if not context.home.interrupted_rollback.exists():
        return None
    template = "A rollback was interrupted; nothing starts until root has run `vermilion rollback` again."
    return failing(RunbookPage.ROLLBACK_INTERRUPTED, template)


def confinement(context: CheckContext) -> HealthFinding:
    """Strangers' documents are read behind Landlock; on an appliance they are not read without."""
    version = kernel.landlock_version()
    if version:
        return good("Documents are read behind Landlock (version {version}).", version=version)
    if context.home.is_managed or kernel.is_landlock_demanded():
        return failing(RunbookPage.CONFINEMENT_MISSING, kernel.WITHOUT_LANDLOCK)
    return unset("This kernel has no Landlock; an appliance would read no document.")


def time_sources(context: CheckContext) -> HealthFinding | None:
    """Several sources of the time agree, and are authenticated; nothing to say where nobody asks chrony."""
    if context.authority().clock.source == TimeSourceKind.DECLARED:
        return None
    found = read_time_sources(context.now)
    if found is None:
        if not context.home.is_managed:
            return None
        template = "What chrony says of its time sources is not known."
        return attention(RunbookPage.CLOCK_UNSYNCHRONISED, template)
    template, values = found.sentence.template, found.sentence.values
    if found.agreeing == 0:
        return attention(RunbookPage.CLOCK_UNSYNCHRONISED, template, **values)
    if found.authentication is TimeAuthentication.NONE:  # as the house's network has it
        return unset(template, **values)
    return good(template, **values)


def passkeys(context: CheckContext) -> HealthFinding:
    """Each file of a passkey that root has confirmed can be read: others go on, but its owner signs nothing."""
    folder = context.home.confirmed
    if not os.access(folder, os.R_OK | os.X_OK):
        raise NotAnswerable  # not there yet, or not for this process to look at
    for path, why in RootConfirmations(folder).unreadable().items():
        template = "{path} is no passkey that counts: {why}."
        return attention(RunbookPage.PASSKEY_UNREADABLE, template, path.name, path=path, why=why)
    return good("Every passkey that root has confirmed counts.")


def _guarded(home: Home) -> Iterator[tuple[Path, int]]:
    for directory in (home.secrets, home.people, home.root / "authority", home.root / "hsm"):
        yield directory, NOT_OURS
    for folder in (home.secrets, home.people):
        if folder.is_dir() and os.access(folder, os.R_OK | os.X_OK):
            yield from ((path, NOT_OURS) for path in sorted(folder.iterdir()) if path.suffix != ".lock")
    for path in (home.state, home.database, home.blobs, home.timestamp_spool):
        yield path, OTHERS
    for path in (home.settings.parent, home.settings, home.authority_settings, home.policy):
        yield path, WRITERS
    for path in (home.administration.parent, home.administration):
        yield path, OTHERS
    yield home.performed, NOT_OURS
    yield home.gate, NOT_ROOT  # what witnesses say is public
    for path in (home.confirmed, *_inside(home.confirmed)):
        yield path, NOT_ROOT | OTHERS


def _inside(folder: Path) -> list[Path]:
    """Whatever lies below *folder*; nothing where this process may not look."""
    try:
        return sorted(folder.rglob("*"))
    except OSError:
        return []


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """A disk: where it is, its size and what is free of it, in bytes."""

    path: Path
    total: int
    free: int

    @property
    def share(self) -> float:
        """What is free, from 0 to 1."""
        return self.free / self.total if self.total else 0.0

    @property
    def condition(self) -> Condition:
        """Failing when nothing more may be taken in."""
        if is_full(total=self.total, free=self.free):
            return Condition.FAILING
        return Condition.ATTENTION if self.share < LITTLE_FREE else Condition.GOOD


def disks(context: CheckContext) -> list[DiskUsage]:
    """The disks that the home, its documents and its backups are on, each once."""
    places = [context.home.root, context.home.state, context.home.blobs]
    with suppress(ApplianceError):  # the home's own disks are looked at all the same
        places.append(context.settings().backups)
    found: dict[int, DiskUsage] = {}
    for path in places:
        try:
            device, usage = path.stat().st_dev, shutil.disk_usage(path)
        except OSError:
            continue
        found.setdefault(device, DiskUsage(path, usage.total, usage.free))
    return list(found.values())


def disk(context: CheckContext) -> HealthFinding:
    """There is room for what comes in, on each of the disks."""
    found = disks(context)
    if not found:
        return failing(RunbookPage.DISK_FULL, "{path} cannot be used.", path=context.home.root)
    tightest = min(found, key=lambda room: (-room.condition.rank, room.share))
    values = {"share": f"{tightest.share:.0%}", "path": tightest.path}
    if tightest.condition is Condition.FAILING:
        return failing(RunbookPage.DISK_FULL, "Only {share} of the disk of {path} is free.", **values)
    if tightest.condition is Condition.ATTENTION:
        return attention(RunbookPage.DISK_FULL, "Only {share} of the disk of {path} is free.", **values)
    return good("{share} of the disk of {path} is free.", **values)


MOST_NAMED = 3


def drift(context: CheckContext) -> HealthFinding:
    """Every file is as it was laid down; nothing to say where no playbook did."""
    try:
        laid_down: Mapping[str, str] = json.loads(context.home.provisioned.read_bytes())["files"]
    except FileNotFoundError as error:
        raise NotAnswerable from error
    except (OSError, ValueError, KeyError) as error:
        values = {"files": str(context.home.provisioned), "why": str(error)}
        template = "The list of what was provisioned cannot be read: {files} ({why})."
        return attention(RunbookPage.PROVISIONED_DRIFT, template, **values)
    changed = [path for path, digest in sorted(laid_down.items()) if _digest(Path(path)) not in (digest, None)]
    if changed:
        more = "" if len(changed) <= MOST_NAMED else ", …"
        named = ", ".join(changed[:MOST_NAMED]) + more
        template = "Files that are not as they were provisioned ({count}): {files}."
        found = {"files": named, "count": len(changed)}
        return attention(RunbookPage.PROVISIONED_DRIFT, template, named, **found)
    return good("Every managed file is as it was provisioned ({count}).", count=len(laid_down))


def _digest(path: Path) -> str | None:
    """The digest in hex; empty for a file that is gone; None for one that is not for this process to read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
    except OSError:
        return None


OLD_BACKUP = timedelta(hours=26)
"""A nightly one has failed."""

OLD_DRILL = timedelta(days=8)
"""A weekly one has failed."""


def backup(context: CheckContext) -> HealthFinding:
    """The last backup succeeded, not long ago."""
    settings = context.configured()
    if not settings.backup.recipients:
        return unconfigured(demonstration=context.home.people.is_dir())
    return backup_finding(settings, BackupOutcome.load(context.home.last_backup), context.now)


def drill(context: CheckContext) -> HealthFinding | None:
    """The last drill passed, not long ago; nothing to say where no backups are made."""
    if not context.configured().backup.recipients:
        return None
    return drill_finding(DrillResult.load(context.home.drill), context.now)


def unconfigured(*, demonstration: bool) -> HealthFinding:
    """Without a recovery key nothing is backed up: wrong, except where nothing that matters is kept."""
    if demonstration:
        return unset("No backups are made until there is a recovery key.")
    return failing(RunbookPage.BACKUP_UNSET, "There is no recovery key, so there are no backups.")


def backup_finding(settings: Settings, last: BackupOutcome | None, now: datetime) -> HealthFinding:
    """What is known of the newest archive, and of the last try to make one."""
    if last is not None and not last.passed:
        why = last.template.format(**last.values)
        values = {"at": f"{last.at:%Y-%m-%d %H:%M} UTC", "why": why}
        return failing(RunbookPage.BACKUP_FAILED, "The backup at {at} failed: {why}", **values)
    newest = _newest(settings, last)
    if newest is None:
        return failing(RunbookPage.BACKUP_OLD, "There is no backup in {path}.", path=settings.backups)
    age = now - datetime.strptime(newest, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    found = {"name": newest, "hours": int(age / timedelta(hours=1))}
    if age > OLD_BACKUP:
        return failing(RunbookPage.BACKUP_OLD, "The newest backup, {name}, is {hours} h old.", **found)
    return good("The newest backup, {name}, is {hours} h old.", **found)


def _newest(settings: Settings, last: BackupOutcome | None) -> str | None:
    """The name of the newest archive: of what is there, or where only others may look, of what was made last."""
    try:
        newest = BackupArchives(settings.backups).newest()
    except OSError:
        return last.archive if last else None
    return newest.name if newest else None


def drill_finding(last: DrillResult | None, now: datetime) -> HealthFinding:
    """The last drill passed, not long ago."""
    if last is None:
        return failing(RunbookPage.DRILL_OLD, "No backup was ever tried out.")
    if not last.passed:
        why = last.template.format(**last.values)
        if not last.archive:
            return failing(RunbookPage.DRILL_FAILED, "The drill failed: {why}", why=why)
        refused = {"archive": last.archive, "why": why}
        return failing(RunbookPage.DRILL_FAILED, "The drill with {archive} failed: {why}", **refused)
    values = {"archive": last.archive, "days": (now - last.at).days}
    if now - last.at > OLD_DRILL:
        template = "The last drill was with {archive}; days since then: {days}."
        return failing(RunbookPage.DRILL_OLD, template, **values)
    return good("The backup {archive} was opened and verified; days since then: {days}.", **values)
