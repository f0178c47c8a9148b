"""What becomes of powers whose letter was signed here as a contract, once that contract is void."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from appliance.ledger.audit_trail import AuditTrail
from appliance.ledger.events import AuditEvent, EventKind
from appliance.model.powers import RecordedAction
from appliance.store import powers
from appliance.store.database import Transaction

VOID: Final = "The contract that is the letter of this power was declared void."
"""Kept with the power as the reason; translated when it is shown."""


def end_with_instrument(tx: Transaction, audit: AuditTrail, contract_id: str, *, by: str, at: datetime) -> None:
    """Revokes every power that rests on the contract, in the transaction that voids it."""
    for power in powers.of_letter(tx, contract_id):
        powers.revoke(tx, power.id, RecordedAction(by, at, VOID))
        public = {"power": power.id, "agent": power.agent, "letter": contract_id}
        event = AuditEvent(EventKind.POWER_REVOKED, at, by, None, public, {"reason": VOID})
        powers.link(tx, power.id, audit.append(tx, event))
