"""What every change of a contract leaves behind, in the transaction that makes it."""

from __future__ import annotations

from appliance.contracts import involved
from appliance.ledger.audit_trail import AuditTrail
from appliance.ledger.events import AuditEvent
from appliance.model.contract import Contract
from appliance.store import contracts, involvements
from appliance.store.database import Transaction


def record_change(
    tx: Transaction, audit: AuditTrail, contract: Contract, event: AuditEvent, *, appended: bool = False
) -> Contract:
    """The contract as it is now: with the log entry of *event*, its next version, and the lists of all involved.

    *told*: the caller has appended the event already, because it needed the entry's number.
    """
    if not appended:
        audit.append(tx, event)
    contracts.touch(tx, contract.id, kind=event.kind, actor=event.actor, at=event.at)
    now = contracts.load(tx, contract.id)
    involvements.refresh(tx, now.id, involved.buckets_of(now), involved.search_words_of(now))
    return now
