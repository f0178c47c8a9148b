"""The parts of reminders, put together for one process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from appliance.ledger.audit_trail import AuditTrail
from appliance.notices.addresses import PortalAddresses
from appliance.notices.delivery import MessageDeliveries
from appliance.policy import Policy
from appliance.reminders.calendar import WorkingCalendar, load_calendar
from appliance.reminders.calendar_feeds import CalendarFeeds
from appliance.reminders.dates import ContractDateService
from appliance.reminders.derivation import ReminderDerivation, ReminderTick
from appliance.reminders.duties import AbsentActors
from appliance.reminders.inbox import NoticeInbox
from appliance.reminders.messages import ReminderLines, ReminderMails
from appliance.reminders.preferences import ReminderPreferenceService
from appliance.store.database import Database


@dataclass(frozen=True, slots=True)
class MailOrigin:
    """Whose mail it is (*issuer*), and addresses: *outside* as others reach the portal, *inside* on pages."""

    issuer: str
    public_url: str
    outside: PortalAddresses
    inside: PortalAddresses


@dataclass(frozen=True, slots=True)
class ReminderServices:
    """Every part is thread-safe, but ``ticker`` has one caller."""

    ticker: ReminderTick
    mails: ReminderMails
    inbox: NoticeInbox
    dates: ContractDateService
    preferences: ReminderPreferenceService
    deliveries: MessageDeliveries
    feeds: CalendarFeeds
    absences: AbsentActors
    calendar: WorkingCalendar


def open_reminders(
    database: Database, policy: Policy, calendars: Path, house: MailOrigin, now: Callable[[], datetime]
) -> ReminderServices:
    """All parts. *calendars* is the home's folder with calendar files of its own.

    Raises :class:`ConfigurationError` when the calendar that the policy names cannot be used.
    """
    calendar = load_calendar(policy.default.reminders.calendar, calendars)
    derivation = ReminderDerivation(lambda kind: policy.rules_for(kind).reminders, lambda _name: calendar)
    items = ReminderLines(lambda kind: policy.rules_for(kind).reminders, house.outside)
    shown = ReminderLines(lambda kind: policy.rules_for(kind).reminders, house.inside)
    audit = AuditTrail()
    return ReminderServices(
        ticker=ReminderTick(database, derivation, rules=fingerprint(policy, calendar), now=now),
        mails=ReminderMails(derivation, lambda kind: policy.rules_for(kind).reminders, items, issuer=house.issuer),
        inbox=NoticeInbox(database, shown, house.inside, now),
        dates=ContractDateService(database, audit, now),
        preferences=ReminderPreferenceService(database),
        deliveries=MessageDeliveries(database, audit, now),
        feeds=CalendarFeeds(database, house.public_url, now),
        absences=AbsentActors(database),
        calendar=calendar,
    )


def fingerprint(policy: Policy, calendar: WorkingCalendar) -> str:
    """Changes with the rules about reminders, and with the calendar."""
    days = sorted(calendar.holidays), sorted(calendar.workdays), sorted(calendar.weekend)
    values = repr((policy.default.reminders, [(each.names, each.rules.reminders) for each in policy.types], days))
    return hashlib.sha256(values.encode()).hexdigest()
