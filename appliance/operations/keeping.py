"""Would a restore succeed? Backups are made and young, and a drill has opened one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliance.config import Settings, load
from appliance.errors import ApplianceError
from appliance.home import Home
from appliance.operations.backup.archives import Archives
from appliance.operations.drill import Drill, last_drill
from appliance.operations.finding import Finding

OLD_BACKUP = timedelta(hours=26)
"""A nightly one has failed."""

OLD_DRILL = timedelta(days=8)
"""A weekly one has failed."""


def keeping(home: Home, now: datetime) -> list[Finding]:
    """The findings; none while the settings cannot be read, which is said elsewhere."""
    try:
        settings = load(home)
    except ApplianceError:
        return []
    if not settings.backup.recipients:
        return [unconfigured(demonstration=home.people.is_dir())]
    return [backups(settings, now), drills(last_drill(home), now)]


def unconfigured(*, demonstration: bool) -> Finding:
    """Without a recovery key nothing is backed up: wrong, except where nothing that matters is kept."""
    if demonstration:
        return Finding("backup", True, "No backups are made of a demonstration, until there is a recovery key.")
    template = "There is no recovery key, so there are no backups; `vermilion backup key FILE` makes one."
    return Finding("backup", False, template)


def backups(settings: Settings, now: datetime) -> Finding:
    """The newest archive is young."""
    try:
        newest = Archives(settings.backups).newest()
    except OSError as error:
        values = {"path": settings.backups, "why": error.strerror}
        return Finding("backup", False, "{path} cannot be used: {why}.", values)
    if newest is None:
        template = "There is no backup in {path}; `vermilion backup create` makes one."
        return Finding("backup", False, template, {"path": settings.backups})
    age = now - datetime.strptime(newest.name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    found = {"name": newest.name, "hours": int(age / timedelta(hours=1))}
    if age > OLD_BACKUP:
        template = "The newest backup, {name}, is {hours} hours old; run `vermilion backup create`."
        return Finding("backup", False, template, found)
    return Finding("backup", True, "The newest backup, {name}, is {hours} hours old.", found)


def drills(last: Drill | None, now: datetime) -> Finding:
    """The last drill passed, not long ago."""
    if last is None:
        return Finding("drill", False, "No backup was ever tried out; run `vermilion drill`.")
    if not last.passed:
        template = "The drill with {archive} failed: {why} Make a new backup, and run `vermilion drill` again."
        why = last.template.format(**last.values or {})
        return Finding("drill", False, template, {"archive": last.archive or "-", "why": why})
    values = {"archive": last.archive, "days": (now - last.at).days}
    if now - last.at > OLD_DRILL:
        template = "The last drill, with {archive}, was {days} days ago; run `vermilion drill`."
        return Finding("drill", False, template, values)
    return Finding("drill", True, "The backup {archive} was opened and verified {days} days ago.", values)
