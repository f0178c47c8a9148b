"""Codes of outside signers as text messages: asked for on the guest's page, sent by the scheduler.

1. The guest asks, at the link that takes the code. The message is queued with the party's number and nothing else.
2. The scheduler composes it when it goes out, so that the code is stored nowhere.
3. What has another code by then, was used, or belongs to a link that is over is withdrawn.
4. When the gateway will not take it, the initiator is told that the guest waits for the code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.contact_details import masked_number
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.guests.inviting import TRIES, GuestCodes, way_in
from appliance.language import translator
from appliance.model.accounts import GuestAccessMethod, GuestInvitation
from appliance.model.contract import Contract
from appliance.model.notice import ChannelKind, Notice, NoticeKind
from appliance.notices.channel import Channel, DeliveryRefused, Envelope
from appliance.notices.channel_delivery import ChannelDelivery, Prepared
from appliance.notices.delivery import number_for_code
from appliance.notices.messages import CODE_TEXT, TextMessage
from appliance.store import contracts, guests, outbox, people
from appliance.store.database import Database, Transaction
from appliance.store.outbox import MessageDelivery, OutboxMessage

BETWEEN_TEXTS = timedelta(minutes=1)
"""How long a guest waits before the code is sent once more."""

MOST_AN_HOUR = 3
MOST_A_DAY = 8
"""Text messages with codes to one guest, whoever asks for them: whoever holds the link can."""

MOST_TO_A_NUMBER = 16
"""Text messages to one number within a day, whichever guests and contracts they are for: whoever drafts contracts
types the number, and could otherwise have anybody's telephone ring all day."""

LIFETIME = timedelta(minutes=10)
"""A code that could not be sent for so long is not sent any more: whoever asked has called by then."""

SLOW = timedelta(seconds=30)
"""After which the page no longer says that a message is just being sent."""


@dataclass(frozen=True, slots=True)
class CodeText:
    """The text message that a guest can ask for, and what became of the newest one with this code.

    ``number`` shows what its owner knows again; ``state`` is as in the outbox, empty before anybody has asked;
    ``at`` is when it came to it; ``slow``: it waits for longer than it should.
    """

    number: str
    state: str = ""
    at: datetime | None = None
    slow: bool = False

    @property
    def under_way(self) -> bool:
        return self.state in ("queued", "sending")

    @property
    def failed(self) -> bool:
        """Whether the code has to come another way."""
        return self.state in ("refused", "unknown") or self.slow


def about_code(invitation: GuestInvitation) -> str:
    """What tells the code of an *invitation* from those before and after it."""
    return f"{invitation.id}.{invitation.round}"


def code_text(tx: Transaction, contract: Contract, held: GuestInvitation, now: datetime) -> CodeText | None:
    """The text message with the code of *held*; None where there is no number to send it to."""
    party = contract.party(held.party)
    number = None if party is None else number_for_code(party)
    if number is None:
        return None
    newest = outbox.newest_about(tx, held.person, NoticeKind.GUEST_CODE, about_code(held))
    if newest is None:
        return CodeText(masked_number(number))
    state = "" if newest.state == "withdrawn" else newest.state
    return CodeText(masked_number(number), state, newest.settled or newest.due, _is_slow(newest, now))


def _is_slow(newest: MessageDelivery, now: datetime) -> bool:
    return newest.state in ("queued", "sending") and now - (newest.settled or newest.due) > SLOW


def require_text_may_go(tx: Transaction, contract: Contract, held: GuestInvitation, now: datetime) -> None:
    """Raises :class:`PreconditionRefused` without a number or a code, :class:`StateRefused` for too many."""
    found = code_text(tx, contract, held, now)
    if found is None:
        raise PreconditionRefused(
            "There is no mobile number to send the code to; whoever invited you tells it to you."
        )
    if held.tries >= TRIES:
        raise PreconditionRefused("Too many wrong codes. Ask whoever invited you for a new one; this one is dead.")
    if found.under_way:
        raise StateRefused("The code is being sent already; wait a moment.")
    kinds = (NoticeKind.GUEST_CODE,)
    if outbox.made_since(tx, held.person, kinds, since=now - BETWEEN_TEXTS):
        raise StateRefused("A code was sent just now; it can be sent again after a minute.")
    hour, day = timedelta(hours=1), timedelta(days=1)
    if outbox.made_since(tx, held.person, kinds, since=now - hour) >= MOST_AN_HOUR:
        raise StateRefused("Several codes were sent within an hour. Call whoever invited you, or try again later.")
    if outbox.made_since(tx, held.person, kinds, since=now - day) >= MOST_A_DAY:
        raise StateRefused("Several codes were sent today. Call whoever invited you, or try again tomorrow.")


class SparingGateway:
    """*gateway*, but for :data:`MOST_TO_A_NUMBER`. What is counted is on disk, so that a scheduler that is started
    anew goes on counting; of a number it is a digest that *codes* makes, and for a day alone."""

    def __init__(
        self, database: Database, gateway: Channel[TextMessage], codes: GuestCodes, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._codes = codes
        self._now = now

    @property
    def is_idempotent(self) -> bool:
        return self._gateway.is_idempotent

    def greet(self) -> None:
        self._gateway.greet()

    def send_message(self, envelope: Envelope, message: TextMessage) -> str:
        """As the *gateway*. Raises :class:`DeliveryRefused` for a number that had enough."""
        number, now = self._codes.mark_of(envelope.recipient), self._now()
        since = now - timedelta(days=1)
        with self._database.transaction() as tx:
            outbox.forget_texts(tx, since)
            if outbox.other_texts(tx, number, envelope.message_id, since=since) >= MOST_TO_A_NUMBER:
                raise DeliveryRefused(f"this number was sent {MOST_TO_A_NUMBER} codes within a day")
            outbox.note_text(tx, envelope.message_id, number, now)
        return self._gateway.send_message(envelope, message)


class CodeDelivery(ChannelDelivery[TextMessage]):
    """Sends the codes that guests ask for, in the name of *organisation*, for the portal at *host*."""

    channel_kind = ChannelKind.GATEWAY
    longest_pause = timedelta(minutes=1)
    lifetime = LIFETIME

    def __init__(
        self,
        database: Database,
        gateway: Channel[TextMessage],
        codes: GuestCodes,
        now: Callable[[], datetime],
        *,
        organisation: str,
        host: str,
    ) -> None:
        super().__init__(database, SparingGateway(database, gateway, codes, now), now)
        self._codes = codes
        self._organisation = organisation
        self._host = host

    def compose(self, tx: Transaction, message: OutboxMessage) -> Prepared[TextMessage] | None:
        notice, now = message.notice, self._now()
        try:
            held = guests.of_person(tx, notice.recipient)
        except NotFound:
            return None
        contract = contracts.load_contract(tx, held.contract)
        party = contract.party(held.party)
        number = None if party is None else number_for_code(party)
        takes_code = way_in(contract, held, held, now) is GuestAccessMethod.CODE and held.tries < TRIES
        if number is None or not takes_code or notice.about != about_code(held):
            return None
        guest = people.person(tx, held.person)
        values = {"code": self._codes.of(held), "organisation": self._organisation, "host": self._host}
        text = translator(guest.language)(CODE_TEXT, **values)
        envelope = Envelope(number, "", notice.message_id, notice.due)
        return Prepared(envelope, TextMessage(notice.kind, guest.language, text, values))

    def pause_of(self, message: OutboxMessage) -> timedelta:
        """Five seconds, doubling up to one minute: somebody waits in front of a page."""
        return min(timedelta(seconds=5 * 2 ** min(message.attempts - 1, 4)), self.longest_pause)

    def on_failure(self, tx: Transaction, message: OutboxMessage) -> None:
        """The initiator is told that the guest waits for the code."""
        notice = message.notice
        if notice.contract is not None:
            contract = contracts.load_contract(tx, notice.contract)
            party = next((each for each in contract.parties if each.subject == notice.recipient), None)
            if party is not None:
                kind = NoticeKind.GUEST_ARRIVED
                outbox.enqueue(tx, Notice(contract.id, contract.initiator, kind, self._now(), party.id))
