"""Contracts, parties and revisions in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from appliance.errors import NotFound, StateRefused
from appliance.model.contract import (
    Contract,
    ContractState,
    Deadline,
    Party,
    PartyKind,
    PartyState,
    Placement,
    Revision,
    RevisionKind,
    SigningOrder,
)
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored


def insert(tx: Transaction, contract: Contract) -> None:
    """A new contract with its first revision; parties follow by :func:`insert_party`."""
    tx.execute(
        "INSERT INTO contracts (id, title, kind, purpose, initiator, signing_order, deadline, zone, state,"
        " created, pages, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            contract.id,
            contract.title,
            contract.kind,
            contract.purpose,
            contract.initiator,
            contract.order,
            stored(contract.deadline.at),
            contract.deadline.zone,
            contract.state,
            stored(contract.created),
            contract.pages,
            contract.current.number,
        ),
    )
    for revision in contract.revisions:
        _insert_revision(tx, contract.id, revision)


def insert_party(tx: Transaction, contract_id: str, party: Party) -> None:
    """One more party of a draft."""
    place = party.placement
    tx.execute(
        "INSERT INTO parties (id, contract, position, kind, subject, name, organisation, requester, field, page,"
        " x, y, width, height, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            party.id,
            contract_id,
            party.position,
            party.kind,
            party.subject,
            party.name,
            party.organisation,
            party.requester,
            party.field,
            place.page,
            place.x,
            place.y,
            place.width,
            place.height,
            party.state,
        ),
    )


def add_revision(tx: Transaction, contract: Contract, revision: Revision, *, state: ContractState) -> None:
    """Append *revision* and move to *state*; *contract* is the contract as it was read.

    Raises :class:`StateRefused` when it has another current revision or another state by now.
    """
    moved = tx.execute(
        "UPDATE contracts SET revision = ?, state = ? WHERE id = ? AND revision = ? AND state = ?",
        (revision.number, state, contract.id, contract.current.number, contract.state),
    )
    _require_one(moved.rowcount, contract)
    _insert_revision(tx, contract.id, revision)


def move(tx: Transaction, contract: Contract, state: ContractState) -> None:
    """Change the state alone, on the same condition as :func:`add_revision`."""
    moved = tx.execute(
        "UPDATE contracts SET state = ? WHERE id = ? AND revision = ? AND state = ?",
        (state, contract.id, contract.current.number, contract.state),
    )
    _require_one(moved.rowcount, contract)


def mark_signed(tx: Transaction, contract: Contract, party: Party, at: datetime) -> None:
    """The party has signed. Raises :class:`StateRefused` unless it was waiting."""
    marked = tx.execute(
        "UPDATE parties SET state = 'signed', signed_at = ? WHERE id = ? AND contract = ? AND state = 'waiting'",
        (stored(at), party.id, contract.id),
    )
    _require_one(marked.rowcount, contract)


def mark_declined(tx: Transaction, contract: Contract, party: Party, reason: str) -> None:
    """The party will not sign. Raises :class:`StateRefused` unless it was waiting."""
    marked = tx.execute(
        "UPDATE parties SET state = 'declined', reason = ? WHERE id = ? AND contract = ? AND state = 'waiting'",
        (reason, party.id, contract.id),
    )
    _require_one(marked.rowcount, contract)


def load(tx: Transaction, contract_id: str) -> Contract:
    """The contract as it stands in this transaction. Raises :class:`NotFound`."""
    row = tx.execute(
        "SELECT id, title, kind, purpose, initiator, signing_order, deadline, zone, state, created, pages"
        " FROM contracts WHERE id = ?",
        (contract_id,),
    ).fetchone()
    if row is None:
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    return Contract(
        id=row[0],
        title=row[1],
        kind=row[2],
        purpose=row[3],
        initiator=row[4],
        order=SigningOrder(row[5]),
        deadline=Deadline(loaded(row[6]), row[7]),
        state=ContractState(row[8]),
        created=loaded(row[9]),
        pages=row[10],
        parties=_parties(tx, contract_id),
        revisions=_revisions(tx, contract_id),
    )


def overdue(tx: Transaction, now: datetime, *, limit: int = 100) -> list[str]:
    """Ids of sent contracts whose deadline has come, the oldest first."""
    rows = tx.execute(
        "SELECT id FROM contracts WHERE state = 'sent' AND deadline <= ? ORDER BY deadline LIMIT ?",
        (stored(now), limit),
    )
    return [row[0] for row in rows]


def to_seal_off(tx: Transaction) -> list[str]:
    """Ids of contracts that everybody has signed and that are not sealed off."""
    return [row[0] for row in tx.execute("SELECT id FROM contracts WHERE state = 'signed' ORDER BY id")]


def _insert_revision(tx: Transaction, contract_id: str, revision: Revision) -> None:
    tx.execute(
        "INSERT INTO revisions (contract, number, kind, digest, size, at, party) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            contract_id,
            revision.number,
            revision.kind,
            revision.digest,
            revision.size,
            stored(revision.at),
            revision.party,
        ),
    )


def _parties(tx: Transaction, contract_id: str) -> tuple[Party, ...]:
    rows = tx.execute(
        "SELECT id, position, kind, subject, name, organisation, requester, field, page, x, y, width, height,"
        " state, signed_at, reason FROM parties WHERE contract = ? ORDER BY position",
        (contract_id,),
    )
    return tuple(_party(row) for row in rows)


def _party(row: tuple[Any, ...]) -> Party:
    return Party(
        id=row[0],
        position=row[1],
        kind=PartyKind(row[2]),
        subject=row[3],
        name=row[4],
        organisation=row[5],
        requester=row[6],
        field=row[7],
        placement=Placement(*row[8:13]),
        state=PartyState(row[13]),
        signed_at=loaded(row[14]),
        reason=row[15],
    )


def _revisions(tx: Transaction, contract_id: str) -> tuple[Revision, ...]:
    rows = tx.execute(
        "SELECT number, kind, digest, size, at, party FROM revisions WHERE contract = ? ORDER BY number",
        (contract_id,),
    )
    return tuple(Revision(row[0], RevisionKind(row[1]), row[2], row[3], loaded(row[4]), row[5]) for row in rows)


def _require_one(count: int, contract: Contract) -> None:
    if count != 1:
        raise StateRefused(
            "Contract “{title}” has changed in the meantime; look at it again, then decide.", title=contract.title
        )
