"""All that there is about reminders, put together for one process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from appliance.ledger.audit_trail import AuditTrail
from appliance.notices.addresses import Addresses
from appliance.policy import Policy
from appliance.reminders.absences import Absences
from appliance.reminders.calendar import Calendar, load_calendar
from appliance.reminders.dates import ContractDates
from appliance.reminders.deliveries import Deliveries
from appliance.reminders.derivation import Derivation
from appliance.reminders.digests import Digests
from appliance.reminders.feeds import Feeds
from appliance.reminders.inbox import Inbox
from appliance.reminders.items import Items
from appliance.reminders.reminding import Reminding
from appliance.reminders.wishes import ReminderWishes
from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class House:
    """Whose mail it is (*issuer*), and addresses: *outside* as others reach the portal, *inside* on pages."""

    issuer: str
    public_url: str
    outside: Addresses
    inside: Addresses


@dataclass(frozen=True, slots=True)
class RemindersDesk:
    """Every part is safe for threads, but ``reminding`` has one caller."""

    reminding: Reminding
    digests: Digests
    inbox: Inbox
    dates: ContractDates
    wishes: ReminderWishes
    deliveries: Deliveries
    feeds: Feeds
    absences: Absences
    calendar: Calendar


def open_reminders(
    database: Database, policy: Policy, calendars: Path, house: House, now: Callable[[], datetime]
) -> RemindersDesk:
    """The desk. *calendars* is the home's folder with calendar files of its own.

    Raises :class:`ConfigurationError` when the calendar that the policy names cannot be used.
    """
    calendar = load_calendar(policy.default.reminders.calendar, calendars)
    derivation = Derivation(lambda kind: policy.of(kind).reminders, lambda _name: calendar)
    items = Items(lambda kind: policy.of(kind).reminders, house.outside)
    shown = Items(lambda kind: policy.of(kind).reminders, house.inside)
    audit = AuditTrail()
    return RemindersDesk(
        reminding=Reminding(database, derivation, rules=fingerprint(policy, calendar), now=now),
        digests=Digests(derivation, lambda kind: policy.of(kind).reminders, items, issuer=house.issuer),
        inbox=Inbox(database, shown, house.inside, now),
        dates=ContractDates(database, audit, now),
        wishes=ReminderWishes(database),
        deliveries=Deliveries(database, audit, now),
        feeds=Feeds(database, house.public_url, now),
        absences=Absences(database),
        calendar=calendar,
    )


def fingerprint(policy: Policy, calendar: Calendar) -> str:
    """Changes with the rules about reminders, and with the calendar."""
    days = sorted(calendar.holidays), sorted(calendar.workdays), sorted(calendar.weekend)
    told = repr((policy.default.reminders, [(each.names, each.rules.reminders) for each in policy.types], days))
    return hashlib.sha256(told.encode()).hexdigest()
