"""The mail that carries reminders: made when it goes out, of what still holds then."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.model.people import Person
from appliance.model.reminder import Reminder
from appliance.notices.letters import Later, Letter
from appliance.reminders.derivation import Derivation, RulesOf
from appliance.reminders.items import Items
from appliance.reminders.letters import digest
from appliance.store import contracts, people, reminders
from appliance.store.database import Transaction
from appliance.store.outbox import OutboxMessage

MOST = 50
"""Contracts that one mail names; the list in the portal has all of them."""

SOON = timedelta(seconds=10)
"""When a message is looked at again whose reminders are being derived."""


class Digests:
    """Makes letters of reminders; *issuer* is the organisation in whose name it writes."""

    def __init__(self, derivation: Derivation, rules: RulesOf, items: Items, *, issuer: str) -> None:
        self._derivation = derivation
        self._rules = rules
        self._items = items
        self._issuer = issuer

    def compose(self, tx: Transaction, message: OutboxMessage, now: datetime) -> Letter | Later | None:
        """The letter; when it should wait, until when; None when nothing in it asks for anything any more."""
        count, moving = reminders.open_in_mail(tx, message.id, now)
        if moving:
            return Later(now + SOON)
        if not count:
            return None
        found = reminders.in_mail(tx, message.id, limit=MOST)
        person = people.person(tx, message.notice.recipient)
        until = min(self._not_before(tx, person, each, now) for each in found)
        if until > now:
            return Later(until)
        items = [self._items.of(tx, each) for each in found]
        return digest(person, items, count - len(items), self._items.list_address(), issuer=self._issuer)

    def _not_before(self, tx: Transaction, person: Person, reminder: Reminder, now: datetime) -> datetime:
        """Working and quiet hours once more: the server may have been away until the middle of the night."""
        rules = self._rules(contracts.load(tx, reminder.contract).kind)
        wanted = self._derivation.hours(tx, person.subject, rules).at_or_after(now)
        return now if now < reminder.anchor <= wanted else wanted
