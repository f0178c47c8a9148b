"""Reminders as text in the recipient's language: in the portal's list, and in the mails that gather them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from typing import Final

from appliance.language import Language, Translator, instants, translator
from appliance.model.contract import Contract
from appliance.model.notice import Occasion, Reminder, ReminderRole
from appliance.model.people import Person
from appliance.notices.messages import (
    FROM,
    GREETING,
    MailMessage,
    PortalAddresses,
    Postponed,
    html_page,
    numbered_subject,
)
from appliance.reminders import derivation
from appliance.reminders.derivation import ReminderDerivation, RulesOf
from appliance.store import contracts, members, people, reminders
from appliance.store.database import Transaction
from appliance.store.outbox import OutboxMessage

WAITS: Final[Mapping[ReminderRole, str]] = {
    ReminderRole.SIGNER: "It waits for your signature; signing is possible until {deadline} ({zone}).",
    ReminderRole.CUSTODIAN: (
        "A request for a seal waits for your decision; signing is possible until {deadline} ({zone})."
    ),
    ReminderRole.INITIATOR: "Not yet signed by {names}; signing is possible until {deadline} ({zone}).",
}

OVERDUE: Final[Mapping[ReminderRole, str]] = {
    ReminderRole.SIGNER: (
        "The deadline passed on {deadline} ({zone}); you can sign only if the initiator extends it."
    ),
    ReminderRole.CUSTODIAN: (
        "The deadline passed on {deadline} ({zone}); the seal waits for the initiator to extend it."
    ),
    ReminderRole.INITIATOR: (
        "The deadline passed on {deadline} ({zone}), not signed by {names}. Unless you extend it by {last}, the"
        " contract expires."
    ),
}

DATED: Final[Mapping[Occasion, str]] = {
    Occasion.EFFECTIVE: "It takes effect on {day}.",
    Occasion.RENEWAL: "It is to be renewed or ended by {day}.",
    Occasion.EXPIRY: "It ends on {day}.",
}

GONE: Final = (
    "{name} should act here and is no longer there. Recall it and send it to somebody else, or talk to an officer."
)
GONE_DATED: Final = "{name}, who started it, is no longer there."

ONE: Final = "Reminder: “{title}”"
MORE: Final = "And {count} more: {address}"
SEVERAL: Final = "Reminder: {count} contracts wait for you"


@dataclass(frozen=True, slots=True)
class ReminderLine:
    """One reminder with what its words need: ``names`` of those who have not acted or are gone, the ``day`` of a
    date beyond signing, until when (``last``) the deadline can still be extended."""

    reminder: Reminder
    title: str
    names: tuple[str, ...]
    day: date | None
    overdue: bool
    last: datetime
    address: str
    number: str = ""

    @property
    def label(self) -> str:
        """The title behind the contract's number."""
        return f"{self.number} {self.title}".lstrip()


def reminder_sentence(item: ReminderLine, translate: Translator, language: Language, zone: str) -> str:
    """What the reminder says, besides the title; times are shown in *zone*."""
    part, day = item.reminder.duty.role, None if item.day is None else item.day.isoformat()
    comma = "、" if language is Language.CHINESE else ", "
    names = comma.join(item.names)
    if item.day is not None:
        dated = translate(DATED[item.reminder.occasion], day=day)
        if part is not ReminderRole.STAND_IN:
            return dated
        return dated + _gap(language) + translate(GONE_DATED, name=names)
    if part is ReminderRole.STAND_IN:
        return translate(GONE, name=names)
    values = {"deadline": instants.minute(item.reminder.anchor, zone), "zone": zone, "names": names}
    if not item.overdue:
        return translate(WAITS[part], **values)
    return translate(OVERDUE[part], last=instants.minute(item.last, zone), **values)


def compose_reminder_mail(
    person: Person, items: Sequence[ReminderLine], more: int, listed: str, *, issuer: str
) -> MailMessage:
    """One message with *items*, each with its own address, and how many *more* are *listed* in the portal."""
    translate, zone = translator(person.language), person.zone
    about = {item.reminder.contract for item in items}
    one = len(about) == 1 and not more
    single = numbered_subject(translate(ONE, title=items[0].title), items[0].number)
    subject = single if one else translate(SEVERAL, count=len(about) + more)
    greeting, sender = translate(GREETING, name=person.name), translate(FROM, issuer=issuer)
    told = [(item, reminder_sentence(item, translate, person.language, zone)) for item in items]
    body = [greeting, ""]
    for item, words in told:
        body += [item.label, words, item.address, ""]
    rest = [translate(MORE, count=more, address=listed)] if more else []
    body += [*rest, ""] if rest else []
    paragraphs = [f"<p>{escape(greeting)}</p>", *(_paragraph(item, words) for item, words in told)]
    paragraphs += [f"<p>{escape(each)}</p>" for each in rest]
    return MailMessage(
        subject, "\n".join([*body, sender]) + "\n", html_page(person, subject, "".join(paragraphs), sender)
    )


def _paragraph(item: ReminderLine, words: str) -> str:
    address, title = escape(item.address), escape(item.label)
    return f'<p><a href="{address}" style="color:#b3261e">{title}</a><br>{escape(words)}</p>'


def _gap(language: Language) -> str:
    return "" if language is Language.CHINESE else " "


class ReminderLines:
    """Gathers; *addresses* are those of the pages that reminders lead to."""

    def __init__(self, rules: RulesOf, addresses: PortalAddresses) -> None:
        self._rules = rules
        self._addresses = addresses

    def list_address(self) -> str:
        """Where all reminders are listed."""
        return self._addresses.page_url("/notices")

    def line_of_reminder(self, tx: Transaction, reminder: Reminder) -> ReminderLine:
        """The reminder with what its words need."""
        contract = contracts.load_contract(tx, reminder.contract)
        return ReminderLine(
            reminder=reminder,
            title=contract.title,
            number=contract.number,
            names=_names(tx, reminder, contract),
            day=_day(tx, reminder, contract),
            overdue=reminder.occasion is Occasion.SIGNING and reminder.made >= reminder.anchor,
            last=contract.deadline.at + self._rules(contract.kind).grace,
            address=self._addresses.reminder_url(tx, reminder),
        )


def _names(tx: Transaction, reminder: Reminder, contract: Contract) -> tuple[str, ...]:
    if reminder.duty.role is ReminderRole.STAND_IN:
        about = reminder.duty.about
        return (members.names(tx, [about]).get(about, about),)
    return derivation.names_of_late(tx, contract) if reminder.duty.role is ReminderRole.INITIATOR else ()


def _day(tx: Transaction, reminder: Reminder, contract: Contract) -> date | None:
    """The day of a date beyond signing."""
    dates = contracts.dates_of(tx, contract.id)
    return next((each.day for each in dates if each.kind is reminder.occasion), None)


MOST_LISTED = 50
"""Contracts that one mail names; the list in the portal has all of them."""

SOON = timedelta(seconds=10)
"""When a message is looked at again whose reminders are being derived."""


class ReminderMails:
    """Composes mails with reminders when they go out, of what holds then; *issuer* is the sending organisation."""

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
        """The message; the moment until which it waits; None when no reminder in it holds any more."""
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
        return compose_reminder_mail(
            person, items, count - len(items), self._items.list_address(), issuer=self._issuer
        )

    def free_from(self, tx: Transaction, person: Person, now: datetime) -> datetime:
        """*now*, or when the quiet hours of *person* end."""
        return self._derivation.working_hours(tx, person.subject, self._rules("")).free_at_or_after(now)

    def _not_before(self, tx: Transaction, person: Person, reminder: Reminder, now: datetime) -> datetime:
        """Working and quiet hours once more: the server may have been away until the middle of the night."""
        rules = self._rules(contracts.load_contract(tx, reminder.contract).kind)
        wanted = self._derivation.working_hours(tx, person.subject, rules).at_or_after(now)
        return now if now < reminder.anchor <= wanted else wanted
