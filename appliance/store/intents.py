"""Signing intents, and the basis of authorisation of each stage (canonical JSON). Every step is a conditional
update whose row count is checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.model.intent import IntentRecord, IntentState, OutsideStamp, SigningOrigin
from appliance.store.database import Transaction
from hsm import canonical
from hsm.intents import SigningIntent
from hsm.rows import RowMapper, columns, fields_of

_INTENT = (
    "SELECT id, act AS intent, base, coalesce(suffix, x'') AS suffix, contents_offset, contents_length, state,"
    " created, address, location, claimant AS lease_owner, claimed, cms, stamped, reason, outside FROM intents"
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
    try:
        _move(tx, intent_id, IntentState.PREPARED, IntentState.SIGNING, claimant=lease_owner, claimed=now)
    except pysqlite3.IntegrityError as error:
        raise StateRefused(
            "Another signature on this contract is being made just now; wait a moment, then prepare again."
        ) from error


def release_lease(tx: Transaction, intent_id: str) -> None:
    """signing → prepared, when the authority refused the activation and so has not signed."""
    _move(tx, intent_id, IntentState.SIGNING, IntentState.PREPARED, claimant=None, claimed=None)


def save_cms(tx: Transaction, intent_id: str, cms: bytes) -> None:
    """signing → signed: what the authority returned is on disk."""
    _move(tx, intent_id, IntentState.SIGNING, IntentState.SIGNED, cms=cms)


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
    found = _select(tx, "id = ?", (intent_id,))
    if not found or contract not in (None, found[0].intent.contract):
        raise NotFound("There is no prepared signature {intent}.", intent=intent_id)
    return found[0]


def prepared_of(tx: Transaction, party_id: str) -> IntentRecord | None:
    """The party's intent that waits for an activation, if there is one."""
    found = _select(tx, "party = ? AND state = 'prepared' ORDER BY created DESC LIMIT 1", (party_id,))
    return found[0] if found else None


def save_origin(tx: Transaction, intent_id: str, origin: SigningOrigin) -> bool:
    """Where the intent is activated; False when it is no longer prepared."""
    return tx.update("intents", fields_of(origin, "address location"), id=intent_id, state=IntentState.PREPARED)


def under_way(tx: Transaction) -> list[IntentRecord]:
    """Every intent at which the authority may have been asked and that is not closed, the oldest first."""
    return _select(tx, "state IN ('signing', 'signed', 'stamped') ORDER BY claimed, id", ())


def is_under_way(tx: Transaction, party_id: str) -> bool:
    """Whether the authority has been asked for the party's signature, and it is not closed."""
    return tx.exists(
        "SELECT 1 FROM intents WHERE party = ? AND state IN ('signing', 'signed', 'stamped') LIMIT 1", (party_id,)
    )


def of_contract(tx: Transaction, contract_id: str) -> list[IntentRecord]:
    """Every attempt at signing the contract, in the order in which they were prepared."""
    return _select(tx, "contract = ? ORDER BY created, base, id", (contract_id,))


def _select(tx: Transaction, condition: str, values: Sequence[object]) -> list[IntentRecord]:
    return _INTENTS.all(tx.execute(f"{_INTENT} WHERE {condition}", values))


def decode_intent(encoded: bytes) -> SigningIntent:
    """The act of its canonical bytes, as stored."""
    fields = json.loads(encoded)
    return SigningIntent(
        contract=fields["contract"],
        party=fields["party"],
        field=fields["field"],
        signer=fields["signer"],
        digest=bytes.fromhex(fields["digest"]),
        expires=datetime.fromisoformat(fields["expires"]),
        nonce=bytes.fromhex(fields["nonce"]),
        custodians=fields.get("custodians", 1),
    )


_INTENTS = RowMapper(
    IntentRecord,
    intent=decode_intent,
    contents=columns(lambda offset, length: (offset, length), "contents_offset", "contents_length"),
    origin=columns(SigningOrigin, "address", "location"),
)


PREPARED, COMPLETED = "prepared", "completed"


def save_basis(tx: Transaction, intent: str, stage: str, record: bytes) -> None:
    """The grounds (canonical JSON) as found at *stage* of *intent*."""
    tx.insert("signing_grounds", {"intent": intent, "stage": stage, "record": record})


def bases_of(tx: Transaction, contract_id: str) -> dict[str, bytes]:
    """For each party that has signed and whose grounds were kept: those at completion."""
    rows = tx.execute(
        "SELECT intents.party, record FROM signing_grounds JOIN intents ON intents.id = intent"
        " WHERE contract = ? AND intents.state = 'completed' AND stage = 'completed'",
        (contract_id,),
    )
    return {party: bytes(record) for party, record in rows}
