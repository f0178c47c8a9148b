"""For whom initiators vouch, in the database."""

from __future__ import annotations

from datetime import datetime

from appliance.model.contract import ContractState
from appliance.model.vouching import Vouching
from appliance.store.database import Transaction
from hsm.rows import Query

_VOUCHINGS = Query(
    Vouching,
    "SELECT v.person, v.contract, v.party, v.asked, v.vouched_by, v.vouched, v.certified, v.statement, v.cms,"
    " v.ended FROM vouchings v",
)


def of_person(tx: Transaction, subject: str) -> Vouching | None:
    """What is known for *subject*; None for whom nobody was asked to vouch."""
    return _VOUCHINGS.first(tx, "WHERE v.person = ?", (subject,))


def of_contract(tx: Transaction, contract_id: str) -> list[Vouching]:
    """All of a contract, in the order of asking; those that were corrected away too."""
    return _VOUCHINGS.all(tx, "WHERE v.contract = ? ORDER BY v.asked, v.person", (contract_id,))


def to_collect(tx: Transaction, limit: int) -> list[Vouching]:
    """At most *limit* whom nobody is known to have certified yet."""
    condition = "WHERE v.ended IS NULL AND v.certified IS NULL ORDER BY v.asked DESC LIMIT ?"
    return _VOUCHINGS.all(tx, condition, (limit,))


def to_end(tx: Transaction, limit: int) -> list[Vouching]:
    """At most *limit* whose contract has ended, and whose key may be there still."""
    condition = (
        "JOIN contracts c ON c.id = v.contract WHERE v.ended IS NULL AND c.state NOT IN (?, ?, ?)"
        " ORDER BY v.asked LIMIT ?"
    )
    open_states = (ContractState.DRAFT.value, ContractState.SENT.value, ContractState.SIGNED.value)
    return _VOUCHINGS.all(tx, condition, (*open_states, limit))


def ask(tx: Transaction, vouching: Vouching) -> None:
    """The initiator is asked; once more changes nothing."""
    row = {name: getattr(vouching, name) for name in ("person", "contract", "party", "asked")}
    tx.insert_if_new("vouchings", row)


def done(tx: Transaction, subject: str, by: str, at: datetime) -> bool:
    """*by* has vouched at *at*; False when that is known."""
    return tx.changed(
        "UPDATE vouchings SET vouched_by = ?, vouched = ? WHERE person = ? AND vouched IS NOT ?",
        (by, at, subject, at),
    )


def certify(tx: Transaction, subject: str, statement: bytes, cms: bytes, at: datetime) -> bool:
    """The authority has certified *subject*, and states it; False when that is known."""
    row = {"certified": at, "statement": statement, "cms": cms}
    return tx.update("vouchings", row, person=subject, certified=None)


def end(tx: Transaction, subject: str, at: datetime) -> None:
    """Neither code nor key is left."""
    tx.update("vouchings", {"ended": at}, person=subject, ended=None)
