"""How an act that waits for officers ends without being done, in the caller's transaction, with its event."""

from __future__ import annotations

from datetime import datetime

from appliance.ledger.audit_trail import AuditTrail
from appliance.ledger.events import AuditEvent, EventKind
from appliance.model.office import OfficerDecision, OfficerDecisionState
from appliance.store import office_acts
from appliance.store.database import Transaction


def refuse_decision(
    tx: Transaction, audit: AuditTrail, pending: OfficerDecision, *, reason: str, by: str, at: datetime
) -> None:
    """open → refused, for *reason*. Raises :class:`StateRefused` when it has ended before."""
    office_acts.end(tx, pending.id, OfficerDecisionState.REFUSED, at=at, by=by, reason=reason)
    public = {"subject": pending.subject, "act": pending.id, "kind": pending.kind.value}
    audit.append(tx, AuditEvent(EventKind.OFFICE_ACT_REFUSED, at, by, None, public, {"reason": reason}))
