"""Are people reminded? The scheduler derives, mail goes out and arrives, the calendar knows the year."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.config import load
from appliance.errors import ApplianceError
from appliance.home import Home
from appliance.operations.finding import Finding
from appliance.policy import load_policy
from appliance.reminders.calendar import load_calendar
from appliance.store import deliveries, reminder_plans
from appliance.store.database import Database, Transaction

LATE = timedelta(minutes=5)
"""The scheduler derives every ten seconds."""

STUCK = timedelta(hours=1)
"""Longer than a mail server is away in passing."""


def reminding(home: Home, now: datetime) -> list[Finding]:
    """The findings; none while there is no database that opens, which is said elsewhere."""
    if not home.database.exists():
        return []
    try:
        database = Database(home.database)
    except ApplianceError:
        return []
    try:
        with database.reading() as tx:
            return [derived(tx, now), mail(tx, now, configured=_has_mail(home)), calendar(home, now)]
    finally:
        database.close()


def derived(tx: Transaction, now: datetime) -> Finding:
    """Reminders that are due are derived."""
    waiting = reminder_plans.waiting_since(tx, now - LATE)
    ticked, _ = reminder_plans.clock(tx)
    if waiting and (ticked is None or now - ticked > LATE):
        template = "Reminders of {count} contracts wait to be derived; the scheduler does not run."
        return Finding("reminders", False, template, {"count": waiting})
    return Finding("reminders", True, "Reminders that are due are derived.")


def mail(tx: Transaction, now: datetime, *, configured: bool) -> Finding:
    """Mail goes out and arrives, as far as can be known."""
    unknown, refused, stuck = deliveries.counts(tx, before=now - STUCK, since=now - deliveries.RECENT)
    if not configured:
        return Finding("mail", True, "No mail server is set; notices are shown in the portal only.")
    if stuck:
        template = "{count} mails have waited for more than an hour; the mail server does not take them."
        return Finding("mail", False, template, {"count": stuck})
    if unknown or refused:
        template = (
            "In 14 days {unknown} mails may not have arrived and {refused} were refused; see their contracts."
        )
        return Finding("mail", False, template, {"unknown": unknown, "refused": refused})
    return Finding("mail", True, "Mail goes out.")


def calendar(home: Home, now: datetime) -> Finding:
    """The calendar of holidays has this year."""
    try:
        rules = load_policy(home.policy).default.reminders
        found = load_calendar(rules.calendar, home.calendars)
    except ApplianceError as error:
        return Finding("calendar", False, error.template, error.values)
    values = {"name": found.name, "year": now.year, "next": now.year + 1}
    if not found.knows(now.year):
        template = "The calendar {name} does not have {year}; Monday to Friday count as working days."
        return Finding("calendar", False, template, values)
    if not found.knows(now.year + 1):
        template = "The calendar {name} has {year}, but not yet {next}; add it in time."
        return Finding("calendar", True, template, values)
    return Finding("calendar", True, "The calendar {name} has {year} and {next}.", values)


def _has_mail(home: Home) -> bool:
    try:
        return bool(load(home).mail.host)
    except ApplianceError:
        return False
