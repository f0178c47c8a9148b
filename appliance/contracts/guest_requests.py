"""What guests asked officers for falls away when the contract ends that they were to sign."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from appliance.ledger.audit_trail import AuditTrail
from appliance.ledger.events import SYSTEM, AuditEvent, EventKind
from appliance.model.contract import Contract
from appliance.model.office import EnrolmentRequestState
from appliance.office.refusing import refuse
from appliance.store import enrolment, office_acts, parties
from appliance.store.database import Transaction

ENDED: Final = "The contract that this person was to sign has ended."
"""Kept with the officers' act, and translated when it is shown."""


@dataclass(frozen=True, slots=True)
class RequestEnding:
    """Why, by whom and when a request ends; the reason is a message id."""

    reason: str
    by: str
    at: datetime


def close_guest_requests(tx: Transaction, audit: AuditTrail, contract: Contract, at: datetime) -> None:
    """Closes the open enrolment requests of guests of *contract* who have no other contract under way, with the
    act by which an officer was about to grant one: nobody can activate it any more."""
    for party in contract.parties:
        if party.guest and not parties.acts_elsewhere(tx, party.subject, contract.id):
            withdraw_guest_request(tx, audit, party.subject, RequestEnding(ENDED, SYSTEM, at))


def withdraw_guest_request(tx: Transaction, audit: AuditTrail, subject: str, ending: RequestEnding) -> None:
    """Closes the open enrolment request of *subject*, if there is one, with the officers' act that waits."""
    request = enrolment.open_request(tx, subject)
    if request is None:
        return
    pending = office_acts.open_for_request(tx, request.id, ending.at)
    if pending is not None:
        refuse(tx, audit, pending, reason=ending.reason, by=ending.by, at=ending.at)
    enrolment.close(tx, request.id, EnrolmentRequestState.WITHDRAWN, at=ending.at, by=ending.by)
    public = {"subject": subject, "request": request.id}
    event = AuditEvent(EventKind.ENROLMENT_WITHDRAWN, ending.at, ending.by, None, public)
    audit.append(tx, event)
