"""Mail merges in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.contract import GuestDetails
from appliance.model.mail_merge import MailMerge, MergeEntry, MergeParties, MergeRow, MergeStage, RowState
from appliance.store.database import Transaction
from hsm.errors import Sentence
from hsm.rows import Query, columns, fields_of


def insert_merge(tx: Transaction, merge: MailMerge, rows: Iterable[MergeRow]) -> None:
    tx.insert("mail_merges", fields_of(merge, "id owner template version stage created") | asdict(merge.parties))
    for row in rows:
        said = {"entry": json.dumps(asdict(row.entry), ensure_ascii=False), "remark": _written(row.remark)}
        tx.insert("mail_merge_rows", {"merge": merge.id, **fields_of(row, "number state"), **said})


def load_merge(tx: Transaction, merge_id: str, owner: str | None = None) -> MailMerge:
    """The merge with this id, of *owner* where one is given. Raises :class:`NotFound`."""
    missing = NotFound("There is no such list; it may have been removed.")
    return _MERGES.one(tx, "WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)", (merge_id, owner), missing=missing)


def merges_of(tx: Transaction, owner: str, limit: int) -> list[MailMerge]:
    """The newest merges of *owner*."""
    return _MERGES.all(tx, "WHERE owner = ? ORDER BY created DESC, rowid DESC LIMIT ?", (owner, limit))


def set_stage(tx: Transaction, merge_id: str, stage: MergeStage) -> None:
    """Raises :class:`StateRefused` for a step back."""
    before = {MergeStage.MAKING: ("review", "making"), MergeStage.SENDING: ("making", "sending")}[stage]
    changed = "UPDATE mail_merges SET stage = ? WHERE id = ? AND stage IN (?, ?)"
    if not tx.changed(changed, (stage, merge_id, *before)):
        raise StateRefused("This list is further already; look at it again.")


def rows_of(tx: Transaction, merge_id: str) -> list[MergeRow]:
    """All rows, in the order of the list."""
    return _ROWS.all(tx, "WHERE merge = ? ORDER BY number", (merge_id,))


def counts_of(tx: Transaction, merge_id: str) -> dict[RowState, int]:
    """How many rows are in each state."""
    found = tx.execute("SELECT state, count(*) FROM mail_merge_rows WHERE merge = ? GROUP BY state", (merge_id,))
    return {RowState(state): int(count) for state, count in found}


def open_merges(tx: Transaction) -> list[tuple[str, str]]:
    """Ids and owners of the lists of which something is to be made or sent, the oldest first."""
    query = (
        "SELECT id, owner FROM mail_merges AS m WHERE stage <> 'review'"
        " AND EXISTS (SELECT 1 FROM mail_merge_rows AS r WHERE r.merge = m.id"
        " AND (r.state IN ('waiting', 'making') OR (r.state = 'draft' AND stage = 'sending')))"
        " ORDER BY created, rowid"
    )
    return [(merge, owner) for merge, owner in tx.execute(query)]


def next_row(tx: Transaction, merge_id: str) -> tuple[MailMerge, MergeRow] | None:
    """What of this list is to be made next, or sent; None when nothing is."""
    merge = load_merge(tx, merge_id)
    open_rows = "WHERE merge = ?1 AND (state IN ('waiting', 'making') OR (state = 'draft' AND ?2))"
    rest = f"{open_rows} ORDER BY state = 'draft', number LIMIT 1"
    row = _ROWS.first(tx, rest, (merge_id, merge.stage is MergeStage.SENDING))
    return None if row is None else (merge, row)


def begin_row(tx: Transaction, merge_id: str, number: int, contract: str) -> str:
    """waiting → making; the number of its contract, which stays the one that it got first."""
    tx.execute(
        "UPDATE mail_merge_rows SET state = 'making', contract = coalesce(contract, ?), refusal = NULL"
        " WHERE merge = ? AND number = ? AND state IN ('waiting', 'making')",
        (contract, merge_id, number),
    )
    kept = tx.value(str, "SELECT contract FROM mail_merge_rows WHERE merge = ? AND number = ?", (merge_id, number))
    return kept or contract


def settle_row(
    tx: Transaction, merge_id: str, number: int, state: RowState, refusal: Sentence | None = None
) -> None:
    """The row is made, sent, or refused."""
    row = {"state": state, "refusal": _written(refusal)}
    tx.update("mail_merge_rows", row, merge=merge_id, number=number)


def retry_rows(tx: Transaction, merge_id: str) -> int:
    """Those that failed wait once more; how many."""
    return tx.change(
        "UPDATE mail_merge_rows SET state = 'waiting', refusal = NULL WHERE merge = ? AND state = 'failed'",
        (merge_id,),
    )


def remove_merge(tx: Transaction, merge_id: str) -> None:
    """The list goes; its contracts stay."""
    tx.execute("DELETE FROM mail_merge_rows WHERE merge = ?", (merge_id,))
    tx.execute("DELETE FROM mail_merges WHERE id = ?", (merge_id,))


def old_merges(tx: Transaction, before: datetime) -> list[str]:
    """The ids of those made earlier than *before*, with nothing left to do."""
    return tx.column(
        str,
        "SELECT id FROM mail_merges WHERE created < ? AND NOT EXISTS (SELECT 1 FROM mail_merge_rows AS r"
        " WHERE r.merge = mail_merges.id AND mail_merges.stage <> 'review' AND (r.state IN ('waiting', 'making')"
        " OR (r.state = 'draft' AND mail_merges.stage = 'sending')))",
        (before,),
    )


def _written(sentence: Sentence | None) -> str | None:
    return None if sentence is None else json.dumps(sentence.to_wire(), ensure_ascii=False)


def _said(kept: str) -> Sentence:
    template, values = json.loads(kept)
    return Sentence(template, values)


def _entry(kept: str) -> MergeEntry:
    told: dict[str, Any] = json.loads(kept)
    language = told["guest"]["language"]
    guest = GuestDetails(**{**told["guest"], "language": Language(language) if language else None})
    return MergeEntry(**{**told, "guest": guest})


_MERGES = Query(
    MailMerge,
    "SELECT id, owner, template, version, stage, signs, seal, created FROM mail_merges",
    parties=columns(lambda signs, seal: MergeParties(bool(signs), seal), "signs", "seal"),
)
_ROWS = Query(
    MergeRow,
    "SELECT number, entry, state, contract, remark, refusal FROM mail_merge_rows",
    entry=_entry,
    remark=_said,
    refusal=_said,
)
