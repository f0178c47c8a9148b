"""Signing intents, the basis of authorisation of each stage (canonical JSON), and what people declare by a signed
record: the agreement on electronic signing with its texts, and that a contract is void.

Every step is a conditional update that must change a row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.contract import OpenVoiding
from appliance.model.intent import (
    AgreementRecord,
    IntentRecord,
    IntentState,
    JointActivation,
    OutsideStamp,
    SigningOrigin,
    VoidDeclaration,
)
from appliance.store.database import Transaction
from hsm import canonical
from hsm.intents import SigningIntent, signing_intent_from_wire
from hsm.rows import Query, columns, fields_of, refusing

_INTENT = (
    "SELECT id, act AS intent, base, coalesce(suffix, x'') AS suffix, contents_offset, contents_length, state,"
    " created, address, location, claimant AS lease_owner, claimed, cms, stamped, reason, outside, seal_reason,"
    " together FROM intents"
)


def insert_intent(tx: Transaction, record: IntentRecord) -> None:
    """A prepared intent, before anything is signed."""
    intent = record.intent
    offset, length = record.contents
    tx.insert(
        "intents",
        fields_of(record, "id base suffix state created")
        | fields_of(intent, "contract party nonce expires")
        | fields_of(record.origin, "address location")
        | {"act": canonical.encode(intent.fields()), "contents_offset": offset, "contents_length": length},
    )


def lease_intent(tx: Transaction, intent_id: str, *, lease_owner: str, now: datetime) -> None:
    """prepared → signing: from here on the authority may be asked, once.

    Raises :class:`StateRefused` when it is no longer prepared, or another signature of the contract is under way.
    """
    with refusing(
        StateRefused(
            "Another signature on this contract is being made just now; wait a moment, then prepare again."
        )
    ):
        _move(tx, intent_id, IntentState.PREPARED, IntentState.SIGNING, claimant=lease_owner, claimed=now)


def release_lease(tx: Transaction, intent_id: str) -> None:
    """signing → prepared, when the authority refused the activation and so has not signed."""
    _move(tx, intent_id, IntentState.SIGNING, IntentState.PREPARED, claimant=None, claimed=None)


def save_cms(tx: Transaction, intent_id: str, cms: bytes, together: JointActivation | None = None) -> None:
    """signing → signed: what the authority returned is on disk; and whether it was activated *together* with
    others."""
    kept = None if together is None else canonical.encode(asdict(together)).decode()
    _move(tx, intent_id, IntentState.SIGNING, IntentState.SIGNED, cms=cms, together=kept)


def save_stamped(
    tx: Transaction, intent_id: str, *, cms: bytes, at: datetime, outside: OutsideStamp | None = None
) -> None:
    """signed → stamped: the same signature, with a timestamp inside (*at*); *outside*: of the second."""
    _move(tx, intent_id, IntentState.SIGNED, IntentState.STAMPED, cms=cms, stamped=at, outside=outside)


def outside_since(tx: Transaction, since: datetime) -> dict[OutsideStamp, int]:
    """How many signatures that were dated after *since* came to which end with the authority outside."""
    rows = tx.execute(
        "SELECT outside, count(*) FROM intents WHERE outside IS NOT NULL AND stamped >= ? GROUP BY outside",
        (since,),
    )
    return {OutsideStamp(word): int(count) for word, count in rows}


def complete(tx: Transaction, intent_id: str) -> None:
    """stamped → completed. The suffix goes: the revision has it now."""
    _move(tx, intent_id, IntentState.STAMPED, IntentState.COMPLETED, suffix=None)


def _move(tx: Transaction, intent_id: str, before: IntentState, after: IntentState, **row: object) -> None:
    if not tx.update("intents", {"state": after, **row}, id=intent_id, state=before):
        raise StateRefused(
            "The prepared signature {intent} is no longer open; prepare it again.", intent=intent_id
        )


def abandon(tx: Transaction, intent_id: str, reason: str) -> bool:
    """Any open state → abandoned. False when it was closed already."""
    return _abandon(tx, "id = ? AND state IN ('prepared', 'signing', 'signed', 'stamped')", intent_id, reason) > 0


def abandon_if_prepared(tx: Transaction, intent_id: str, reason: str) -> bool:
    """prepared → abandoned. False when the authority has been asked already, or it is closed."""
    return _abandon(tx, "id = ? AND state = 'prepared'", intent_id, reason) > 0


def abandon_prepared(tx: Transaction, contract_id: str, reason: str) -> int:
    """Every intent of the contract for which the authority has not been asked → abandoned; how many."""
    return _abandon(tx, "contract = ? AND state = 'prepared'", contract_id, reason)


def abandon_of_party(tx: Transaction, party_id: str, reason: str) -> int:
    """The party's own prepared intents → abandoned, before it prepares another; how many."""
    return _abandon(tx, "party = ? AND state = 'prepared'", party_id, reason)


def abandon_expired(tx: Transaction, now: datetime, reason: str) -> int:
    """Every prepared intent whose time is over → abandoned; how many."""
    return _abandon(tx, "state = 'prepared' AND expires <= ?", now, reason)


def _abandon(tx: Transaction, condition: str, value: object, reason: str) -> int:
    statement = f"UPDATE intents SET state = 'abandoned', suffix = NULL, reason = ? WHERE {condition}"  # noqa: S608  # literals of this module
    return tx.change(statement, (reason, value))


def load_intent(tx: Transaction, intent_id: str, *, contract: str | None = None) -> IntentRecord:
    """The intent with this id, of *contract* where one is given. Raises :class:`NotFound`."""
    missing = NotFound("There is no prepared signature {intent}.", intent=intent_id)
    return _INTENTS.one(
        tx, "WHERE id = ?1 AND (?2 IS NULL OR contract = ?2)", (intent_id, contract), missing=missing
    )


def prepared_of(tx: Transaction, party_id: str) -> IntentRecord | None:
    """The party's intent that waits for an activation, if there is one."""
    return _INTENTS.first(
        tx, "WHERE party = ? AND state = 'prepared' ORDER BY created DESC, rowid DESC LIMIT 1", (party_id,)
    )


def save_origin(tx: Transaction, intent_id: str, origin: SigningOrigin) -> bool:
    """Where the intent is activated; False when it is no longer prepared."""
    return tx.update("intents", fields_of(origin, "address location"), id=intent_id, state=IntentState.PREPARED)


def save_seal_reason(tx: Transaction, intent_id: str, intent: SigningIntent) -> bool:
    """Puts *intent*, which says what the use of the seal is asked for, in the place of the one that did not; False
    when that is no longer prepared."""
    row = {"act": canonical.encode(intent.fields()), "nonce": intent.nonce, "seal_reason": intent.reason}
    return tx.update("intents", row, id=intent_id, state=IntentState.PREPARED)


def save_next_reason(tx: Transaction, intent_id: str, reason: str | None) -> bool:
    """What the signer asks for a seal for as soon as they have signed, None for nothing; False when the intent is
    no longer prepared."""
    return tx.update("intents", {"seal_reason": reason}, id=intent_id, state=IntentState.PREPARED)


def save_batch(tx: Transaction, batch: str, person: str, members: Sequence[str]) -> None:
    """What *person* is to activate in the *batch*: the intents with these ids, in this order."""
    for place, intent in enumerate(members):
        tx.insert("batch_members", {"batch": batch, "place": place, "person": person, "intent": intent})


def of_batch(tx: Transaction, batch: str, person: str) -> list[IntentRecord]:
    """The intents that *person* is to activate in the *batch*, in their order."""
    condition = (
        "JOIN batch_members AS m ON m.intent = intents.id WHERE m.batch = ? AND m.person = ? ORDER BY m.place"
    )
    return _INTENTS.all(tx, condition, (batch, person))


def is_in_batch(tx: Transaction, intent_id: str, person: str) -> bool:
    """Whether *person* was asked to activate the intent in a batch."""
    return tx.exists("SELECT 1 FROM batch_members WHERE intent = ? AND person = ? LIMIT 1", (intent_id, person))


def under_way(tx: Transaction) -> list[IntentRecord]:
    """Every intent at which the authority may have been asked and that is not closed, the oldest first."""
    return _INTENTS.all(tx, "WHERE state IN ('signing', 'signed', 'stamped') ORDER BY claimed, rowid")


def is_under_way(tx: Transaction, party_id: str) -> bool:
    """Whether the authority has been asked for the party's signature, and it is not closed."""
    return tx.exists(
        "SELECT 1 FROM intents WHERE party = ? AND state IN ('signing', 'signed', 'stamped') LIMIT 1", (party_id,)
    )


def of_contract(tx: Transaction, contract_id: str) -> list[IntentRecord]:
    """Every attempt at signing the contract, in the order in which they were prepared."""
    return _INTENTS.all(tx, "WHERE contract = ? ORDER BY created, base, rowid", (contract_id,))


@lru_cache(maxsize=256)
def decode_intent(encoded: bytes) -> SigningIntent:
    """The act of its canonical bytes, as stored; one step reads the same ones nine times."""
    return signing_intent_from_wire(json.loads(encoded))


_INTENTS = Query(
    IntentRecord,
    _INTENT,
    intent=decode_intent,
    contents=columns(lambda offset, length: (offset, length), "contents_offset", "contents_length"),
    origin=columns(SigningOrigin, "address", "location"),
    together=lambda told: JointActivation(**json.loads(told)),
)


PREPARED, COMPLETED = "prepared", "completed"


def save_basis(tx: Transaction, intent: str, stage: str, record: bytes) -> None:
    """Stores the authorisation basis (canonical JSON) as found at *stage* of *intent*."""
    tx.insert("signing_grounds", {"intent": intent, "stage": stage, "record": record})


def bases_of(tx: Transaction, contract_id: str) -> dict[str, bytes]:
    """By party, the authorisation basis at completion, where one was stored."""
    rows = tx.execute(
        "SELECT intents.party, record FROM signing_grounds JOIN intents ON intents.id = intent"
        " WHERE contract = ? AND intents.state = 'completed' AND stage = 'completed'",
        (contract_id,),
    )
    return {party: bytes(record) for party, record in rows}


_AGREEMENT = (
    "SELECT a.id, a.person, a.version, a.side, a.record, a.act AS intent, a.proposed, a.accepted, a.cms, a.entry,"
    " (SELECT json_group_array(side) FROM agreement_others WHERE agreement = a.id) AS others FROM agreements AS a"
)
_AGREEMENTS = Query(AgreementRecord, _AGREEMENT, intent=decode_intent)

AGREEMENT_GONE = "This agreement can no longer be accepted here; ask for it again."


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
        raise StateRefused(AGREEMENT_GONE)


def load_agreement(tx: Transaction, agreement_id: str) -> AgreementRecord:
    """The proposal or acceptance with this id. Raises :class:`NotFound`."""
    return _agreement(tx, "id = ?", agreement_id)


def agreement_at_entry(tx: Transaction, entry: int) -> AgreementRecord:
    """The acceptance that the log's *entry* tells. Raises :class:`NotFound`."""
    return _agreement(tx, "entry = ?", entry)


def _agreement(tx: Transaction, condition: str, value: object) -> AgreementRecord:
    missing = NotFound("There is no agreement {agreement}.", agreement=value)
    return _AGREEMENTS.one(tx, f"WHERE {condition}", (value,), missing=missing)


def agreements_of_side(tx: Transaction, side: str, version: str, *, limit: int = 1000) -> list[AgreementRecord]:
    """What was accepted for *side* (a key) in this version, oldest first, at most *limit*."""
    return _AGREEMENTS.all(
        tx,
        "WHERE side = ? AND version = ? AND accepted IS NOT NULL ORDER BY entry LIMIT ?",
        (side, version, limit),
    )


def acceptances_naming(tx: Transaction, side: str, other: str | None, version: str) -> list[AgreementRecord]:
    """The acceptances for *side* in this version that name *other* (keys), oldest first; all for None."""
    naming = "" if other is None else " JOIN agreement_others AS o ON o.agreement = a.id AND o.side = ?"
    return _AGREEMENTS.all(
        tx,
        f"{naming} WHERE a.side = ? AND a.version = ? AND a.accepted IS NOT NULL ORDER BY a.entry",
        (*([] if other is None else [other]), side, version),
    )


def agreement_accepted_by(tx: Transaction, person: str, version: str) -> AgreementRecord | None:
    """The first acceptance of this version by this person, or None."""
    return _AGREEMENTS.first(
        tx, "WHERE person = ? AND version = ? AND accepted IS NOT NULL ORDER BY entry LIMIT 1", (person, version)
    )


def keep_agreement_text(tx: Transaction, version: str, words: Mapping[Language, str]) -> None:
    """Keeps the text that people are asked to accept; nothing new for a version that is kept already."""
    tx.executemany(
        "INSERT INTO agreement_texts (version, language, words) VALUES (?, ?, ?)"
        " ON CONFLICT (version, language) DO NOTHING",
        [(version, language, text) for language, text in words.items()],
    )


def agreement_text_of(tx: Transaction, version: str) -> dict[Language, str]:
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

_DECLARATIONS = Query(VoidDeclaration, intent=decode_intent)


def insert_voiding(tx: Transaction, contract_id: str, proposal: OpenVoiding) -> None:
    """A new proposal. Raises :class:`StateRefused` when one is open."""
    row = fields_of(proposal, "id reason at") | {"contract": contract_id, "proposer": proposal.by, "state": "open"}
    with refusing(StateRefused("Somebody has proposed to void this contract already.")):
        tx.insert("voidings", row)


def refuse_voiding(tx: Transaction, voiding: str, *, by: str, reason: str, at: datetime) -> None:
    _end_voiding(tx, voiding, state="refused", ended=at, refuser=by, answer=reason)


def finish_voiding(tx: Transaction, voiding: str, *, at: datetime) -> None:
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


def save_declaration_signature(
    tx: Transaction, declaration: VoidDeclaration, *, at: datetime, cms: bytes, entry: int
) -> None:
    """The declaration is signed. Raises :class:`StateRefused` when this person's was before."""
    row = {"signed": at, "cms": cms, "entry": entry}
    with refusing(StateRefused("This declaration has been signed already.")):
        signed = tx.update("void_declarations", row, id=declaration.id, signed=None)
    _require_open(signed)


def declaration(tx: Transaction, contract_id: str, declaration_id: str) -> VoidDeclaration:
    """The declaration with this id about this contract. Raises :class:`NotFound`."""
    missing = NotFound("There is no declaration {declaration}.", declaration=declaration_id)
    return _DECLARATIONS.one(
        tx,
        f"SELECT {_DECLARATION} WHERE void_declarations.id = ? AND voidings.contract = ?",
        (declaration_id, contract_id),
        missing=missing,
    )


def declarations(tx: Transaction, contract_id: str) -> tuple[VoidDeclaration, ...]:
    """The signed declarations of the proposals that are open or done, in the order of signing."""
    return tuple(
        _DECLARATIONS.all(
            tx,
            f"SELECT {_DECLARATION} WHERE voidings.contract = ? AND voidings.state <> 'refused'"
            " AND signed IS NOT NULL ORDER BY entry",
            (contract_id,),
        )
    )


def forget_expired_declarations(tx: Transaction, now: datetime) -> None:
    """Unsigned declarations whose time is over go."""
    tx.execute("DELETE FROM void_declarations WHERE signed IS NULL AND expires <= ?", (now,))


def _require_open(changed: bool) -> None:
    if not changed:
        raise StateRefused("The proposal to void this contract has ended in the meantime; look at it again.")
