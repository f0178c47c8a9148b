"""Would a restore succeed? Backups are made and young, and a drill has opened one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliance.config import Settings
from appliance.health.bench import CheckContext
from appliance.health.finding import HealthFinding, failing, good, unset
from appliance.health.pages import RunbookPage
from appliance.operations.backup.archives import BackupArchives
from appliance.operations.backup.outcome import BackupOutcome, last_backup_outcome
from appliance.operations.drilled import DrillResult, last_drill_result

OLD_BACKUP = timedelta(hours=26)
"""A nightly one has failed."""

OLD_DRILL = timedelta(days=8)
"""A weekly one has failed."""


def backup(bench: CheckContext) -> HealthFinding:
    """The last backup succeeded, not long ago."""
    settings = bench.configured()
    if not settings.backup.recipients:
        return unconfigured(demonstration=bench.home.people.is_dir())
    return backup_finding(settings, last_backup_outcome(bench.home), bench.now)


def drill(bench: CheckContext) -> HealthFinding | None:
    """The last drill passed, not long ago; nothing to say where no backups are made."""
    if not bench.configured().backup.recipients:
        return None
    return drill_finding(last_drill_result(bench.home), bench.now)


def unconfigured(*, demonstration: bool) -> HealthFinding:
    """Without a recovery key nothing is backed up: wrong, except where nothing that matters is kept."""
    if demonstration:
        return unset("backup", "No backups are made until there is a recovery key.")
    return failing("backup", RunbookPage.BACKUP_UNSET, "There is no recovery key, so there are no backups.")


def backup_finding(settings: Settings, last: BackupOutcome | None, now: datetime) -> HealthFinding:
    """What is known of the newest archive, and of the last try to make one."""
    if last is not None and not last.made:
        why = last.template.format(**last.values or {})
        values = {"at": f"{last.at:%Y-%m-%d %H:%M} UTC", "why": why}
        return failing("backup", RunbookPage.BACKUP_FAILED, "The backup at {at} failed: {why}", values)
    newest = _newest(settings, last)
    if newest is None:
        return failing(
            "backup", RunbookPage.BACKUP_OLD, "There is no backup in {path}.", {"path": settings.backups}
        )
    age = now - datetime.strptime(newest, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    found = {"name": newest, "hours": int(age / timedelta(hours=1))}
    if age > OLD_BACKUP:
        template = "The newest backup, {name}, is {hours} h old."
        return failing("backup", RunbookPage.BACKUP_OLD, template, found)
    return good("backup", "The newest backup, {name}, is {hours} h old.", found)


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
        return failing("drill", RunbookPage.DRILL_OLD, "No backup was ever tried out.")
    if not last.passed:
        why = last.template.format(**last.values or {})
        if not last.archive:
            return failing("drill", RunbookPage.DRILL_FAILED, "The drill failed: {why}", {"why": why})
        refused = {"archive": last.archive, "why": why}
        return failing("drill", RunbookPage.DRILL_FAILED, "The drill with {archive} failed: {why}", refused)
    values = {"archive": last.archive, "days": (now - last.at).days}
    if now - last.at > OLD_DRILL:
        template = "The last drill was with {archive}; days since then: {days}."
        return failing("drill", RunbookPage.DRILL_OLD, template, values)
    return good("drill", "The backup {archive} was opened and verified; days since then: {days}.", values)
