"""Powers end when their agent leaves or their instrument is declared void, in the same transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from appliance.ledger.audit_trail import AuditEvent, AuditTrail, EventKind
from appliance.model.powers import RecordedAction
from appliance.store import powers
from appliance.store.database import Transaction

LEFT = "被授权人已离职 / The agent has left"
"""The reason as it is kept with the power, in both languages: it is a record, not a sentence of a page."""


def end_of_agent(tx: Transaction, audit: AuditTrail, agent: str, *, by: str, now: datetime) -> int:
    """Revokes every power of *agent* that was not refused or revoked before, verified or not; how many."""
    ended = 0
    for power in powers.of_agent(tx, agent):
        if power.refused is not None or power.revoked is not None:
            continue
        powers.revoke(tx, power.id, RecordedAction(by, now, LEFT))
        public = {"power": power.id, "agent": agent}
        event = AuditEvent(EventKind.POWER_REVOKED, now, by, None, public, {"reason": LEFT})
        powers.link(tx, power.id, audit.append(tx, event))
        ended += 1
    return ended


VOID: Final = "The contract that is the letter of this power was declared void."
"""Kept with the power as the reason; translated when it is shown."""


def end_with_instrument(tx: Transaction, audit: AuditTrail, contract_id: str, *, by: str, at: datetime) -> None:
    """Revokes every power that rests on the contract, in the transaction that voids it."""
    for power in powers.of_letter(tx, contract_id):
        powers.revoke(tx, power.id, RecordedAction(by, at, VOID))
        public = {"power": power.id, "agent": power.agent, "letter": contract_id}
        event = AuditEvent(EventKind.POWER_REVOKED, at, by, None, public, {"reason": VOID})
        powers.link(tx, power.id, audit.append(tx, event))
