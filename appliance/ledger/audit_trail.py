"""The audit trail: every event becomes an entry of the log, in the transaction that makes it true.

The events of one contract are a chain: each names its place in the contract's history (``sequence``, from 1) and
the leaf hash of the one before (``previous``), so that none can be left out without the gap being seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.ledger import LedgerEntry, record
from appliance.ledger.events import AuditEvent
from appliance.store import events
from appliance.store.database import Transaction
from hsm import canonical
from hsm.merkle import leaf_hash


class AuditTrail:
    """Writes history. What it cannot write does not happen: an error here ends the caller's transaction."""

    def append(self, tx: Transaction, event: AuditEvent) -> int:
        """Record *event*; the number of its entry."""
        place = {} if event.contract is None else _place(tx, event.contract)
        number = record(tx, _entry(event, place))
        if event.contract is not None:
            events.link(tx, event.contract, number)
        return number


def _place(tx: Transaction, contract_id: str) -> dict[str, Any]:
    """Where the next event stands in the contract's chain."""
    last = events.last(tx, contract_id)
    place: dict[str, Any] = {"contract": contract_id, "sequence": 1}
    if last is not None:
        place["sequence"] = canonical.decode(last)["public"]["sequence"] + 1
        place["previous"] = leaf_hash(last).hex()
    return place


def _entry(event: AuditEvent, place: Mapping[str, Any]) -> LedgerEntry:
    return LedgerEntry(
        kind=event.kind.value,
        at=event.at,
        public={"actor": event.actor, **event.public, **place},
        private={name: value for name, value in event.private.items() if value is not None},
    )
