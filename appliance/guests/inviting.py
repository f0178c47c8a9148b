"""Invitations of outside signers: links, and the code that the initiator tells by telephone.

A link that no longer works is renewed. Nothing of the code is stored: it is computed from a key each time.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime

from appliance.ledger.audit_trail import SYSTEM, AuditEvent, AuditTrail, EventKind
from appliance.model.contract import GUEST_PREFIX, Contract, Party
from appliance.model.guest import GuestAccessMethod, GuestInvitation
from appliance.model.notice import Notice, NoticeKind
from appliance.store import contracts, enrolment, guests, outbox
from appliance.store.database import Transaction


def is_guest(subject: str) -> bool:
    """Whether *subject* names an outside signer."""
    return subject.startswith(GUEST_PREFIX)


def invite(
    tx: Transaction,
    contract: Contract,
    party: Party,
    *,
    by: str,
    now: datetime,
) -> GuestInvitation:
    """The first invitation of a guest *party*, with its entry in the log and its mail; *by* invites and vouches.

    Raises :class:`StateRefused` for a party that is no guest's.
    """
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
    public = {"party": invitation.party, "person": invitation.person, "invitation": invitation.id}
    AuditTrail().append(tx, AuditEvent(EventKind.GUEST_INVITED, now, actor, invitation.contract, public))
    if kind is not None:
        outbox.enqueue(tx, Notice(invitation.contract, invitation.person, kind, now, invitation.id))
    return invitation


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

    def is_code(self, invitation: GuestInvitation, given: str) -> bool:
        """Whether *given* (digits alone) is the code; takes as long for every wrong one."""
        return hmac.compare_digest(given.encode(), self.of(invitation).encode())
