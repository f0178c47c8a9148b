"""Proposals to void contracts, and the declarations that do it, in the database."""

from __future__ import annotations

from datetime import datetime

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.model.contract import OpenVoiding
from appliance.model.declarations import VoidDeclaration
from appliance.store.database import Transaction
from appliance.store.intents import decode_intent
from hsm import canonical
from hsm.rows import RowMapper, fields_of

_COLUMNS = (
    "void_declarations.id, voidings.contract, voiding, person, record, act AS intent, prepared, signed, cms, entry"
    " FROM void_declarations JOIN voidings ON voidings.id = void_declarations.voiding"
)

_DECLARATIONS = RowMapper(VoidDeclaration, intent=decode_intent)


def insert_voiding(tx: Transaction, contract_id: str, proposal: OpenVoiding) -> None:
    """A new proposal. Raises :class:`StateRefused` when one is open."""
    try:
        tx.execute(
            "INSERT INTO voidings (id, contract, proposer, reason, at, state) VALUES (?, ?, ?, ?, ?, 'open')",
            (proposal.id, contract_id, proposal.by, proposal.reason, proposal.at),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("Somebody has proposed to void this contract already.") from error


def refuse_voiding(tx: Transaction, voiding: str, *, by: str, reason: str, at: datetime) -> None:
    """open → refused."""
    _require_one(
        tx.change(
            "UPDATE voidings SET state = 'refused', ended = ?, refuser = ?, answer = ?"
            " WHERE id = ? AND state = 'open'",
            (at, by, reason, voiding),
        )
    )


def finish_voiding(tx: Transaction, voiding: str, *, at: datetime) -> None:
    """open → done."""
    _require_one(
        tx.change("UPDATE voidings SET state = 'done', ended = ? WHERE id = ? AND state = 'open'", (at, voiding))
    )


def insert_declaration(tx: Transaction, declaration: VoidDeclaration) -> None:
    """A declaration before it is signed."""
    intent = declaration.intent
    tx.insert(
        "void_declarations",
        fields_of(declaration, "id voiding person record prepared")
        | {"act": canonical.encode(intent.fields()), "expires": intent.expires},
    )


def save_signature(tx: Transaction, declaration: VoidDeclaration, *, at: datetime, cms: bytes, entry: int) -> None:
    """The declaration is signed. Raises :class:`StateRefused` when this person's was before."""
    try:
        signed = tx.execute(
            "UPDATE void_declarations SET signed = ?, cms = ?, entry = ? WHERE id = ? AND signed IS NULL",
            (at, cms, entry, declaration.id),
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("This declaration has been signed already.") from error
    _require_one(signed.rowcount)


def declaration(tx: Transaction, contract_id: str, declaration_id: str) -> VoidDeclaration:
    """The declaration with this id about this contract. Raises :class:`NotFound`."""
    found = _DECLARATIONS.first(
        tx.execute(
            f"SELECT {_COLUMNS} WHERE void_declarations.id = ? AND voidings.contract = ?",
            (declaration_id, contract_id),
        )
    )
    if found is None:
        raise NotFound("There is no declaration {declaration}.", declaration=declaration_id)
    return found


def declarations(tx: Transaction, contract_id: str) -> tuple[VoidDeclaration, ...]:
    """The signed declarations of the proposals that are open or done, in the order of signing."""
    return tuple(
        _DECLARATIONS.all(
            tx.execute(
                f"SELECT {_COLUMNS} WHERE voidings.contract = ? AND voidings.state <> 'refused'"
                " AND signed IS NOT NULL ORDER BY entry",
                (contract_id,),
            )
        )
    )


def forget_expired_declarations(tx: Transaction, now: datetime) -> None:
    """Unsigned declarations whose time is over go."""
    tx.execute("DELETE FROM void_declarations WHERE signed IS NULL AND expires <= ?", (now,))


def _require_one(count: int) -> None:
    if count != 1:
        raise StateRefused("The proposal to void this contract has ended in the meantime; look at it again.")
