"""How a request for enrolment, and the officers' decision about it, end unanswered: for a *reason*, which is a
message id, by whom and when."""

from __future__ import annotations

from datetime import datetime

from appliance.ledger.audit_trail import AuditEvent, EventKind, append_event
from appliance.model.office import EnrolmentRequestState, OfficerDecision, OfficerDecisionState
from appliance.store import enrolment, officer_decisions
from appliance.store.database import Transaction


def refuse_decision(tx: Transaction, pending: OfficerDecision, *, reason: str, by: str, at: datetime) -> None:
    """open → refused. Raises :class:`StateRefused` when it has ended before."""
    officer_decisions.end(tx, pending.id, OfficerDecisionState.REFUSED, at=at, by=by, reason=reason)
    public = {"subject": pending.subject, "act": pending.id, "kind": pending.kind.value}
    append_event(tx, AuditEvent(EventKind.OFFICE_ACT_REFUSED, at, by, None, public, {"reason": reason}))


def withdraw_enrolment_request(tx: Transaction, subject: str, *, reason: str, by: str, at: datetime) -> None:
    """Closes the open request of *subject*, if there is one, with the officers' decision that waits."""
    request = enrolment.open_request(tx, subject)
    if request is None:
        return
    pending = officer_decisions.open_for_request(tx, request.id, at)
    if pending is not None:
        refuse_decision(tx, pending, reason=reason, by=by, at=at)
    enrolment.close(tx, request.id, EnrolmentRequestState.WITHDRAWN, at=at, by=by)
    public = {"subject": subject, "request": request.id}
    append_event(tx, AuditEvent(EventKind.ENROLMENT_WITHDRAWN, at, by, None, public))
