"""Files that lie beside a contract's document. Every function runs in the caller's transaction."""

from __future__ import annotations

from dataclasses import astuple

from appliance.model.annexes import Annex, MergedPages
from appliance.store.database import Transaction
from hsm.rows import Query, columns, fields_of


def _merged(first: int | None, *more: int) -> MergedPages | None:
    return None if first is None else MergedPages(first, *more)


_ANNEXES = Query(
    Annex,
    "SELECT id, name, digest, size, at, first_page, page_count, start FROM annexes",
    merged=columns(_merged, "first_page", "page_count", "start"),
)


def insert_annex(tx: Transaction, contract_id: str, annex: Annex) -> None:
    tx.insert("annexes", {"contract": contract_id} | fields_of(annex, "id name digest size at"))
    place_annex(tx, annex)


def place_annex(tx: Transaction, annex: Annex) -> None:
    """Where its pages are in the document, or that it lies beside it."""
    first, count, start = (None, None, None) if annex.merged is None else astuple(annex.merged)
    tx.update("annexes", {"first_page": first, "page_count": count, "start": start}, id=annex.id)


def annexes_of(tx: Transaction, contract_id: str) -> tuple[Annex, ...]:
    """In the order in which they were attached."""
    return tuple(_ANNEXES.all(tx, "WHERE contract = ? ORDER BY rowid", (contract_id,)))


def remove_annex(tx: Transaction, contract_id: str, annex_id: str) -> None:
    tx.execute("DELETE FROM annexes WHERE contract = ? AND id = ?", (contract_id, annex_id))
