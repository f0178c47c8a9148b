"""Are people reminded? The scheduler derives, and the calendar knows the year."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.errors import ApplianceError
from appliance.health.bench import CheckContext
from appliance.health.finding import HealthFinding, attention, failing, good
from appliance.health.pages import RunbookPage
from appliance.home import Home
from appliance.policy import load_policy
from appliance.reminders.calendar import load_calendar
from appliance.store import reminder_plans
from appliance.store.database import Transaction

LATE = timedelta(minutes=5)
"""The scheduler derives every ten seconds."""


def reminders(bench: CheckContext) -> HealthFinding:
    """Reminders that are due are derived."""
    with bench.reading() as tx:
        return derived(tx, bench.now)


def derived(tx: Transaction, now: datetime) -> HealthFinding:
    """The same, of an open database."""
    waiting = reminder_plans.waiting_since(tx, now - LATE)
    ticked, _ = reminder_plans.clock(tx)
    if waiting and (ticked is None or now - ticked > LATE):
        template = "Contracts whose reminders wait to be derived: {count}; the scheduler does not run."
        return failing("reminders", RunbookPage.REMINDERS_LATE, template, {"count": waiting})
    return good("reminders", "Reminders that are due are derived.")


def calendar(bench: CheckContext) -> HealthFinding:
    """The calendar of holidays has this year."""
    return known_years(bench.home, bench.now)


def known_years(home: Home, now: datetime) -> HealthFinding:
    """Which years the calendar of *home* has."""
    try:
        rules = load_policy(home.policy).default.reminders
        found = load_calendar(rules.calendar, home.calendars)
    except ApplianceError as error:
        return failing("calendar", RunbookPage.SETTINGS_WRONG, error.template, error.values)
    values = {"name": found.name, "year": now.year, "next": now.year + 1, "file": f"{rules.calendar}.toml"}
    if not found.covers_year(now.year):
        template = "The calendar {name} does not have {year}; Monday to Friday count as working days."
        return attention("calendar", RunbookPage.CALENDAR_MISSING, template, values)
    if not found.covers_year(now.year + 1):
        return good("calendar", "The calendar {name} has {year}, but not yet {next}; add it in time.", values)
    return good("calendar", "The calendar {name} has {year} and {next}.", values)
