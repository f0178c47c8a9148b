"""The list of notices in the portal: reminders and messages to one person, and how many are new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.language import Language, translator
from appliance.model.notice import Notice
from appliance.notices.addresses import Addresses
from appliance.notices.letters import subject_of
from appliance.notices.naming import named, spoken
from appliance.reminders.items import Items
from appliance.reminders.letters import sentence
from appliance.store import contracts, inbox, people, reminders
from appliance.store.database import Database, Transaction

SHOWN = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list; ``pressing`` are reminders that still ask for something. ``new``: not seen yet."""

    at: datetime
    title: str
    words: str
    address: str
    pressing: bool
    new: bool


class Inbox:
    """Reads, and remembers what was seen. *addresses* are those of this portal. Thread-safe."""

    def __init__(
        self, database: Database, items: Items, addresses: Addresses, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._items = items
        self._addresses = addresses
        self._now = now

    def unseen(self, person: str) -> int:
        """How many notices *person* has not seen, up to twice a hundred."""
        with self._database.reading() as tx:
            return inbox.unseen(tx, person)

    def entries(self, person: str, language: Language) -> list[Entry]:
        """The newest notices of *person*: what still asks for something first."""
        with self._database.reading() as tx:
            seen = inbox.seen(tx, person)
            told = [*self._reminders(tx, person, language, seen), *self._messages(tx, person, language, seen)]
        return sorted(told, key=lambda entry: (entry.pressing, entry.at), reverse=True)[:SHOWN]

    def mark(self, person: str, until: datetime) -> None:
        """*person* has seen everything up to *until*, a moment that is not to come."""
        with self._database.transaction() as tx:
            inbox.mark(tx, person, min(until, self._now()))

    def _reminders(self, tx: Transaction, person: str, language: Language, seen: datetime | None) -> list[Entry]:
        zone, translate = people.person(tx, person).zone, translator(language)
        return [
            Entry(
                at=reminder.made,
                title=item.title,
                words=sentence(item, translate, language, zone),
                address=item.address,
                pressing=True,
                new=seen is None or reminder.made > seen,
            )
            for reminder in reminders.newest(tx, person, limit=SHOWN)
            for item in [self._items.of(tx, reminder)]
        ]

    def _messages(self, tx: Transaction, person: str, language: Language, seen: datetime | None) -> list[Entry]:
        translate = translator(language)

        def subject(told: inbox.InboxMessage) -> str:
            who = ""
            if told.contract is not None and told.about:
                notice = Notice(told.contract, person, told.kind, told.at, told.about)
                who = spoken(named(tx, notice, contracts.load(tx, told.contract)), translate, language)
            return translate(subject_of(told.kind, who), title=told.title, who=who)

        return [
            Entry(
                at=told.at,
                title=subject(told),
                words="",
                address=self._addresses.of(tx, Notice(told.contract, person, told.kind, told.at, told.about)),
                pressing=False,
                new=seen is None or told.at > seen,
            )
            for told in inbox.messages(tx, person, limit=SHOWN)
        ]
