"""The outbox: queueing notices, sending mail, and what became of each message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from appliance.config import GatewaySettings, MailSettings
from appliance.contact_details import mobile_number
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.accounts import GuestInvitation
from appliance.model.api_clients import require_person
from appliance.model.captures import CaptureSchedule, OrderedCapture
from appliance.model.contract import GUEST_PREFIX, Contract, Party
from appliance.model.discussion import DraftKind
from appliance.model.notice import ChannelKind, Notice, NoticeKind
from appliance.model.people import Person
from appliance.notices.channel import Channel, Envelope, Mailbox
from appliance.notices.channel_delivery import ChannelDelivery, Prepared
from appliance.notices.messages import (
    MailMessage,
    MessageContext,
    NamedActor,
    PortalAddresses,
    Postponed,
    actors_of_notice,
    compose_message,
    person_actor,
)
from appliance.signing_methods import SigningMethod
from appliance.store import (
    absences,
    api_clients,
    captures,
    contracts,
    discussions,
    guests,
    outbox,
    ownership,
    people,
)
from appliance.store import writing as texts
from appliance.store.database import Database, Transaction
from appliance.store.outbox import MessageDelivery

LONGEST_PAUSE = timedelta(minutes=5)

URGENT: Final = frozenset(
    {
        NoticeKind.GUEST_LINK,
        NoticeKind.GUEST_ASKS,
        NoticeKind.GUEST_ARRIVED,
        NoticeKind.RECOVERY,
        NoticeKind.OFFICER_RECOVERY,
    }
)
"""What somebody waits for before a page, and what officers are to see at once."""


class ReminderComposer(Protocol):
    """Composes a message when it goes out, of what holds at that moment."""

    def compose_mail(
        self, tx: Transaction, message: outbox.OutboxMessage, now: datetime
    ) -> MailMessage | Postponed | None:
        """The message; the moment until which it waits; None when nobody needs it any more."""

    def free_from(self, tx: Transaction, person: Person, now: datetime) -> datetime:
        """*now*, or when the quiet hours of *person* end."""


@dataclass(frozen=True, slots=True)
class MailOptions:
    """``reply_to_initiator``: answers to mails about a contract go to who sent it; ``codes_by_text``: codes of
    outside signers go to their mobile numbers where there is one."""

    reply_to_initiator: bool = False
    codes_by_text: bool = False


DEFAULT_OPTIONS: Final = MailOptions()


class OutboxDelivery(ChannelDelivery[MailMessage]):
    """Mail; *issuer* is the organisation in whose name it writes."""

    channel_kind = ChannelKind.MAIL
    longest_pause = LONGEST_PAUSE
    urgent = URGENT

    def __init__(
        self,
        database: Database,
        mail: Channel[MailMessage],
        reminders: ReminderComposer,
        *,
        addresses: PortalAddresses,
        issuer: str,
        now: Callable[[], datetime],
        options: MailOptions = DEFAULT_OPTIONS,
    ) -> None:
        super().__init__(database, mail, now)
        self._reply_to_initiator = options.reply_to_initiator
        self._reminders = reminders
        self._addresses = addresses
        self._issuer = issuer
        self._texts = options.codes_by_text

    def compose(self, tx: Transaction, message: outbox.OutboxMessage) -> Prepared[MailMessage] | Postponed | None:
        notice = message.notice
        person = people.person(tx, notice.recipient)
        answers = self._answers(tx, notice)
        words = self._words(tx, message)
        if words is None or isinstance(words, Postponed):
            return words
        return Prepared(Envelope(person.email, person.name, notice.message_id, notice.due, answers), words)

    def pause_of(self, message: outbox.OutboxMessage) -> timedelta:
        return outbox.retry_after(message.attempts)

    def _words(self, tx: Transaction, message: outbox.OutboxMessage) -> MailMessage | Postponed | None:
        notice = message.notice
        if notice.recipient.startswith(GUEST_PREFIX) and guests.is_revoked(tx, notice.recipient):
            return None  # another took this one's place, also since the message was taken, or before it goes again
        if notice.kind is NoticeKind.REMINDERS:
            return self._reminders.compose_mail(tx, message, self._now())
        if notice.kind is NoticeKind.DRAFT_SHARED:
            return self._of_draft(tx, notice)
        if notice.kind in _OF_CAPTURES:
            return self._of_capture(tx, notice)
        if notice.kind is NoticeKind.CAPTURES_DUE and not captures.came_due(tx, None, notice.about):
            return None  # officers have decided meanwhile
        return compose_message(people.person(tx, notice.recipient), notice.kind, self._context(tx, notice))

    def _of_draft(self, tx: Transaction, notice: Notice) -> MailMessage | Postponed | None:
        """That a draft is shared, outside the recipient's quiet hours; None when it is shared no more."""
        kind = DraftKind.TEXT if notice.contract is None else DraftKind.CONTRACT
        if not discussions.is_shared(tx, kind, notice.about, notice.recipient):
            return None
        person = people.person(tx, notice.recipient)
        if (until := self._reminders.free_from(tx, person, self._now())) > self._now():
            return Postponed(until)
        context = self._context(tx, notice)
        if kind is DraftKind.TEXT:
            text = texts.text(tx, notice.about)
            context = replace(context, title=text.wording.title, who=(person_actor(tx, text.owner),))
        return compose_message(person, notice.kind, context)

    def _of_capture(self, tx: Transaction, notice: Notice) -> MailMessage | Postponed | None:
        """What became of a capture; None for a colleague who may not see it any more. That it is shared, outside
        the recipient's quiet hours."""
        order = captures.find_capture(tx, notice.about) or captures.find_schedule(tx, notice.about)
        person = people.person(tx, notice.recipient)
        if order is None or not _sees(tx, order, person):
            return None
        context = self._context(tx, notice)
        if notice.kind is NoticeKind.CAPTURE_SHARED:
            if (until := self._reminders.free_from(tx, person, self._now())) > self._now():
                return Postponed(until)
            context = replace(context, who=(person_actor(tx, order.owner),))
        return compose_message(person, notice.kind, replace(context, title=order.address[:100]))

    def _context(self, tx: Transaction, notice: Notice) -> MessageContext:
        address = self._addresses.notice_url(tx, notice)
        invitation = _invitation(tx, notice.recipient)
        contract_id = notice.contract or (invitation.contract if invitation is not None else None)
        if contract_id is None:
            return _without_contract(tx, notice, MessageContext(address, self._issuer))
        contract = contracts.load_contract(tx, contract_id)
        answers = self._answers(tx, notice)
        return MessageContext(
            address,
            self._issuer,
            contract.title,
            contract.deadline.at,
            number=contract.number,
            who=actors_of_notice(tx, notice, contract),
            answers="" if answers is None else answers.name,
            shut_out=invitation is not None and invitation.is_shut_out(contract, self._now()),
            own_certificate=invitation is not None and _signs_elsewhere(contract, invitation),
            code_by_text=self._texts and invitation is not None and _takes_texts(contract, invitation),
        )

    def _answers(self, tx: Transaction, notice: Notice) -> Mailbox | None:
        """The initiator, for mails about a contract to others, where the setting is so and there is one."""
        if not self._reply_to_initiator or notice.contract is None or notice.kind is NoticeKind.REMINDERS:
            return None
        initiator = contracts.load_contract(tx, notice.contract).initiator
        if initiator == notice.recipient or not people.is_active(tx, initiator):
            return None
        person = people.person(tx, initiator)
        return Mailbox(person.name, person.email) if person.email else None


_OF_CAPTURES: Final = frozenset({NoticeKind.CAPTURE_CHANGED, NoticeKind.CAPTURE_FAILED, NoticeKind.CAPTURE_SHARED})


def _sees(tx: Transaction, order: OrderedCapture | CaptureSchedule, person: Person) -> bool:
    return person.subject == order.owner or captures.is_shared_with(tx, order.id, person.subject)


def _without_contract(tx: Transaction, notice: Notice, context: MessageContext) -> MessageContext:
    """*context*, with the deposit that *notice* is about, if one is, and the program that handed it in; with the
    program of a batch, which may be removed by now; or with the person whose captures are taken over."""
    if notice.kind is NoticeKind.CAPTURES_TAKEN_OVER:
        return replace(context, who=(person_actor(tx, notice.about),))
    if notice.kind is NoticeKind.DEPOSITS_DECLARED:
        batch = ownership.find_batch(tx, notice.about)
        return context if batch is None else replace(context, who=_program(tx, batch.client))
    if notice.kind is not NoticeKind.DEPOSIT_DECLARED:
        return context
    deposit = ownership.load_deposit(tx, notice.about)
    return replace(context, title=deposit.title, who=_program(tx, deposit.client))


def _program(tx: Transaction, client: str | None) -> tuple[NamedActor, ...]:
    return () if client is None else (NamedActor(api_clients.load_client(tx, client).name),)


def _signs_elsewhere(contract: Contract, invitation: GuestInvitation) -> bool:
    party = contract.party(invitation.party)
    return party is not None and party.method is SigningMethod.OWN_CERTIFICATE


def _takes_texts(contract: Contract, invitation: GuestInvitation) -> bool:
    party = contract.party(invitation.party)
    return party is not None and number_for_code(party) is not None


def number_for_code(party: Party) -> str | None:
    """The mobile number (E.164) to which the code of a guest can go as a text message; None where there is none,
    or the code is the authority's, which is shown to whoever vouches alone."""
    if not party.guest or not party.phone or party.method is SigningMethod.VOUCHED:
        return None
    return mobile_number(party.phone)


def _invitation(tx: Transaction, recipient: str) -> GuestInvitation | None:
    """The invitation of an outside signer, which is to one contract; None for everybody else."""
    try:
        return guests.of_person(tx, recipient) if recipient.startswith(GUEST_PREFIX) else None
    except NotFound:
        return None


SHOWN = 50


class MessageDeliveries:
    """Nothing is claimed to be sent that a mail server has not taken. Thread-safe."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def list_deliveries(self, contract_id: str) -> list[MessageDelivery]:
        """The newest messages about a contract, at most :data:`SHOWN`."""
        return self._database.query(outbox.deliveries_of, contract_id, limit=SHOWN)

    def resend_message(self, contract: Contract, message: int, *, by: str) -> None:
        """The initiator (*by*) has a message go out once more whose arrival is unknown, or that was refused.

        Raises :class:`NotFound`, :class:`PreconditionRefused` for anybody else, :class:`StateRefused` for a
        message that waits, is sent, or is needed no more.
        """
        now = self._now()
        require_person()
        with self._database.transaction() as tx:
            recipient = outbox.recipient_of(tx, contract.id, message)
            if recipient is None:
                raise NotFound("There is no such message about “{title}”.", title=contract.title)
            if contract.initiator != by:
                raise PreconditionRefused(
                    "Only the initiator of “{title}” has mail sent again.", title=contract.title
                )
            if not outbox.resend(tx, message, now):
                raise StateRefused("This message is not one that can be sent again; look at what became of it.")
            public: dict[str, Field] = {"message": message, "recipient": recipient}
            append_event(tx, AuditEvent(EventKind.NOTICE_RESENT, now, by, contract.id, public))


class MailChannel:
    """Mail as the portal knows it: the scheduler sends, and says in the outbox what became of it. Thread-safe."""

    def __init__(self, database: Database, settings: MailSettings) -> None:
        self._database = database
        self._settings = settings

    @property
    def configured(self) -> bool:
        """Whether there is a mail server to send by."""
        return self._settings.configured

    def works(self) -> bool:
        """Whether there is one, and no mail waits because it could not be reached or would not take it."""
        if not self.configured:
            return False
        with self._database.reading() as tx:
            return not outbox.is_held_up(tx)


class TextChannel:
    """Text messages as the portal knows them: whether codes of outside signers can go to their telephones."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings

    @property
    def configured(self) -> bool:
        """Whether there is a message gateway to send by."""
        return self._settings.configured


GuestInviter = Callable[[Transaction, Contract, Party, datetime], object]
"""Makes the invitation of a party from outside, and queues its message, in the caller's transaction."""


def notice_queue(invite: GuestInviter) -> Callable[[Transaction, Iterable[Notice]], None]:
    """Queues notices in the caller's transaction, so that none is sent of what did not happen; for a guest whose
    turn it is, *invite* is called."""

    def enqueue(tx: Transaction, notices: Iterable[Notice]) -> None:
        for notice in notices:
            guest = _guest_on_turn(tx, notice)
            if guest is None:
                enqueue_notice(tx, notice)
            else:
                invite(tx, *guest, notice.due)

    return enqueue


_DEPUTIES_HEAR = frozenset({NoticeKind.YOUR_TURN, NoticeKind.SEAL_TURN, NoticeKind.REMINDED})
"""What a deputy can do in somebody's place; a seal has other custodians."""


def enqueue_notice(tx: Transaction, notice: Notice) -> None:
    """Queues *notice*, and a message to the deputy where the recipient is away and the deputy can do it."""
    outbox.enqueue(tx, notice)
    if notice.kind in _DEPUTIES_HEAR and (deputy := absences.deputy_of(tx, notice.recipient, notice.due)):
        outbox.enqueue(tx, replace(notice, recipient=deputy, kind=NoticeKind.DEPUTY_ASKED, about=notice.recipient))


def _guest_on_turn(tx: Transaction, notice: Notice) -> tuple[Contract, Party] | None:
    """The party whose turn it is, with its contract, where it is a guest, who has no account."""
    if notice.kind is not NoticeKind.YOUR_TURN or not notice.recipient.startswith(GUEST_PREFIX):
        return None
    if notice.contract is None:
        return None
    contract = contracts.load_contract(tx, notice.contract)
    party = next(party for party in contract.parties if party.subject == notice.recipient)
    return (contract, party) if party.guest else None
