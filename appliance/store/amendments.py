"""Which agreement changes which completed contract. Every function runs in the caller's transaction."""

from __future__ import annotations

from datetime import date

from appliance.model.contract import Amendment
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of

_AMENDMENTS = Query(
    Amendment,
    "SELECT m.contract, m.earlier, m.kind, m.effective, later.state, (SELECT min(at) FROM contract_changes"
    " WHERE contract = m.contract AND kind = 'contract-completed') AS completed"
    " FROM amendments AS m JOIN contracts AS later ON later.id = m.contract",
)


def insert_amendment(tx: Transaction, amendment: Amendment) -> None:
    tx.insert("amendments", fields_of(amendment, "contract earlier kind effective"))


def amendment_by(tx: Transaction, contract_id: str) -> Amendment | None:
    """What the contract itself changes, if anything."""
    return _AMENDMENTS.first(tx, "WHERE m.contract = ?", (contract_id,))


def amendments_of(tx: Transaction, contract_id: str) -> list[Amendment]:
    """The agreements that change this contract, drafts and ended ones included, in the order of their days."""
    return _AMENDMENTS.all(tx, "WHERE m.earlier = ? ORDER BY m.effective, later.number", (contract_id,))


def ended_from(tx: Transaction, contract_id: str) -> date | None:
    """The first day from which the contract is replaced or terminated by an agreement in force."""
    query = "SELECT min(effective) FROM amendments_in_force WHERE earlier = ? AND kind <> 'supplement'"
    day = tx.value(str, query, (contract_id,))
    return None if day is None else date.fromisoformat(day)
