"""Proposals and acceptances of the agreement on electronic signing, in the database, with the texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.declarations import AgreementRecord
from appliance.store.database import Transaction
from appliance.store.intents import decode_intent
from hsm import canonical
from hsm.rows import RowMapper

_AGREEMENT = (
    "SELECT a.id, a.person, a.version, a.side, a.record, a.act AS intent, a.proposed, a.accepted, a.cms, a.entry,"
    " (SELECT json_group_array(side) FROM agreement_others WHERE agreement = a.id) AS others FROM agreements AS a"
)
_AGREEMENTS = RowMapper(AgreementRecord, intent=decode_intent)

GONE = "This agreement can no longer be accepted here; ask for it again."


def insert_agreement(tx: Transaction, agreement: AgreementRecord) -> None:
    """A proposal, before it is signed."""
    tx.execute(
        "INSERT INTO agreements (id, person, version, side, record, act, proposed, expires)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            agreement.id,
            agreement.person,
            agreement.version,
            agreement.side,
            agreement.record,
            canonical.encode(agreement.intent.fields()),
            agreement.proposed,
            agreement.intent.expires,
        ),
    )
    tx.executemany(
        "INSERT INTO agreement_others (agreement, side) VALUES (?, ?)",
        [(agreement.id, other) for other in sorted(agreement.others)],
    )


def accept_agreement(tx: Transaction, agreement: AgreementRecord, *, at: datetime, cms: bytes, entry: int) -> None:
    """The proposal is accepted. Raises :class:`StateRefused` when it was before."""
    if (
        tx.change(
            "UPDATE agreements SET accepted = ?, cms = ?, entry = ? WHERE id = ? AND accepted IS NULL",
            (at, cms, entry, agreement.id),
        )
        != 1
    ):
        raise StateRefused(GONE)


def load_agreement(tx: Transaction, agreement_id: str) -> AgreementRecord:
    """The proposal or acceptance with this id. Raises :class:`NotFound`."""
    found = _AGREEMENTS.first(tx.execute(f"{_AGREEMENT} WHERE id = ?", (agreement_id,)))
    if found is None:
        raise NotFound("There is no agreement {agreement}.", agreement=agreement_id)
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


def at_entry(tx: Transaction, entry: int) -> AgreementRecord:
    """The acceptance that the log's *entry* tells. Raises :class:`NotFound`."""
    found = _AGREEMENTS.first(tx.execute(f"{_AGREEMENT} WHERE entry = ?", (entry,)))
    if found is None:
        raise NotFound("There is no agreement {agreement}.", agreement=entry)
    return found


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
