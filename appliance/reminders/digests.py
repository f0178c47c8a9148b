"""The mail that carries reminders: made when it goes out, of what still holds then."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.model.people import Person
from appliance.model.reminder import Reminder
from appliance.notices.letters import MailMessage, Postponed
from appliance.reminders.derivation import ReminderDerivation, RulesOf
from appliance.reminders.items import ReminderLines
from appliance.reminders.letters import compose_digest
from appliance.store import contracts, people, reminders
from appliance.store.database import Transaction
from appliance.store.outbox import OutboxMessage

MOST_LISTED = 50
"""Contracts that one mail names; the list in the portal has all of them."""

SOON = timedelta(seconds=10)
"""When a message is looked at again whose reminders are being derived."""


class ReminderMails:
    """Makes letters of reminders; *issuer* is the organisation in whose name it writes."""

    def __init__(
        self, derivation: ReminderDerivation, rules: RulesOf, items: ReminderLines, *, issuer: str
    ) -> None:
        self._derivation = derivation
        self._rules = rules
        self._items = items
        self._issuer = issuer

    def compose_mail(
        self, tx: Transaction, message: OutboxMessage, now: datetime
    ) -> MailMessage | Postponed | None:
        """The letter; when it should wait, until when; None when nothing in it asks for anything any more."""
        count, moving = reminders.open_in_mail(tx, message.id, now)
        if moving:
            return Postponed(now + SOON)
        if not count:
            return None
        found = reminders.in_mail(tx, message.id, limit=MOST_LISTED)
        person = people.person(tx, message.notice.recipient)
        until = min(self._not_before(tx, person, each, now) for each in found)
        if until > now:
            return Postponed(until)
        items = [self._items.line_of_reminder(tx, each) for each in found]
        return compose_digest(person, items, count - len(items), self._items.list_address(), issuer=self._issuer)

    def _not_before(self, tx: Transaction, person: Person, reminder: Reminder, now: datetime) -> datetime:
        """Working and quiet hours once more: the server may have been away until the middle of the night."""
        rules = self._rules(contracts.load(tx, reminder.contract).kind)
        wanted = self._derivation.working_hours(tx, person.subject, rules).at_or_after(now)
        return now if now < reminder.anchor <= wanted else wanted
