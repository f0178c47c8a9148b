"""Web captures: a browser starts, captures succeed and get packages, none waits for long, the disk has room."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from appliance.errors import ApplianceError
from appliance.health.capture_probe import ask_service
from appliance.health.check_context import CheckContext, NotAnswerable
from appliance.health.findings import HealthFinding, RunbookPage, attention, failing, good, unset
from appliance.store import archive_renewals, capture_health
from appliance.store import maintenance as stored_maintenance
from appliance.store.archive_renewals import PACKAGES
from appliance.store.capture_health import EndedCapture, WaitingCaptures
from appliance.web_capture.enclosure import browser

IN_A_ROW: Final = 5
"""So many captures may fail one after the other before anybody is told: pages are down, and addresses misspelt."""

PATIENCE: Final = timedelta(minutes=30)
"""A capture may wait so long for its turn while others are made."""

PACKED_WITHIN: Final = timedelta(hours=1)
"""After a capture its package is there, which takes seconds; what fails is tried again meanwhile."""

WEEK, ENOUGH_DAYS = timedelta(days=7), 14
"""What captures took within a week, and for how many days more there should be room for as much."""

_NONE: Final = "No web pages are captured."


def service(context: CheckContext) -> HealthFinding:
    """Captures can be made. On an appliance the service is asked; in development it is enough that there is a
    browser."""
    settings = context.configured()
    if not settings.capture.enabled:
        return unset(_NONE)
    if not settings.home.is_managed:
        return _browser()
    if context.captures is None:
        return ask_service(settings)
    found = context.captures.latest(settings, context.now)
    if found is None:
        raise NotAnswerable
    return found


def _browser() -> HealthFinding:
    try:
        browser()
    except ApplianceError as error:
        return attention(RunbookPage.CAPTURE_SERVICE_DOWN, error.template, **error.values)
    return good("There is a browser for web captures.")


def failures(context: CheckContext) -> HealthFinding:
    """Captures do not fail one after the other."""
    if not context.configured().capture.enabled:
        return unset(_NONE)
    with context.reading() as tx:
        return failures_finding(capture_health.last_ended(tx, IN_A_ROW, since=context.now - timedelta(days=1)))


def failures_finding(ended: Sequence[EndedCapture]) -> HealthFinding:
    """What to say of the last captures of a day, the latest first."""
    if len(ended) < IN_A_ROW or any(each.failure is None for each in ended):
        return good("Web captures do not fail one after the other.")
    template = "Web captures that failed one after the other: {count}, the latest at {at}. {why}"
    values = {"count": len(ended), "at": _moment(ended[0].ended), "why": str(ended[0].failure)}
    return attention(RunbookPage.CAPTURES_FAILING, template, **values)


def queue(context: CheckContext) -> HealthFinding:
    """No capture waits for long."""
    if not context.configured().capture.enabled:
        return unset(_NONE)
    with context.reading() as tx:
        window = stored_maintenance.open_window(tx)
        waiting = capture_health.waiting(tx)
        ended = capture_health.last_ended(tx, 1, since=context.now - timedelta(days=1))
    if window is not None and window.is_under_way(context.now):
        return good("Web captures go on after the maintenance.")
    return queue_finding(waiting, ended[0].ended if ended else None, context.now)


def queue_finding(waiting: WaitingCaptures | None, last: datetime | None, now: datetime) -> HealthFinding:
    """What to say of those who wait, when the *last* capture came to its end then."""
    if waiting is None:
        return good("No web capture waits.")
    values = {"count": waiting.count, "since": _moment(waiting.since), "why": str(waiting.why or "")}
    if now - max(waiting.since, last or waiting.since) <= PATIENCE:
        return good("Web captures that wait for their turn: {count}.", **values)
    template = "Web captures wait and none is made: {count}, the first since {since}. {why}"
    return attention(RunbookPage.CAPTURES_WAITING, template, **values)


def packages(context: CheckContext) -> HealthFinding:
    """Each capture soon has its package, and the timestamps of packages are renewed in time."""
    settings = context.configured()
    with context.reading() as tx:
        unmade = archive_renewals.count_unmade(tx, context.now - PACKED_WITHIN)
        failed = archive_renewals.failing(tx, of=PACKAGES)
        late = archive_renewals.count_due(tx, context.now, settings.keeping.ends, of=PACKAGES)
    if unmade.count:
        template = "Web captures of more than an hour ago without an evidence package: {count}. {why}"
        values = {"count": unmade.count, "why": unmade.reason or ""}
        return attention(RunbookPage.CAPTURES_UNPACKED, template, **values)
    if late:
        template = (
            "Packages of web captures that were not timestamped again in time, and prove nothing now: {count}."
        )
        return failing(RunbookPage.KEEPING_LATE, template, count=late)
    if failed.count:
        template = "Packages of web captures that could not be timestamped again: {count}. {reason}"
        return attention(RunbookPage.CAPTURES_UNPACKED, template, count=failed.count, reason=failed.reason)
    return good("Web captures have their evidence packages.") if settings.capture.enabled else unset(_NONE)


def room(context: CheckContext) -> HealthFinding:
    """The disk has room for the captures of the days to come."""
    if not context.configured().capture.enabled:
        return unset(_NONE)
    with context.reading() as tx:
        taken = capture_health.bytes_kept(tx, context.now - WEEK)
    place = context.home.state
    return room_finding(taken, shutil.disk_usage(place).free, str(place))


def room_finding(taken: int, free: int, path: str) -> HealthFinding:
    """What to say where a week's captures have *taken* so many bytes; *free* are left on the disk of *path*."""
    days = free * WEEK.days // taken if taken else ENOUGH_DAYS
    if days >= ENOUGH_DAYS:
        return good("The disk has room for more web captures.")
    template = "Days until web captures fill the disk of {path}, at the rate of the last week: {days}."
    return attention(RunbookPage.CAPTURES_ROOM, template, path=path, days=days)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
