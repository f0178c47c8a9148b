"""Invitations of outside signers: links, and the code that the initiator tells by telephone or makes anew.

A link that no longer works is renewed. Nothing of the code is stored: it is computed from a key each time.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from appliance.contracts.access import Command, admit, require_changeable
from appliance.contracts.permissions import Permission
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind, append_event
from appliance.model.accounts import GuestAccessMethod, GuestInvitation
from appliance.model.contract import GUEST_PREFIX, Contract, Party
from appliance.model.notice import Notice, NoticeKind
from appliance.store import contracts, enrolment, guests, outbox, sessions
from appliance.store.database import Database, Transaction, reads


def is_guest(subject: str) -> bool:
    """Whether *subject* names an outside signer."""
    return subject.startswith(GUEST_PREFIX)


def invite(tx: Transaction, contract: Contract, party: Party, now: datetime) -> GuestInvitation:
    """The first invitation of a guest *party*, with its entry in the log and its mail; the initiator invites."""
    by = contract.initiator
    invitation = GuestInvitation(secrets.token_hex(16), party.subject, contract.id, party.id, by, now)
    return _issued(tx, invitation, NoticeKind.GUEST_INVITED, by)


def invite_again(
    tx: Transaction, before: GuestInvitation, *, now: datetime, kind: NoticeKind | None, asked_by: str
) -> GuestInvitation:
    """Another link in place of *before*, whose code, tries and first use it takes over.

    A mail of this *kind* goes to the guest, or none (the link is for a mail that is being written). *asked_by* is
    who asked for it: the initiator, the guest, or the system.
    """
    following = GuestInvitation(
        id=secrets.token_hex(16),
        person=before.person,
        contract=before.contract,
        party=before.party,
        invited_by=before.invited_by,
        invited=now,
        round=before.round,
        tries=before.tries,
        opened=before.opened,
    )
    return _issued(tx, following, kind, asked_by)


def link_for(tx: Transaction, guest: str, now: datetime) -> GuestInvitation:
    """The invitation whose link a mail to *guest* carries: one by which the guest can come in.

    Whoever has a passkey signs in with it at any link of theirs. For everybody else a link that was used is
    replaced, so that the mail's own link takes the code. Raises :class:`NotFound` when there is no invitation.
    """
    held = guests.of_person(tx, guest)
    contract = contracts.load_contract(tx, held.contract)
    if held.is_shut_out(contract, now):
        return held
    if now < held.until(contract) and (held.used is None or enrolment.has_passkey(tx, guest)):
        return held
    return invite_again(tx, held, now=now, kind=None, asked_by=SYSTEM)


def way_in(contract: Contract, given: GuestInvitation, held: GuestInvitation, now: datetime) -> GuestAccessMethod:
    """How the link of *given* lets in now, while *held* is the invitation that holds."""
    if now >= held.until(contract) or held.is_shut_out(contract, now):
        return GuestAccessMethod.CLOSED
    return GuestAccessMethod.CODE if given.id == held.id and held.used is None else GuestAccessMethod.ANOTHER_LINK


def _issued(tx: Transaction, invitation: GuestInvitation, kind: NoticeKind | None, actor: str) -> GuestInvitation:
    now = invitation.invited
    guests.end(tx, invitation.person, now)
    guests.insert_invitation(tx, invitation)
    record_invitation(tx, invitation, EventKind.GUEST_INVITED, now, actor)
    if kind is not None:
        outbox.enqueue(tx, Notice(invitation.contract, invitation.person, kind, now, invitation.id))
    return invitation


def record_invitation(
    tx: Transaction,
    held: GuestInvitation,
    kind: EventKind,
    at: datetime,
    actor: str,
    address: str | None = None,
    origin: str | None = None,
) -> None:
    """What the log keeps of an invitation: what *actor* did with it, from which address, in a frame of pages of
    which *origin*."""
    public = {"party": held.party, "person": held.person, "invitation": held.id}
    append_event(tx, AuditEvent(kind, at, actor, held.contract, public, {"address": address, "origin": origin}))


DIGITS = 8

TRIES = 5
"""Wrong codes before another code is needed."""


class GuestCodes:
    """Makes codes from *key*, the guest, the party and how many codes there were; who has only a link cannot."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, invitation: GuestInvitation) -> str:
        """The eight digits of this round."""
        message = f"guest-code\n{invitation.person}\n{invitation.party}\n{invitation.round}".encode()
        number = int.from_bytes(hmac.digest(self._key, message, "sha256")[:8], "big")
        return f"{number % 10**DIGITS:0{DIGITS}d}"

    def mark_of(self, number: str) -> bytes:
        """What stands for a telephone number (E.164) where messages to it are counted; without the key nobody
        finds the number by trying all."""
        return hmac.digest(self._key, f"texted-number\n{number}".encode(), "sha256")

    def is_code(self, invitation: GuestInvitation, given: str) -> bool:
        """Whether *given* (digits alone) is the code; takes as long for every wrong one."""
        return hmac.compare_digest(given.encode(), self.of(invitation).encode())


class Guests:
    """Thread-safe. No secret is stored: links are made from the invitation's id, codes by *codes*."""

    def __init__(
        self, database: Database, codes: GuestCodes, mail_works: Callable[[], bool], now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._codes = codes
        self._mail_works = mail_works
        self._now = now

    def code(self, contract_id: str, party_id: str, *, by: str) -> str:
        """The eight digits that the initiator (*by*) tells the guest, by telephone say.

        Raises :class:`PreconditionRefused` for anybody else, and when the code is used up;
        :class:`StateRefused` when the invitation is over.
        """
        invitation = self._database.query(self._own, contract_id, party_id, by)
        if invitation.tries >= TRIES:
            raise PreconditionRefused("This code was entered wrongly too often; make a new one.")
        return self._codes.of(invitation)

    def new_code(self, contract_id: str, party_id: str, *, by: str) -> str:
        """A new code in place of the old one, with five tries."""
        with self._database.transaction() as tx:
            invitation = self._own(tx, contract_id, party_id, by)
            guests.next_round(tx, invitation)
            record_invitation(tx, invitation, EventKind.GUEST_CODE_RENEWED, self._now(), by)
            return self._codes.of(guests.load_invitation(tx, invitation.id))

    def invite_again(self, contract_id: str, party_id: str, *, by: str) -> GuestInvitation:
        """A new link goes out by mail, and there is a new code; the old ones are dead, open sessions end.

        Raises as :meth:`code`.
        """
        with self._database.transaction() as tx:
            before = self._own(tx, contract_id, party_id, by)
            sessions.end_all(tx, before.person, now=self._now())
            following = replace(before, round=before.round + 1, tries=0)
            return invite_again(tx, following, now=self._now(), kind=NoticeKind.GUEST_INVITED, asked_by=by)

    def show_link(self, contract_id: str, party_id: str, *, by: str) -> GuestInvitation:
        """The invitation whose link the initiator hands over where no mail goes out; a new one if it was used.

        That somebody besides the guest knew link and code is in the history. Raises as :meth:`code`, and
        :class:`PreconditionRefused` while mail goes out: then only the guest's own mailbox learns the link.
        """
        if self._mail_works():
            raise PreconditionRefused("The link goes to the guest by mail; it is not shown here.")
        with self._database.transaction() as tx:
            return self._unused(tx, contract_id, party_id, by, EventKind.GUEST_LINK_SHOWN)

    def give_link(self, tx: Transaction, contract: Contract, party_id: str, origin: str | None) -> GuestInvitation:
        """The same in the caller's transaction, for the API client that acts, which made *contract* and delivers
        the link itself, also while mail goes out, or embeds it in pages of *origin*. Raises as :meth:`code`, and
        :class:`StateRefused` before the guest's turn."""
        party = contract.require_party(party_id)
        if not party.guest:
            raise PreconditionRefused("{name} has an account, and comes in without a link.", name=party.name)
        if not guests.is_invited(tx, party_id):
            raise StateRefused("The link of {name} is made when it is their turn.", name=party.name)
        by = contract.initiator
        return self._unused(tx, contract.id, party_id, by, EventKind.GUEST_LINK_GIVEN, origin)

    def _unused(
        self,
        tx: Transaction,
        contract_id: str,
        party_id: str,
        by: str,
        kind: EventKind,
        origin: str | None = None,
    ) -> GuestInvitation:
        """The invitation that holds, or a new one if its link was used; recorded as *kind*."""
        invitation = self._own(tx, contract_id, party_id, by)
        if invitation.used is not None:
            invitation = invite_again(tx, invitation, now=self._now(), kind=None, asked_by=by)
        record_invitation(tx, invitation, kind, self._now(), by, origin=origin)
        return invitation

    of_party = reads(guests.of_party)
    of_person = reads(guests.of_person)
    spent_of_person = reads(guests.spent_of_person)
    """A guest's newest invitation whose link takes no code any more; who was signed in may be led to it. The
        link that takes one goes to the guest's mailbox alone. Raises :class:`NotFound`."""

    def _own(self, tx: Transaction, contract_id: str, party_id: str, by: str) -> GuestInvitation:
        now = self._now()
        contract = admit(tx, Command(contract_id, Permission.READ, by, now))
        require_changeable(tx, contract)
        if contract.initiator != by:
            raise PreconditionRefused("Only the initiator of “{title}” invites its guests.", title=contract.title)
        invitation = guests.of_party(tx, party_id)
        if invitation.contract != contract_id:
            raise NotFound("Contract “{title}” has no party {party}.", title=contract.title, party=party_id)
        if way_in(contract, invitation, invitation, now) is GuestAccessMethod.CLOSED:
            raise StateRefused("This invitation is over; nobody can come in by it any more.")
        return invitation
