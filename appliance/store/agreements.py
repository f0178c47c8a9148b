"""Proposals and acceptances of the agreement on electronic signing, in the database, with the texts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.acceptance import AgreementRecord
from appliance.store.database import Transaction
from appliance.store.intents import act_from
from appliance.store.moments import loaded, stored
from hsm import canonical

COLUMNS = "id, person, version, side, record, act, proposed, accepted, cms, entry"

GONE = "This agreement can no longer be accepted here; ask for it again."


def insert(tx: Transaction, agreement: AgreementRecord) -> None:
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
            stored(agreement.proposed),
            stored(agreement.intent.expires),
        ),
    )
    tx.executemany(
        "INSERT INTO agreement_others (agreement, side) VALUES (?, ?)",
        [(agreement.id, other) for other in sorted(agreement.others)],
    )


def accept(tx: Transaction, agreement: AgreementRecord, *, at: datetime, cms: bytes, entry: int) -> None:
    """The proposal is accepted. Raises :class:`StateRefused` when it was before."""
    accepted = tx.execute(
        "UPDATE agreements SET accepted = ?, cms = ?, entry = ? WHERE id = ? AND accepted IS NULL",
        (stored(at), cms, entry, agreement.id),
    )
    if accepted.rowcount != 1:
        raise StateRefused(GONE)


def load(tx: Transaction, agreement_id: str) -> AgreementRecord:
    """The proposal or acceptance with this id. Raises :class:`NotFound`."""
    row = tx.execute(f"SELECT {COLUMNS} FROM agreements WHERE id = ?", (agreement_id,)).fetchone()  # noqa: S608 -- literal columns
    if row is None:
        raise NotFound("There is no agreement {agreement}.", agreement=agreement_id)
    return _record(tx, row)


def of_side(tx: Transaction, side: str, version: str, *, limit: int = 1000) -> list[AgreementRecord]:
    """What was accepted for *side* (a key) in this version, oldest first, at most *limit*."""
    rows = tx.execute(
        f"SELECT {COLUMNS} FROM agreements WHERE side = ? AND version = ? AND accepted IS NOT NULL"  # noqa: S608 -- literal columns
        " ORDER BY entry LIMIT ?",
        (side, version, limit),
    ).fetchall()
    return [_record(tx, row) for row in rows]


def naming(tx: Transaction, side: str, other: str, version: str) -> AgreementRecord | None:
    """The first acceptance for *side* that names *other* (keys) in this version, or None."""
    columns = ", ".join(f"a.{name}" for name in COLUMNS.split(", "))
    row = tx.execute(
        f"SELECT {columns} FROM agreements AS a JOIN agreement_others AS o ON o.agreement = a.id"  # noqa: S608 -- literal columns
        " WHERE a.side = ? AND a.version = ? AND a.accepted IS NOT NULL AND o.side = ? ORDER BY a.entry LIMIT 1",
        (side, version, other),
    ).fetchone()
    return None if row is None else _record(tx, row)


def at_entry(tx: Transaction, entry: int) -> AgreementRecord:
    """The acceptance that the log's *entry* tells. Raises :class:`NotFound`."""
    row = tx.execute(f"SELECT {COLUMNS} FROM agreements WHERE entry = ?", (entry,)).fetchone()  # noqa: S608 -- literal columns
    if row is None:
        raise NotFound("There is no agreement {agreement}.", agreement=entry)
    return _record(tx, row)


def accepted_by(tx: Transaction, person: str, version: str) -> AgreementRecord | None:
    """The first acceptance of this version by this person, or None."""
    row = tx.execute(
        f"SELECT {COLUMNS} FROM agreements WHERE person = ? AND version = ? AND accepted IS NOT NULL"  # noqa: S608 -- literal columns
        " ORDER BY entry LIMIT 1",
        (person, version),
    ).fetchone()
    return None if row is None else _record(tx, row)


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


def forget_expired(tx: Transaction, now: datetime) -> int:
    """Remove proposals that can no longer be accepted; how many."""
    gone = tx.execute("DELETE FROM agreements WHERE accepted IS NULL AND expires <= ?", (stored(now),))
    return int(gone.rowcount)


def _record(tx: Transaction, row: tuple[Any, ...]) -> AgreementRecord:
    others = tx.execute("SELECT side FROM agreement_others WHERE agreement = ?", (row[0],))
    return AgreementRecord(
        id=row[0],
        person=row[1],
        version=row[2],
        side=row[3],
        others=frozenset(other[0] for other in others),
        record=row[4],
        intent=act_from(row[5]),
        proposed=loaded(row[6]),
        accepted=loaded(row[7]),
        cms=row[8],
        entry=row[9],
    )
