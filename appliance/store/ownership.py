"""Deposits in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from appliance.errors import NotFound, StateRefused
from appliance.model.deposits import (
    Creation,
    Deposit,
    DepositedFile,
    HolderKind,
    ObtainedDeclaration,
    RightsHolder,
    WorkDetails,
    WorkKind,
)
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of, refusing

LAST: Final = 2**62
"""Behind every entry of the log."""

_OWN: Final = "id depositor organisation title digest files size at token certificate entry predecessor client"
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
        row |= fields_of(deposit.work, "kind creation completed description declaration")
        row |= {"holder_kind": deposit.work.holder.kind, "holder": deposit.work.holder.name}
    if deposit.declared is not None:
        row |= {"declarer": deposit.declared.declarer, "obtained": deposit.declared.obtained.isoformat()}
    taken = StateRefused(
        "Another version follows that deposit already; deposit this one after the newest version."
    )
    with refusing(taken, only=("deposits.predecessor",)):
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
