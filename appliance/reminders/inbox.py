"""The list of notices in the portal: reminders and messages to one person, and how many are new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.language import Language, translator
from appliance.model.notice import Notice
from appliance.notices.addresses import PortalAddresses
from appliance.notices.messages import actors_of_notice, format_actors, subject_of_notice
from appliance.reminders.messages import ReminderLines, reminder_sentence
from appliance.store import contracts, inbox, people, reminders
from appliance.store.database import Database, Transaction

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

    def count_unseen(self, person: str) -> int:
        """How many notices *person* has not seen, up to twice a hundred."""
        with self._database.reading() as tx:
            return inbox.unseen(tx, person)

    def list_entries(self, person: str, language: Language) -> list[NoticeEntry]:
        """The newest notices of *person*: what still asks for something first."""
        with self._database.reading() as tx:
            seen = inbox.seen(tx, person)
            entries = [*self._reminders(tx, person, language, seen), *self._messages(tx, person, language, seen)]
        return sorted(entries, key=lambda entry: (entry.pressing, entry.at), reverse=True)[:SHOWN]

    def mark_seen(self, person: str, until: datetime) -> None:
        """*person* has seen everything up to *until*, a moment that is not to come."""
        with self._database.transaction() as tx:
            inbox.mark(tx, person, min(until, self._now()))

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

        def subject(told: inbox.InboxMessage) -> str:
            who = ""
            if told.contract is not None and told.about:
                notice = Notice(told.contract, person, told.kind, told.at, told.about)
                who = format_actors(
                    actors_of_notice(tx, notice, contracts.load_contract(tx, told.contract)), translate, language
                )
            return translate(subject_of_notice(told.kind, who), title=told.title, who=who)

        return [
            NoticeEntry(
                at=told.at,
                title=subject(told),
                words="",
                address=self._addresses.notice_url(
                    tx, Notice(told.contract, person, told.kind, told.at, told.about)
                ),
                pressing=False,
                new=seen is None or told.at > seen,
            )
            for told in inbox.messages(tx, person, limit=SHOWN)
        ]
