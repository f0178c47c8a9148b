"""How officers' decisions are told: the reasons that they give, who is notified, and the end of a decision that is
refused."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import NotFound, PreconditionRefused
from appliance.language.characters import without_hidden
from appliance.ledger.audit_trail import AuditEvent, AuditTrail, EventKind
from appliance.model.contract import GUEST_PREFIX
from appliance.model.notice import Notice, NoticeKind
from appliance.model.office import OfficerDecision, OfficerDecisionState
from appliance.store import contracts, directory, guests, officer_decisions, outbox
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


LONGEST = 500


def checked_reason(text: str, missing: str) -> str:
    """*text* without stray blanks and hidden letters.

    Raises :class:`PreconditionRefused` with the sentence *missing* when nothing is left, or for too much of it:
    what somebody wrote is never cut off silently.
    """
    words = without_hidden(text).strip()
    if not words:
        raise PreconditionRefused(missing)
    if len(words) > LONGEST:
        raise PreconditionRefused("This has more than {most} characters.", most=LONGEST)
    return words


def refuse_decision(
    tx: Transaction, audit: AuditTrail, pending: OfficerDecision, *, reason: str, by: str, at: datetime
) -> None:
    """open → refused, for *reason*. Raises :class:`StateRefused` when it has ended before."""
    officer_decisions.end(tx, pending.id, OfficerDecisionState.REFUSED, at=at, by=by, reason=reason)
    public = {"subject": pending.subject, "act": pending.id, "kind": pending.kind.value}
    audit.append(tx, AuditEvent(EventKind.OFFICE_ACT_REFUSED, at, by, None, public, {"reason": reason}))
