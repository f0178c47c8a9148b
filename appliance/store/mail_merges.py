"""Mail merges in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.contract import GuestDetails
from appliance.model.mail_merge import (
    ListProblem,
    MailMerge,
    MergeEntry,
    MergeParties,
    MergeRow,
    MergeStage,
    RowState,
)
from appliance.signing_methods import SigningMethod
from appliance.store.database import Transaction
from hsm.errors import Sentence
from hsm.rows import Query, columns, fields_of


def insert_merge(
    tx: Transaction, merge: MailMerge, rows: Iterable[MergeRow], faults: Iterable[ListProblem] = ()
) -> None:
    kept = fields_of(merge, "id owner template version stage created client digest rejected")
    due = {"due": merge.stage is not MergeStage.REVIEW}
    tx.insert("mail_merges", kept | asdict(merge.parties) | due)
    tx.executemany(
        "INSERT INTO mail_merge_rows (merge, number, entry, state, remark, reference) VALUES (?, ?, ?, ?, ?, ?)",
        [(merge.id, row.number, _kept(row.entry), row.state, _written(row.remark), row.reference) for row in rows],
    )
    tx.executemany(
        "INSERT INTO mail_merge_faults (merge, place, number, heading, cell, sentence) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (merge.id, place, each.row, each.column, each.cell, _written(each.sentence))
            for place, each in enumerate(faults, 1)
        ],
    )


def find_merge(tx: Transaction, merge_id: str) -> MailMerge | None:
    return _MERGES.first(tx, "WHERE id = ?", (merge_id,))


def load_merge(tx: Transaction, merge_id: str, owner: str | None = None) -> MailMerge:
    """The merge with this id, of *owner* where one is given. Raises :class:`NotFound`."""
    missing = NotFound("There is no such list; it may have been removed.")
    return _MERGES.one(tx, "WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)", (merge_id, owner), missing=missing)


def merges_of(tx: Transaction, owner: str, limit: int) -> list[MailMerge]:
    """The newest merges of *owner*."""
    return _MERGES.all(tx, "WHERE owner = ? ORDER BY created DESC, rowid DESC LIMIT ?", (owner, limit))


def merges_of_client(tx: Transaction, client: str, before: MailMerge | None, limit: int) -> list[MailMerge]:
    """The newest that this client of the API asked for, from the one *before* on."""
    if before is None:
        return _MERGES.all(tx, "WHERE client = ? ORDER BY created DESC, id DESC LIMIT ?", (client, limit))
    older = "WHERE client = ? AND (created, id) < (?, ?) ORDER BY created DESC, id DESC LIMIT ?"
    return _MERGES.all(tx, older, (client, before.created, before.id, limit))


def set_stage(tx: Transaction, merge_id: str, stage: MergeStage) -> None:
    """Raises :class:`StateRefused` for a step back."""
    before = {MergeStage.MAKING: ("review", "making"), MergeStage.SENDING: ("making", "sending")}[stage]
    changed = "UPDATE mail_merges SET stage = ?, due = 1 WHERE id = ? AND stage IN (?, ?)"
    if not tx.changed(changed, (stage, merge_id, *before)):
        raise StateRefused("This list is further already; look at it again.")


def rows_of(tx: Transaction, merge_id: str) -> list[MergeRow]:
    """All rows, in the order of the list."""
    return _ROWS.all(tx, "WHERE merge = ? ORDER BY number", (merge_id,))


def rows_after(
    tx: Transaction, merge_id: str, after: int, limit: int, state: RowState | None = None
) -> list[MergeRow]:
    """The next rows behind the one with the number *after*, in one *state* or in any."""
    if state is None:
        rest = "WHERE merge = ? AND number > ? ORDER BY number LIMIT ?"
        return _ROWS.all(tx, rest, (merge_id, after, limit))
    rest = "WHERE merge = ? AND state = ? AND number > ? ORDER BY number LIMIT ?"
    return _ROWS.all(tx, rest, (merge_id, state, after, limit))


def count_remarks(tx: Transaction, merge_id: str) -> int:
    """How many rows have a remark."""
    return tx.count("SELECT count(*) FROM mail_merge_rows WHERE merge = ? AND remark IS NOT NULL", (merge_id,))


def faults_after(tx: Transaction, merge_id: str, after: int, limit: int) -> list[tuple[int, ListProblem]]:
    """What was wrong with the rows that were left out, each with its place, behind the place *after*."""
    query = (
        "SELECT place, number, heading, cell, sentence FROM mail_merge_faults WHERE merge = ? AND place > ?"
        " ORDER BY place LIMIT ?"
    )
    found = tx.execute(query, (merge_id, after, limit))
    return [
        (int(place), ListProblem(row, heading, cell, _said(said))) for place, row, heading, cell, said in found
    ]


def counts_of(tx: Transaction, merge_id: str) -> dict[RowState, int]:
    """How many rows are in each state."""
    found = tx.execute("SELECT state, count(*) FROM mail_merge_rows WHERE merge = ? GROUP BY state", (merge_id,))
    return {RowState(state): int(count) for state, count in found}


@dataclass(frozen=True, slots=True)
class DueMerge:
    """A list of which something may have to be made or sent."""

    id: str
    owner: str
    client: str | None


def due_merges(tx: Transaction) -> list[DueMerge]:
    """The oldest first, without those whose owner's account is suspended or closed: they rest."""
    return _DUE.all(
        tx,
        "WHERE due = 1 AND NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.subject = owner"
        " AND a.state IN ('suspended', 'left')) ORDER BY created",
    )


MOST_COUNTED = 100


def count_waiting(tx: Transaction) -> dict[str, int]:
    """How many rows of each list that is due are still to be made or sent; of the oldest :data:`MOST_COUNTED`."""
    found = tx.execute(
        "SELECT m.id, (SELECT count(*) FROM mail_merge_rows AS r WHERE r.merge = m.id AND (r.state IN ('waiting',"
        " 'making') OR (r.state = 'draft' AND m.stage = 'sending'))) FROM mail_merges AS m WHERE m.due = 1"
        " ORDER BY m.created LIMIT ?",
        (MOST_COUNTED,),
    )
    return {str(merge): int(count) for merge, count in found}


def next_rows(tx: Transaction, merge: MailMerge, limit: int) -> list[MergeRow]:
    """What of this list is to be made next, or sent when nothing is to be made; the interrupted rows first."""
    found: list[MergeRow] = []
    for state in (RowState.MAKING, RowState.WAITING):
        if len(found) < limit:
            found += rows_after(tx, merge.id, 0, limit - len(found), state)
    if not found and merge.stage is MergeStage.SENDING:
        found = rows_after(tx, merge.id, 0, limit, RowState.DRAFT)
    return found


def rest(tx: Transaction, merge_id: str) -> None:
    """Nothing of this list is due, unless something has become so."""
    tx.execute(
        "UPDATE mail_merges SET due = 0 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM mail_merge_rows AS r"
        " WHERE r.merge = ?1 AND (r.state IN ('waiting', 'making')"
        " OR (r.state = 'draft' AND mail_merges.stage = 'sending')))",
        (merge_id,),
    )


def begin_rows(tx: Transaction, merge_id: str, contracts: Mapping[int, str]) -> dict[int, str]:
    """waiting → making, each row with the number of its contract, which stays the one that it got first; the rows
    that are in the making now, with these numbers."""
    tx.executemany(
        "UPDATE mail_merge_rows SET state = 'making', contract = coalesce(contract, ?), refusal = NULL,"
        " code = NULL WHERE merge = ? AND number = ? AND state IN ('waiting', 'making')",
        [(contract, merge_id, number) for number, contract in contracts.items()],
    )
    query = "SELECT number, contract FROM mail_merge_rows WHERE merge = ? AND state = 'making'"
    return {number: contract for number, contract in tx.execute(query, (merge_id,)) if number in contracts}


def settle_row(
    tx: Transaction, merge_id: str, number: int, state: RowState, refusal: Sentence | None = None, code: str = ""
) -> None:
    """The row is made, sent, or refused."""
    row = {"state": state, "refusal": _written(refusal), "code": code or None}
    tx.update("mail_merge_rows", row, merge=merge_id, number=number)


def retry_rows(tx: Transaction, merge_id: str) -> int:
    """Those that failed wait once more; how many."""
    tx.execute("UPDATE mail_merges SET due = 1 WHERE id = ? AND stage <> 'review'", (merge_id,))
    return tx.change(
        "UPDATE mail_merge_rows SET state = 'waiting', refusal = NULL, code = NULL"
        " WHERE merge = ? AND state = 'failed'",
        (merge_id,),
    )


def cancel_rows(tx: Transaction, merge_id: str) -> int:
    """Those that wait, and of which nothing was made, are not made any more; how many."""
    return tx.change(
        "UPDATE mail_merge_rows SET state = 'cancelled' WHERE merge = ? AND state = 'waiting'"
        " AND NOT EXISTS (SELECT 1 FROM contracts AS c WHERE c.id = mail_merge_rows.contract)",
        (merge_id,),
    )


def remove_merge(tx: Transaction, merge_id: str) -> None:
    """The list goes; its contracts stay."""
    tx.execute("DELETE FROM mail_merge_rows WHERE merge = ?", (merge_id,))
    tx.execute("DELETE FROM mail_merge_faults WHERE merge = ?", (merge_id,))
    tx.execute("DELETE FROM mail_merges WHERE id = ?", (merge_id,))


def old_merges(tx: Transaction, before: datetime, limit: int) -> list[str]:
    """The ids of those made earlier than *before*, with nothing left to do; the oldest first."""
    query = "SELECT id FROM mail_merges WHERE created < ? AND due = 0 ORDER BY created LIMIT ?"
    return tx.column(str, query, (before, limit))


def _written(sentence: Sentence | None) -> str | None:
    return None if sentence is None else json.dumps(sentence.to_wire(), ensure_ascii=False)


def _said(kept: str) -> Sentence:
    template, values = json.loads(kept)
    return Sentence(template, values)


def _kept(entry: MergeEntry) -> str:
    return json.dumps(asdict(entry), ensure_ascii=False)


def _entry(kept: str) -> MergeEntry:
    told: dict[str, Any] = json.loads(kept)
    others: Sequence[dict[str, Any]] = told.get("others", ())
    return MergeEntry(**{**told, "guest": _guest(told["guest"]), "others": tuple(map(_guest, others))})


def _guest(told: dict[str, Any]) -> GuestDetails:
    language, method = told["language"], told["method"]
    known = {
        "language": Language(language) if language else None,
        "method": SigningMethod(method) if method else None,
    }
    return GuestDetails(**{**told, **known})


_MERGES = Query(
    MailMerge,
    "SELECT id, owner, template, version, stage, signs, seal, created, client, digest, rejected FROM mail_merges",
    parties=columns(lambda signs, seal: MergeParties(bool(signs), seal), "signs", "seal"),
)
_DUE = Query(DueMerge, "SELECT id, owner, client FROM mail_merges")
_ROWS = Query(
    MergeRow,
    "SELECT number, entry, state, contract, remark, refusal, code, reference FROM mail_merge_rows",
    entry=_entry,
    remark=_said,
    refusal=_said,
)
