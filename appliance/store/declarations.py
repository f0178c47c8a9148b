"""What people declare by a signed record: the agreement on electronic signing with its texts, and that a
contract is void."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.contract import OpenVoiding
from appliance.model.declarations import AgreementRecord, VoidDeclaration
from appliance.store.database import Transaction
from appliance.store.intents import decode_intent
from hsm import canonical
from hsm.intents import SigningIntent
from hsm.rows import RowMapper, fields_of

_AGREEMENT = (
    "SELECT a.id, a.person, a.version, a.side, a.record, a.act AS intent, a.proposed, a.accepted, a.cms, a.entry,"
    " (SELECT json_group_array(side) FROM agreement_others WHERE agreement = a.id) AS others FROM agreements AS a"
)
_AGREEMENTS = RowMapper(AgreementRecord, intent=decode_intent)

GONE = "This agreement can no longer be accepted here; ask for it again."


def insert_agreement(tx: Transaction, agreement: AgreementRecord) -> None:
    """A proposal, before it is signed."""
    tx.insert(
        "agreements",
        fields_of(agreement, "id person version side record proposed") | _intent_columns(agreement.intent),
    )
    for other in sorted(agreement.others):
        tx.insert("agreement_others", {"agreement": agreement.id, "side": other})


def accept_agreement(tx: Transaction, agreement: AgreementRecord, *, at: datetime, cms: bytes, entry: int) -> None:
    """The proposal is accepted. Raises :class:`StateRefused` when it was before."""
    signed = {"accepted": at, "cms": cms, "entry": entry}
    if not tx.update("agreements", signed, id=agreement.id, accepted=None):
        raise StateRefused(GONE)


def load_agreement(tx: Transaction, agreement_id: str) -> AgreementRecord:
    """The proposal or acceptance with this id. Raises :class:`NotFound`."""
    return _agreement(tx, "id = ?", agreement_id)


def at_entry(tx: Transaction, entry: int) -> AgreementRecord:
    """The acceptance that the log's *entry* tells. Raises :class:`NotFound`."""
    return _agreement(tx, "entry = ?", entry)


def _agreement(tx: Transaction, condition: str, value: object) -> AgreementRecord:
    found = _AGREEMENTS.first(tx.execute(f"{_AGREEMENT} WHERE {condition}", (value,)))
    if found is None:
        raise NotFound("There is no agreement {agreement}.", agreement=value)
    return found


def of_side(tx: Transaction, side: str, version: str, *, limit: int = 1000) -> list[AgreementRecord]:
    """What was accepted for *side* (a key) in this version, oldest first, at most *limit*."""
    return _AGREEMENTS.all(
        tx.execute(
            f"{_AGREEMENT} WHERE side = ? AND version = ? AND accepted IS NOT NULL ORDER BY entry LIMIT ?",
            (side, version, limit),
        )
    )


def naming(tx: Transaction, side: str, other: str, version: str) -> AgreementRecord | None:
    """The first acceptance for *side* that names *other* (keys) in this version, or None."""
    return _AGREEMENTS.first(
        tx.execute(
            f"{_AGREEMENT} JOIN agreement_others AS o ON o.agreement = a.id"
            " WHERE a.side = ? AND a.version = ? AND a.accepted IS NOT NULL AND o.side = ?"
            " ORDER BY a.entry LIMIT 1",
            (side, version, other),
        )
    )


def accepted_by(tx: Transaction, person: str, version: str) -> AgreementRecord | None:
    """The first acceptance of this version by this person, or None."""
    return _AGREEMENTS.first(
        tx.execute(
            f"{_AGREEMENT} WHERE person = ? AND version = ? AND accepted IS NOT NULL ORDER BY entry LIMIT 1",
            (person, version),
        )
    )


def keep_text(tx: Transaction, version: str, words: Mapping[Language, str]) -> None:
    """Keeps the text that people are asked to accept; nothing new for a version that is kept already."""
    tx.executemany(
        "INSERT INTO agreement_texts (version, language, words) VALUES (?, ?, ?)"
        " ON CONFLICT (version, language) DO NOTHING",
        [(version, language, text) for language, text in words.items()],
    )


def text_of(tx: Transaction, version: str) -> dict[Language, str]:
    """The text of *version* as it was accepted, by language; empty for one that was never asked for."""
    rows = tx.execute("SELECT language, words FROM agreement_texts WHERE version = ?", (version,))
    return {Language(language): words for language, words in rows}


def forget_expired_agreements(tx: Transaction, now: datetime) -> int:
    """Remove proposals that can no longer be accepted; how many."""
    return tx.change("DELETE FROM agreements WHERE accepted IS NULL AND expires <= ?", (now,))


_DECLARATION = (
    "void_declarations.id, voidings.contract, voiding, person, record, act AS intent, prepared, signed, cms, entry"
    " FROM void_declarations JOIN voidings ON voidings.id = void_declarations.voiding"
)

_DECLARATIONS = RowMapper(VoidDeclaration, intent=decode_intent)


def insert_voiding(tx: Transaction, contract_id: str, proposal: OpenVoiding) -> None:
    """A new proposal. Raises :class:`StateRefused` when one is open."""
    row = fields_of(proposal, "id reason at") | {"contract": contract_id, "proposer": proposal.by, "state": "open"}
    try:
        tx.insert("voidings", row)
    except pysqlite3.IntegrityError as error:
        raise StateRefused("Somebody has proposed to void this contract already.") from error


def refuse_voiding(tx: Transaction, voiding: str, *, by: str, reason: str, at: datetime) -> None:
    """open → refused."""
    _end_voiding(tx, voiding, state="refused", ended=at, refuser=by, answer=reason)


def finish_voiding(tx: Transaction, voiding: str, *, at: datetime) -> None:
    """open → done."""
    _end_voiding(tx, voiding, state="done", ended=at)


def _end_voiding(tx: Transaction, voiding: str, **row: object) -> None:
    _require_open(tx.update("voidings", row, id=voiding, state="open"))


def insert_declaration(tx: Transaction, declaration: VoidDeclaration) -> None:
    """A declaration before it is signed."""
    tx.insert(
        "void_declarations",
        fields_of(declaration, "id voiding person record prepared") | _intent_columns(declaration.intent),
    )


def _intent_columns(intent: SigningIntent) -> dict[str, object]:
    return {"act": canonical.encode(intent.fields()), "expires": intent.expires}


def save_signature(tx: Transaction, declaration: VoidDeclaration, *, at: datetime, cms: bytes, entry: int) -> None:
    """The declaration is signed. Raises :class:`StateRefused` when this person's was before."""
    row = {"signed": at, "cms": cms, "entry": entry}
    try:
        signed = tx.update("void_declarations", row, id=declaration.id, signed=None)
    except pysqlite3.IntegrityError as error:
        raise StateRefused("This declaration has been signed already.") from error
    _require_open(signed)


def declaration(tx: Transaction, contract_id: str, declaration_id: str) -> VoidDeclaration:
    """The declaration with this id about this contract. Raises :class:`NotFound`."""
    found = _DECLARATIONS.first(
        tx.execute(
            f"SELECT {_DECLARATION} WHERE void_declarations.id = ? AND voidings.contract = ?",
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
                f"SELECT {_DECLARATION} WHERE voidings.contract = ? AND voidings.state <> 'refused'"
                " AND signed IS NOT NULL ORDER BY entry",
                (contract_id,),
            )
        )
    )


def forget_expired_declarations(tx: Transaction, now: datetime) -> None:
    """Unsigned declarations whose time is over go."""
    tx.execute("DELETE FROM void_declarations WHERE signed IS NULL AND expires <= ?", (now,))


def _require_open(changed: bool) -> None:
    if not changed:
        raise StateRefused("The proposal to void this contract has ended in the meantime; look at it again.")
