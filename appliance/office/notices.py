"""How officers' decisions are told: the reasons that they give, and who is notified."""

from __future__ import annotations

from datetime import datetime

from appliance.entered_text import require_text
from appliance.errors import NotFound
from appliance.model.contract import GUEST_PREFIX
from appliance.model.notice import Notice, NoticeKind
from appliance.store import contracts, directory, guests, outbox
from appliance.store.database import Transaction


def notify_officers_of_request(tx: Transaction, now: datetime, *, about: str) -> None:
    """Every officer is told that a request waits; *about* is its id."""
    for officer in directory.officers(tx):
        outbox.enqueue(tx, Notice(None, officer, NoticeKind.ENROLMENT_WAITING, now, about))


def notify_inviter(tx: Transaction, guest: str, now: datetime) -> None:
    """Whoever invited *guest* is told that the guest waits for an officer; nobody, for people with accounts."""
    if not guest.startswith(GUEST_PREFIX):
        return
    try:
        held = guests.of_person(tx, guest)
    except NotFound:
        return
    initiator = contracts.load_contract(tx, held.contract).initiator
    outbox.enqueue(tx, Notice(held.contract, initiator, NoticeKind.GUEST_REGISTERED, now, held.party))


def notify_officers_of_decision(tx: Transaction, now: datetime, *, about: str) -> None:
    """Every officer is told that an act waits which administrators asked for elsewhere; *about* is its id."""
    for officer in directory.officers(tx):
        outbox.enqueue(tx, Notice(None, officer, NoticeKind.ACT_WAITING, now, about))


def notify_officers_of_recovery(tx: Transaction, now: datetime, *, about: str) -> None:
    """Every officer is told that one of them is given a new way in by a ceremony, or has used it; *about* is the
    ceremony's number, or the officer."""
    for officer in directory.officers(tx):
        outbox.enqueue(tx, Notice(None, officer, NoticeKind.OFFICER_RECOVERY, now, about))


def notify_enrolled(tx: Transaction, subject: str, now: datetime, *, about: str) -> None:
    """*subject* is told that they can sign."""
    outbox.enqueue(tx, Notice(None, subject, NoticeKind.ENROLLED, now, about))


def notify_refused(tx: Transaction, subject: str, now: datetime, *, about: str) -> None:
    """*subject* is told that the request was refused; the reason stands on their page."""
    outbox.enqueue(tx, Notice(None, subject, NoticeKind.ENROLMENT_REFUSED, now, about))


def checked_reason(text: str, missing: str) -> str:
    """*text* tidied. Raises :class:`PreconditionRefused` with *missing* when there is none, or for too much."""
    return require_text(text, missing=missing, too_long="This has more than {most} characters.", most=500)
