"""The outbox: queueing notices; delivery (queued → sending → sent, unknown, refused or withdrawn, each its own
commit); what became of each message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from appliance.config import MailSettings
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.accounts import GuestInvitation
from appliance.model.api_clients import require_person
from appliance.model.contract import GUEST_PREFIX, Contract, Party
from appliance.model.discussion import DraftKind
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import Person
from appliance.notices.mail import (
    Envelope,
    Mailbox,
    MailClient,
    MailRefused,
    MailUnavailable,
    MailUnknown,
    MailUnreachable,
    pause_after,
)
from appliance.notices.messages import (
    MailMessage,
    MessageContext,
    PortalAddresses,
    Postponed,
    actors_of_notice,
    compose_message,
    person_actor,
)
from appliance.signing_methods import SigningMethod
from appliance.store import absences, contracts, discussions, guests, outbox, people
from appliance.store import writing as texts
from appliance.store.database import Database, Transaction
from appliance.store.outbox import MessageDelivery

INTERRUPTED = "the process ended while it was sent"
LONGEST_PAUSE = timedelta(minutes=5)

TURNS: Final = 50
"""Messages that are sent until it is asked anew which come next."""

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


class OutboxDelivery:
    """There is one sender at a time (the scheduler); *issuer* is the organisation in whose name it writes.
    *reply_to_initiator*: answers to mails about a contract go to who sent it.

    A server that cannot be reached holds all of the outbox for a while, up to :data:`LONGEST_PAUSE`; one that will
    not take a message postpones that message.
    """

    def __init__(
        self,
        database: Database,
        mail: MailClient,
        reminders: ReminderComposer,
        *,
        addresses: PortalAddresses,
        issuer: str,
        now: Callable[[], datetime],
        reply_to_initiator: bool = False,
    ) -> None:
        self._reply_to_initiator = reply_to_initiator
        self._database = database
        self._mail = mail
        self._reminders = reminders
        self._addresses = addresses
        self._issuer = issuer
        self._now = now
        self._failures = 0
        self._paused_until: datetime | None = None

    def recover_interrupted(self) -> int:
        """At the start: what a sender that died had in hand is unknown, never sent again by itself; how many."""
        return self._database.commit(outbox.give_up_sending, INTERRUPTED, self._now())

    def deliver_due(self, *, most: int = 100) -> int:
        """Send what is due, at most so many; how many were taken by the server."""
        delivered, taken, turns = 0, 0, list[int]()
        while taken < most and (self._paused_until is None or self._now() >= self._paused_until):
            turns = turns or self._database.query(outbox.waiting, self._now(), urgent=URGENT, limit=TURNS)
            if not turns:
                break
            taken += 1
            message = self._database.commit(outbox.take, turns.pop(0), self._now())
            if message is not None:
                delivered += self._send(message)
        return delivered

    def _send(self, message: outbox.OutboxMessage) -> bool:
        notice = message.notice
        with self._database.transaction() as tx:
            person = people.person(tx, notice.recipient)
            answers = self._answers(tx, notice)
            words = self._words(tx, message)
            if isinstance(words, Postponed):
                outbox.put_back(tx, message, words.until)
            elif words is None:
                outbox.settle(tx, message, "withdrawn", self._now())
        if words is None or isinstance(words, Postponed):
            return False
        envelope = Envelope(person.email, person.name, notice.message_id, notice.due, answers)
        try:
            self._mail.send_message(envelope, words)
        except MailUnreachable as error:
            self._pause(message, str(error))
        except MailUnavailable as error:
            until = self._now() + outbox.retry_after(message.attempts)
            self._database.commit(outbox.postpone, message, reason=str(error), until=until)
        except MailRefused as error:
            self._database.commit(outbox.settle, message, "refused", self._now(), reason=str(error))
        except MailUnknown as error:
            self._database.commit(outbox.settle, message, "unknown", self._now(), reason=str(error))
        else:
            self._failures = 0
            self._database.commit(outbox.settle, message, "sent", self._now())
            return True
        return False

    def _pause(self, message: outbox.OutboxMessage, reason: str) -> None:
        """Nothing can be sent for now: the message waits as it did, and so do all others."""
        self._failures += 1
        self._paused_until = self._now() + pause_after(self._failures, LONGEST_PAUSE)
        self._database.commit(outbox.unreached, message, reason)

    def _words(self, tx: Transaction, message: outbox.OutboxMessage) -> MailMessage | Postponed | None:
        notice = message.notice
        if notice.recipient.startswith(GUEST_PREFIX) and guests.is_revoked(tx, notice.recipient):
            return None  # another took this one's place, also since the message was taken, or before it goes again
        if notice.kind is NoticeKind.REMINDERS:
            return self._reminders.compose_mail(tx, message, self._now())
        if notice.kind is NoticeKind.DRAFT_SHARED:
            return self._of_draft(tx, notice)
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

    def _context(self, tx: Transaction, notice: Notice) -> MessageContext:
        address = self._addresses.notice_url(tx, notice)
        invitation = _invitation(tx, notice.recipient)
        contract_id = notice.contract or (invitation.contract if invitation is not None else None)
        if contract_id is None:
            return MessageContext(address, self._issuer)
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


def _signs_elsewhere(contract: Contract, invitation: GuestInvitation) -> bool:
    party = contract.party(invitation.party)
    return party is not None and party.method is SigningMethod.OWN_CERTIFICATE


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
