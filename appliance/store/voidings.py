"""Proposals to void contracts, and the declarations that do it, in the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.model.contract import OpenVoiding
from appliance.model.voiding import VoidDeclaration
from appliance.store.database import Transaction
from appliance.store.intents import act_from
from appliance.store.moments import loaded, stored
from hsm import canonical

_COLUMNS = (
    "void_declarations.id, voidings.contract, voiding, person, record, act, prepared, signed, cms, entry"
    " FROM void_declarations JOIN voidings ON voidings.id = void_declarations.voiding"
)


def insert(tx: Transaction, contract_id: str, proposal: OpenVoiding) -> None:
    """A new proposal. Raises :class:`StateRefused` when one is open."""
    try:
        tx.execute(
            "INSERT INTO voidings (id, contract, proposer, reason, at, state) VALUES (?, ?, ?, ?, ?, 'open')",
            (proposal.id, contract_id, proposal.by, proposal.reason, stored(proposal.at)),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("Somebody has proposed to void this contract already.") from error


def refuse(tx: Transaction, voiding: str, *, by: str, reason: str, at: datetime) -> None:
    """open → refused."""
    ended = tx.execute(
        "UPDATE voidings SET state = 'refused', ended = ?, refuser = ?, answer = ?"
        " WHERE id = ? AND state = 'open'",
        (stored(at), by, reason, voiding),
    )
    _require_one(ended.rowcount)


def finish(tx: Transaction, voiding: str, *, at: datetime) -> None:
    """open → done."""
    ended = tx.execute(
        "UPDATE voidings SET state = 'done', ended = ? WHERE id = ? AND state = 'open'", (stored(at), voiding)
    )
    _require_one(ended.rowcount)


def insert_declaration(tx: Transaction, declaration: VoidDeclaration) -> None:
    """A declaration before it is signed."""
    tx.execute(
        "INSERT INTO void_declarations (id, voiding, person, record, act, prepared, expires)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            declaration.id,
            declaration.voiding,
            declaration.person,
            declaration.record,
            canonical.encode(declaration.intent.fields()),
            stored(declaration.prepared),
            stored(declaration.intent.expires),
        ),
    )


def sign(tx: Transaction, declaration: VoidDeclaration, *, at: datetime, cms: bytes, entry: int) -> None:
    """The declaration is signed. Raises :class:`StateRefused` when this person's was before."""
    try:
        signed = tx.execute(
            "UPDATE void_declarations SET signed = ?, cms = ?, entry = ? WHERE id = ? AND signed IS NULL",
            (stored(at), cms, entry, declaration.id),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("This declaration has been signed already.") from error
    _require_one(signed.rowcount)


def declaration(tx: Transaction, contract_id: str, declaration_id: str) -> VoidDeclaration:
    """The declaration with this id about this contract. Raises :class:`NotFound`."""
    row = tx.execute(
        f"SELECT {_COLUMNS} WHERE void_declarations.id = ? AND voidings.contract = ?",
        (declaration_id, contract_id),
    ).fetchone()
    if row is None:
        raise NotFound("There is no declaration {declaration}.", declaration=declaration_id)
    return _declaration(row)


def declarations(tx: Transaction, contract_id: str) -> tuple[VoidDeclaration, ...]:
    """The signed declarations of the proposals that are open or done, in the order of signing."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} WHERE voidings.contract = ? AND voidings.state <> 'refused'"
        " AND signed IS NOT NULL ORDER BY entry",
        (contract_id,),
    )
    return tuple(_declaration(row) for row in rows)


def forget_expired(tx: Transaction, now: datetime) -> None:
    """Unsigned declarations whose time is over go."""
    tx.execute("DELETE FROM void_declarations WHERE signed IS NULL AND expires <= ?", (stored(now),))


def _declaration(row: tuple[Any, ...]) -> VoidDeclaration:
    return VoidDeclaration(
        id=row[0],
        contract=row[1],
        voiding=row[2],
        person=row[3],
        record=row[4],
        intent=act_from(row[5]),
        prepared=loaded(row[6]),
        signed=loaded(row[7]),
        cms=row[8],
        entry=row[9],
    )


def _require_one(count: int) -> None:
    if count != 1:
        raise StateRefused("The proposal to void this contract has ended in the meantime; look at it again.")
