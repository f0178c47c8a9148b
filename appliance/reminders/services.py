"""What people set and see of reminders: preferences, dates beyond signing, the list of notices; and a reminder
when the initiator asks for one (催办), besides those that come by themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from appliance.contracts.access import Command, admit, record_change, require_changeable
from appliance.contracts.permissions import Permission
from appliance.errors import PreconditionRefused, StateRefused
from appliance.language import Language, translator
from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.ledger.disclosure import Audience
from appliance.model.contract import Contract, ContractState
from appliance.model.notice import (
    DATES,
    ContractDate,
    Notice,
    NoticeKind,
    Occasion,
    QuietHours,
    ReminderPreferences,
)
from appliance.notices.delivery import MessageDeliveries, enqueue_notice
from appliance.notices.messages import (
    PortalAddresses,
    actors_of_notice,
    format_actors,
    person_actor,
    subject_of_notice,
)
from appliance.policy import Policy
from appliance.reminders.calendar_feeds import CalendarFeeds
from appliance.reminders.derivation import ClosedAccounts, ReminderDerivation, ReminderTick
from appliance.reminders.messages import ReminderLines, ReminderMails, reminder_sentence
from appliance.reminders.schedule import WorkingCalendar, load_calendar
from appliance.store import contracts, outbox, people, reminders, seal_requests
from appliance.store.database import Database, Transaction, commits, reads


class ReminderPreferenceService:
    """Each person's own. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    load_preferences = reads(reminders.preferences_of)
    save_preferences = commits(reminders.save_preferences)
    """Applies to waiting reminders, too."""


def parse_preferences(start: str, until: str, daily: str) -> ReminderPreferences:
    """The preferences as typed, ``22:00``; empty for none. Raises :class:`PreconditionRefused`."""
    begins, ends, at = (_time(text) for text in (start, until, daily))
    if (begins is None) != (ends is None):
        raise PreconditionRefused("Quiet hours need a beginning and an end; leave both empty for none.")
    if begins is None or ends is None:
        return ReminderPreferences(None, at)
    if begins == ends:
        raise PreconditionRefused("Quiet hours cannot be the whole day; leave them empty for none.")
    return ReminderPreferences(QuietHours(begins, ends), at)


def _time(text: str) -> time | None:
    if not text.strip():
        return None
    try:
        found = time.fromisoformat(text.strip())
    except ValueError as error:
        raise PreconditionRefused("{text} is not a time of day; write it like 22:00.", text=text[:20]) from error
    return found.replace(second=0, microsecond=0, tzinfo=None)


OVER = frozenset(
    {
        ContractState.DECLINED,
        ContractState.RECALLED,
        ContractState.EXPIRED,
        ContractState.DISCARDED,
        ContractState.VOIDED,
    }
)
"""What has ended has no dates to come."""

YEARS = 100


class ContractDateService:
    """The initiator keeps them, as a note to be reminded by: what binds is what the signed text says."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    list_dates = reads(contracts.dates_of)

    def may_change(self, contract: Contract, subject: str) -> bool:
        """Whether *subject* keeps the dates of *contract*."""
        return contract.initiator == subject and contract.state not in OVER

    def change_dates(self, contract_id: str, days: Mapping[Occasion, date | None], *, by: str) -> None:
        """The dates become *days*; None, and what is not named, takes a date away.

        Raises :class:`PreconditionRefused` for anybody but the initiator and for days that cannot follow each
        other, :class:`StateRefused` for a contract that has ended.
        """
        now = self._now()
        _require_order(days, now)
        with self._database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.READ, by, now))
            require_changeable(tx, contract)
            if contract.initiator != by:
                raise PreconditionRefused("Only the initiator of “{title}” keeps its dates.", title=contract.title)
            if contract.state in OVER:
                raise StateRefused("“{title}” has ended; there is nothing to remind of.", title=contract.title)
            known = {each.kind: each.day for each in contracts.dates_of(tx, contract_id)}
            wanted = {kind: days.get(kind) for kind in DATES}
            if all(known.get(kind) == day for kind, day in wanted.items()):
                return
            for kind, day in wanted.items():
                if day is None:
                    contracts.remove_date(tx, contract_id, kind)
                elif known.get(kind) != day:
                    contracts.save_date(tx, contract_id, ContractDate(kind, day, by, now))
            private = {kind.value: None if day is None else day.isoformat() for kind, day in wanted.items()}
            event = AuditEvent(EventKind.DATES_CHANGED, now, by, contract_id, {}, private)
            record_change(tx, contract, event)


def _require_order(days: Mapping[Occasion, date | None], now: datetime) -> None:
    for day in days.values():
        if day is not None and abs(day.year - now.year) > YEARS:
            raise PreconditionRefused("{day} is more than {years} years away.", day=day.isoformat(), years=YEARS)
    effective, renewal, expiry = (days.get(kind) for kind in DATES)
    if effective is not None and expiry is not None and expiry < effective:
        raise PreconditionRefused("A contract cannot end before it takes effect.")
    if renewal is not None and expiry is not None and expiry < renewal:
        raise PreconditionRefused("A contract cannot be renewed after it has ended.")


SHOWN = 60


@dataclass(frozen=True, slots=True)
class NoticeEntry:
    """One line of the list; ``pressing`` are reminders that still ask for something. ``new``: not seen yet."""

    at: datetime
    title: str
    words: str
    address: str
    pressing: bool
    new: bool


class NoticeInbox:
    """Reads, and remembers what was seen. *addresses* are those of this portal. Thread-safe."""

    def __init__(
        self, database: Database, items: ReminderLines, addresses: PortalAddresses, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._items = items
        self._addresses = addresses
        self._now = now

    count_unseen = reads(outbox.count_unseen)

    def list_entries(self, person: str, language: Language) -> list[NoticeEntry]:
        """The newest notices of *person*: what still asks for something first."""
        with self._database.reading() as tx:
            seen = outbox.inbox_seen(tx, person)
            entries = [*self._reminders(tx, person, language, seen), *self._messages(tx, person, language, seen)]
        return sorted(entries, key=lambda entry: (entry.pressing, entry.at), reverse=True)[:SHOWN]

    def mark_seen(self, person: str, until: datetime) -> None:
        """*person* has seen everything up to *until*, a moment that is not to come."""
        self._database.commit(outbox.mark_inbox, person, min(until, self._now()))

    def _reminders(
        self, tx: Transaction, person: str, language: Language, seen: datetime | None
    ) -> list[NoticeEntry]:
        zone, translate = people.person(tx, person).zone, translator(language)
        return [
            NoticeEntry(
                at=reminder.made,
                title=item.title,
                words=reminder_sentence(item, translate, language, zone),
                address=item.address,
                pressing=True,
                new=seen is None or reminder.made > seen,
            )
            for reminder in reminders.newest(tx, person, limit=SHOWN)
            for item in [self._items.line_of_reminder(tx, reminder)]
        ]

    def _messages(
        self, tx: Transaction, person: str, language: Language, seen: datetime | None
    ) -> list[NoticeEntry]:
        translate = translator(language)

        def entry(told: outbox.InboxMessage) -> NoticeEntry:
            notice, who = Notice(told.contract, person, told.kind, told.at, told.about), ""
            if told.contract is not None and told.about:
                actors = actors_of_notice(tx, notice, contracts.load_contract(tx, told.contract))
                who = format_actors(actors, translate, language)
            elif told.kind is NoticeKind.CAPTURES_TAKEN_OVER:
                who = format_actors((person_actor(tx, told.about),), translate, language)
            title = translate(subject_of_notice(told.kind, who), title=told.title, who=who)
            address, new = self._addresses.notice_url(tx, notice), seen is None or told.at > seen
            return NoticeEntry(told.at, title, words="", address=address, pressing=False, new=new)

        return [entry(told) for told in outbox.inbox_messages(tx, person, limit=SHOWN)]


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
    closed_accounts: ClosedAccounts
    calendar: WorkingCalendar
    on_demand: OnDemandReminders


def open_reminders(
    database: Database, policy: Policy, calendars: Path, origin: MailOrigin, now: Callable[[], datetime]
) -> ReminderServices:
    """All parts. *calendars* is the home's folder with calendar files of its own.

    Raises :class:`ConfigurationError` when the calendar that the policy names cannot be used.
    """
    calendar = load_calendar(policy.default.reminders.calendar, calendars)
    derivation = ReminderDerivation(lambda kind: policy.rules_for(kind).reminders, lambda _name: calendar)
    items = ReminderLines(lambda kind: policy.rules_for(kind).reminders, origin.outside)
    shown = ReminderLines(lambda kind: policy.rules_for(kind).reminders, origin.inside)
    return ReminderServices(
        ticker=ReminderTick(database, derivation, rules=fingerprint(policy, calendar), now=now),
        mails=ReminderMails(
            derivation, lambda kind: policy.rules_for(kind).reminders, items, issuer=origin.issuer
        ),
        inbox=NoticeInbox(database, shown, origin.inside, now),
        dates=ContractDateService(database, now),
        preferences=ReminderPreferenceService(database),
        deliveries=MessageDeliveries(database, now),
        feeds=CalendarFeeds(database, origin.public_url, now),
        closed_accounts=ClosedAccounts(database),
        calendar=calendar,
        on_demand=OnDemandReminders(database, now),
    )


def fingerprint(policy: Policy, calendar: WorkingCalendar) -> str:
    """Changes with the rules about reminders, and with the calendar."""
    days = sorted(calendar.holidays), sorted(calendar.workdays), sorted(calendar.weekend)
    values = repr((policy.default.reminders, [(each.names, each.rules.reminders) for each in policy.types], days))
    return hashlib.sha256(values.encode()).hexdigest()


BETWEEN: Final = timedelta(hours=4)
"""How long nobody is reminded again of the same contract, or of the same request for a seal."""


class OnDemandReminders:
    """Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def remind_now(self, contract_id: str, *, by: str) -> int:
        """Everybody for whom the contract waits gets a message; how many people got one.

        That is whoever is on turn, or the custodians where a seal has been asked for; never the initiator (*by*)
        or who has left. The version of the contract stays: whoever is signing just now is not interrupted.
        Raises :class:`StateRefused` where everybody was reminded just now, and as :func:`admit`.
        """
        now = self._now()
        with self._database.transaction() as tx:
            contract = admit(tx, Command(contract_id, Permission.REMIND, by, now))
            waiting = [each for each in _waited_for(tx, contract, now) if each.recipient != by]
            if not waiting:
                raise StateRefused("Nobody but you has to act on “{title}” now.", title=contract.title)
            due = [each for each in waiting if not _was_reminded(tx, each, now)]
            if not due:
                raise StateRefused(
                    "Everybody who has to act was reminded within the last {hours} hours; try again later.",
                    hours=BETWEEN // timedelta(hours=1),
                )
            for notice in due:
                enqueue_notice(tx, notice)
            told = dict.fromkeys(_named(tx, contract, each) for each in due)
            private = {"people": ", ".join(told)}
            append_event(tx, AuditEvent(EventKind.SIGNERS_REMINDED, now, by, contract_id, {}, private))
        return len(due)


def _waited_for(tx: Transaction, contract: Contract, now: datetime) -> Iterator[Notice]:
    """A message to each person for whom *contract* waits, once for each reason."""
    found: dict[tuple[str, str], Notice] = {}
    for party in contract.on_turn:
        request = seal_requests.of_party(tx, party.id)
        if request is not None and request.open:
            asked = request.still_asked(people.seal(tx, request.seal))
            kind, about = NoticeKind.SEAL_REQUESTED, request.id
        else:
            asked, kind, about = (party.responsible,), NoticeKind.REMINDED, contract.id
        for subject in asked:
            found.setdefault((subject, about), Notice(contract.id, subject, kind, now, about))
    return (each for each in found.values() if not people.has_left(tx, each.recipient))


def _named(tx: Transaction, contract: Contract, notice: Notice) -> str:
    """Who was reminded, as the history of who drafted the contract names them: who answers for another company's
    seal is internal to that one, so the seal stands for them."""
    person = people.person(tx, notice.recipient)
    drafted = Audience.of_person(people.person(tx, contract.initiator)) == Audience.of_person(person)
    if notice.kind is NoticeKind.SEAL_REQUESTED and not drafted:
        return people.seal(tx, seal_requests.load_request(tx, notice.about).seal).label
    return person.name


def _was_reminded(tx: Transaction, notice: Notice, now: datetime) -> bool:
    since = now - BETWEEN
    return outbox.made_since(tx, notice.recipient, (notice.kind,), since=since, about=notice.about) > 0
