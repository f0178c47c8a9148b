"""Deposits in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

from typing import Any

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.model.ownership import Deposit
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

_DEPOSIT = "SELECT id, depositor, title, file, digest, size, at, token, certificate, entry FROM deposits"


def insert(tx: Transaction, deposit: Deposit) -> None:
    """A new deposit. Raises :class:`StateRefused` when the person has deposited this digest already."""
    try:
        tx.execute(
            "INSERT INTO deposits (id, depositor, title, file, digest, size, at, token, certificate, entry)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                deposit.id,
                deposit.depositor,
                deposit.title,
                deposit.file,
                deposit.digest,
                deposit.size,
                stored(deposit.at),
                deposit.token,
                deposit.certificate,
                deposit.entry,
            ),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("You have deposited this file already; its certificate is in your list.") from error


def load(tx: Transaction, deposit_id: str) -> Deposit:
    """The deposit. Raises :class:`NotFound`."""
    row = tx.execute(f"{_DEPOSIT} WHERE id = ?", (deposit_id,)).fetchone()
    if row is None:
        raise NotFound("There is no deposit {deposit}.", deposit=deposit_id)
    return _deposit(row)


def of_person(tx: Transaction, subject: str, *, limit: int) -> list[Deposit]:
    """The person's newest deposits, at most so many."""
    rows = tx.execute(f"{_DEPOSIT} WHERE depositor = ? ORDER BY at DESC LIMIT ?", (subject, limit))
    return [_deposit(row) for row in rows]


def mine(tx: Transaction, subject: str, digest: str) -> Deposit | None:
    """The person's deposit of this digest, or None."""
    row = tx.execute(f"{_DEPOSIT} WHERE depositor = ? AND digest = ?", (subject, digest)).fetchone()
    return None if row is None else _deposit(row)


def of_digest(tx: Transaction, digest: str) -> list[Deposit]:
    """Everybody's deposits of this digest, the oldest first."""
    return [_deposit(row) for row in tx.execute(f"{_DEPOSIT} WHERE digest = ? ORDER BY at", (digest,))]


def _deposit(row: tuple[Any, ...]) -> Deposit:
    identifier, depositor, title, file, digest, size, at, token, certificate, entry = row
    return Deposit(identifier, depositor, title, file, digest, size, loaded(at), bytes(token), certificate, entry)
