"""Deposits in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from appliance.errors import NotFound, StateRefused
from appliance.model.deposits import (
    BatchedDeposit,
    BatchedState,
    Creation,
    Deposit,
    DepositBatch,
    DepositedFile,
    HolderKind,
    ObtainedDeclaration,
    RightsHolder,
    WorkDetails,
    WorkKind,
)
from appliance.store.database import Transaction
from hsm.errors import Sentence
from hsm.rows import Query, columns, fields_of, refusing

LAST: Final = 2**62
"""Behind every entry of the log."""

_OWN: Final = "id depositor organisation title digest files size at token entry predecessor client"
_WORK: Final = ("kind", "creation", "holder_kind", "holder", "declaration", "completed", "description")


def _work(
    kind: str | None,
    creation: str,
    holder_kind: str,
    holder: str,
    declaration: str,
    completed: str | None,
    description: str,
) -> WorkDetails | None:
    """What the columns say of the work; None in deposits from before they were there."""
    if kind is None:
        return None
    day = None if completed is None else date.fromisoformat(completed)
    holds = RightsHolder(HolderKind(holder_kind), holder)
    return WorkDetails(WorkKind(kind), Creation(creation), holds, declaration, day, description)


def _columns_of(work: WorkDetails) -> dict[str, Any]:
    named = {"holder_kind": work.holder.kind, "holder": work.holder.name}
    return fields_of(work, "kind creation completed description declaration") | named


def _declaring(declared: ObtainedDeclaration | None) -> dict[str, Any]:
    if declared is None:
        return {}
    return {"declarer": declared.declarer, "obtained": declared.obtained.isoformat()}


def _declared(declarer: str | None, obtained: str | None) -> ObtainedDeclaration | None:
    if declarer is None or obtained is None:
        return None
    return ObtainedDeclaration(declarer, date.fromisoformat(obtained))


_DECLARED: Final = ("declarer", "obtained")
_COLUMNS: Final = ", ".join((*_OWN.split(), *_WORK, *_DECLARED))
_DEPOSITS: Final = Query(
    Deposit,
    f"SELECT {_COLUMNS} FROM deposits",  # noqa: S608 -- literals
    work=(_work, _WORK),
    declared=(_declared, _DECLARED),
)
_FOLLOWED: Final = "Another version follows that deposit already; deposit this one after the newest version."
_FILES: Final = Query(DepositedFile, "SELECT name, digest, size FROM deposit_files")


def insert_deposit(tx: Transaction, deposit: Deposit, files: Sequence[DepositedFile]) -> None:
    """A new deposit of these *files*, in the manifest's order.

    Raises :class:`StateRefused` when another version follows its predecessor by now."""
    row = fields_of(deposit, _OWN)
    if deposit.work is not None:
        row |= _columns_of(deposit.work)
    row |= _declaring(deposit.declared)
    with refusing(StateRefused(_FOLLOWED), only=("deposits.predecessor",)):
        tx.insert("deposits", row)
    tx.executemany(
        "INSERT INTO deposit_files (deposit, place, name, digest, size) VALUES (?, ?, ?, ?, ?)",
        [(deposit.id, place, each.name, each.digest, each.size) for place, each in enumerate(files)],
    )


def load_deposit(tx: Transaction, deposit_id: str) -> Deposit:
    """The deposit. Raises :class:`NotFound`."""
    missing = NotFound("There is no deposit {deposit}.", deposit=deposit_id)
    return _DEPOSITS.one(tx, "WHERE id = ?", (deposit_id,), missing=missing)


def files_of(tx: Transaction, deposit_id: str, *, first: int = 0, limit: int = -1) -> list[DepositedFile]:
    """The files of a deposit from the place *first* (from 0), at most *limit*; all of them without one."""
    return _FILES.all(tx, "WHERE deposit = ? AND place >= ? ORDER BY place LIMIT ?", (deposit_id, first, limit))


def of_person(tx: Transaction, subject: str, *, limit: int, before: int = LAST) -> list[Deposit]:
    """The person's newest deposits from before the log's entry *before*, at most so many."""
    return _DEPOSITS.all(
        tx, "WHERE depositor = ? AND entry < ? ORDER BY entry DESC LIMIT ?", (subject, before, limit)
    )


def within(tx: Transaction, organisations: Collection[str], *, limit: int, before: int = LAST) -> list[Deposit]:
    """The same for the deposits of everybody of these *organisations*."""
    listed = json.dumps(sorted(organisations))
    return _DEPOSITS.all(
        tx,
        "WHERE organisation IN (SELECT value FROM json_each(?)) AND entry < ? ORDER BY entry DESC LIMIT ?",
        (listed, before, limit),
    )


def same(tx: Transaction, subject: str, digest: str, predecessor: str | None) -> Deposit | None:
    """The person's deposit of this digest, as the next version of the same *predecessor* or of none; or None."""
    condition = "WHERE depositor = ? AND digest = ? AND coalesce(predecessor, '') = ?"
    return _DEPOSITS.first(tx, condition, (subject, digest, predecessor or ""))


def of_digest(tx: Transaction, digest: str, *, limit: int) -> list[Deposit]:
    """Everybody's deposits of a file, or a manifest, with this digest, the oldest first, at most so many."""
    return _DEPOSITS.all(
        tx,
        "WHERE id IN (SELECT deposit FROM deposit_files WHERE digest = ?1"
        " UNION SELECT id FROM deposits WHERE digest = ?1) ORDER BY entry, id LIMIT ?2",
        (digest, limit),
    )


def successor(tx: Transaction, deposit_id: str) -> Deposit | None:
    """The next version of the deposit, or None."""
    return _DEPOSITS.first(tx, "WHERE predecessor = ?", (deposit_id,))


def versions(tx: Transaction, deposit_id: str) -> list[Deposit]:
    """All versions in the chain of the deposit, the oldest first, itself among them."""
    return _DEPOSITS.all(
        tx,
        "WHERE id IN ("
        "WITH RECURSIVE before (id) AS (SELECT ?1 UNION SELECT d.predecessor FROM before CROSS JOIN deposits AS d"
        " ON d.id = before.id WHERE d.predecessor IS NOT NULL),"
        " after (id) AS (SELECT ?1 UNION SELECT d.id FROM after CROSS JOIN deposits AS d"
        " ON d.predecessor = after.id) SELECT id FROM before UNION SELECT id FROM after) ORDER BY entry, id",
        (deposit_id,),
    )


def certificate_of(tx: Transaction, deposit_id: str) -> str | None:
    """The SHA-256 (hex) under which the blob store keeps the deposit's certificate; None before it was made."""
    return tx.value(str, "SELECT digest FROM deposit_certificates WHERE deposit = ?", (deposit_id,))


def keep_certificate(tx: Transaction, deposit_id: str, digest: str, entry: int) -> None:
    """The deposit's certificate, for good; *entry* of the log has its digest."""
    tx.insert("deposit_certificates", {"deposit": deposit_id, "digest": digest, "entry": entry})


def newest_by_name(tx: Transaction, subject: str, names: Collection[str]) -> dict[str, str]:
    """By each of these *names* of files, the person's newest deposit of one file with that name that no other
    version follows, where there is one."""
    found = tx.execute(
        "SELECT f.name, d.id FROM deposits AS d CROSS JOIN deposit_files AS f ON f.deposit = d.id"
        " WHERE d.depositor = ? AND d.files = 1 AND f.name IN (SELECT value FROM json_each(?))"
        " AND NOT EXISTS (SELECT 1 FROM deposits AS n WHERE n.predecessor = d.id) ORDER BY d.entry",
        (subject, json.dumps(sorted(names))),
    )
    return {str(name): str(deposit) for name, deposit in found}


def insert_batch(tx: Transaction, batch: DepositBatch, rows: Iterable[BatchedDeposit]) -> None:
    """A new batch, all of which waits."""
    tx.insert("deposit_batches", fields_of(batch, "id owner created client") | _declaring(batch.declared))
    for each in rows:
        row = fields_of(each, "number deposit title predecessor") | fields_of(each.file, "name digest size")
        tx.insert("deposit_batch_rows", {"batch": batch.id, **row, **_columns_of(each.work)})


def find_batch(tx: Transaction, batch_id: str) -> DepositBatch | None:
    """The batch, whoever's it is; None once it is removed."""
    return _BATCHES.first(tx, "WHERE id = ?", (batch_id,))


def load_batch(tx: Transaction, batch_id: str, subject: str) -> DepositBatch:
    """The batch that *subject* owns, or has made the declaration of. Raises :class:`NotFound`."""
    found = find_batch(tx, batch_id)
    if found is None or subject not in (found.owner, found.declared.declarer if found.declared else None):
        raise NotFound("There is no such batch of deposits; it may have been removed.")
    return found


def batches_of(tx: Transaction, owner: str, limit: int) -> list[DepositBatch]:
    """The newest batches of *owner*."""
    return _BATCHES.all(tx, "WHERE owner = ? ORDER BY created DESC, rowid DESC LIMIT ?", (owner, limit))


def batches_of_client(tx: Transaction, client: str, before: DepositBatch | None, limit: int) -> list[DepositBatch]:
    """The newest that this client of the API handed in, from the one *before* on."""
    older = (
        ""
        if before is None
        else " AND (created, rowid) < (SELECT created, rowid FROM deposit_batches WHERE id = ?)"
    )
    values = (client, *([] if before is None else [before.id]), limit)
    return _BATCHES.all(tx, f"WHERE client = ?{older} ORDER BY created DESC, rowid DESC LIMIT ?", values)


_WAITS = (
    "due = 1 AND NOT EXISTS (SELECT 1 FROM accounts AS a WHERE a.subject = owner"
    " AND a.state IN ('suspended', 'left'))"
)


def count_queued(tx: Transaction, owner: str, client: str | None) -> int:
    """How many batches wait that *owner* made; or that *client* handed in, whoever owns them. Those that rest, as
    their owner's account is suspended or closed, would else keep a program from handing in anything."""
    whose, of = ("owner = ? AND client IS NULL", owner) if client is None else ("client = ?", client)
    return tx.count(f"SELECT count(*) FROM deposit_batches WHERE {_WAITS} AND {whose}", (of,))  # noqa: S608


def due_batches(tx: Transaction) -> list[DepositBatch]:
    """Those of which some wait, the oldest first, without those whose owner's account is suspended or closed."""
    return _BATCHES.all(
        tx,
        f"WHERE {_WAITS} ORDER BY created",
    )


def batched(
    tx: Transaction, batch_id: str, *, after: int = 0, limit: int = -1, state: BatchedState | None = None
) -> list[BatchedDeposit]:
    """The rows of a batch behind the one with the number *after*, at most *limit*, in one *state* or in any."""
    wanted = "" if state is None else " AND state = ?"
    values = (batch_id, *([] if state is None else [state]), after, limit)
    return _BATCHED.all(tx, f"WHERE batch = ?{wanted} AND number > ? ORDER BY number LIMIT ?", values)


def made_of(tx: Transaction, batch_id: str) -> list[Deposit]:
    """The deposits that were made of a batch."""
    made = "SELECT deposit FROM deposit_batch_rows WHERE batch = ? AND state = 'made'"
    return _DEPOSITS.all(tx, f"WHERE id IN ({made})", (batch_id,))


def count_batched(tx: Transaction, batch_id: str) -> Mapping[BatchedState, int]:
    """How many rows of the batch are in each state."""
    found = tx.execute(
        "SELECT state, count(*) FROM deposit_batch_rows WHERE batch = ? GROUP BY state", (batch_id,)
    )
    return {BatchedState(state): int(count) for state, count in found}


def settle_batched(
    tx: Transaction,
    batch_id: str,
    row: BatchedDeposit,
    made: Deposit | None,
    refusal: Sentence | None = None,
    code: str | None = None,
) -> None:
    """The row waits no more: its deposit was *made*, or there is a *refusal* with its *code*."""
    said = None if refusal is None else json.dumps(refusal.to_wire(), ensure_ascii=False)
    state = BatchedState.FAILED if made is None else BatchedState.MADE
    deposit = row.deposit if made is None else made.id
    settled = {"state": state, "refusal": said, "code": code, "deposit": deposit}
    tx.update("deposit_batch_rows", settled, batch=batch_id, number=row.number)


def retry_batched(tx: Transaction, batch_id: str) -> int:
    """The rows that failed wait once more; how many."""
    waiting = tx.change(
        "UPDATE deposit_batch_rows SET state = 'waiting', refusal = NULL, code = NULL"
        " WHERE batch = ? AND state = 'failed'",
        (batch_id,),
    )
    if waiting:
        tx.update("deposit_batches", {"due": 1}, id=batch_id)
    return waiting


def rest_batch(tx: Transaction, batch_id: str) -> None:
    """Nothing of this batch waits any more."""
    tx.execute("UPDATE deposit_batches SET due = 0 WHERE id = ?", (batch_id,))


def old_batches(tx: Transaction, before: datetime) -> list[str]:
    """The ids of the batches from *before* of which nothing waits."""
    return tx.column(str, "SELECT id FROM deposit_batches WHERE due = 0 AND created < ?", (before,))


def remove_batch(tx: Transaction, batch_id: str) -> None:
    """The batch goes, its deposits stay."""
    tx.delete("deposit_batch_rows", batch=batch_id)
    tx.delete("deposit_batches", id=batch_id)


def _said(kept: str) -> Sentence:
    template, values = json.loads(kept)
    return Sentence(template, values)


_BATCHES: Final = Query(
    DepositBatch,
    "SELECT id, owner, created, client, declarer, obtained FROM deposit_batches",
    declared=(_declared, _DECLARED),
)
_BATCHED: Final = Query(
    BatchedDeposit,
    f"SELECT number, state, deposit, refusal, code, title, name, digest, size, predecessor, {', '.join(_WORK)}"  # noqa: S608
    " FROM deposit_batch_rows",
    file=columns(DepositedFile, "name", "digest", "size"),
    work=(_work, _WORK),
    refusal=_said,
)
