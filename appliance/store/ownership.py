"""Deposits in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

from appliance.errors import NotFound, StateRefused
from appliance.model.intent import Deposit
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of, refusing

_DEPOSIT = "SELECT id, depositor, title, file, digest, size, at, token, certificate, entry FROM deposits"
_DEPOSITS = Query(Deposit, _DEPOSIT)


def insert_deposit(tx: Transaction, deposit: Deposit) -> None:
    """A new deposit. Raises :class:`StateRefused` when the person has deposited this digest already."""
    with refusing(StateRefused("You have deposited this file already; its certificate is in your list.")):
        names = "id depositor title file digest size at token certificate entry"
        tx.insert("deposits", fields_of(deposit, names))


def load_deposit(tx: Transaction, deposit_id: str) -> Deposit:
    """The deposit. Raises :class:`NotFound`."""
    missing = NotFound("There is no deposit {deposit}.", deposit=deposit_id)
    return _DEPOSITS.one(tx, "WHERE id = ?", (deposit_id,), missing=missing)


def of_person(tx: Transaction, subject: str, *, limit: int) -> list[Deposit]:
    """The person's newest deposits, at most so many."""
    return _DEPOSITS.all(tx, "WHERE depositor = ? ORDER BY at DESC, rowid DESC LIMIT ?", (subject, limit))


def mine(tx: Transaction, subject: str, digest: str) -> Deposit | None:
    """The person's deposit of this digest, or None."""
    return _DEPOSITS.first(tx, "WHERE depositor = ? AND digest = ?", (subject, digest))


def of_digest(tx: Transaction, digest: str) -> list[Deposit]:
    """Everybody's deposits of this digest, the oldest first."""
    return _DEPOSITS.all(tx, "WHERE digest = ? ORDER BY at, rowid", (digest,))
