"""Contracts, parties and revisions in the database. Every function runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.contract import (
    Contract,
    ContractRevision,
    ContractState,
    Deadline,
    OpenVoiding,
    RevisionKind,
    SigningOrder,
)
from appliance.model.money import Money
from appliance.store import handovers, parties
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored


def insert(tx: Transaction, contract: Contract) -> None:
    """A new contract with its first revision; parties follow by ``parties.insert``."""
    tx.execute(
        "INSERT INTO contracts (id, title, kind, purpose, initiator, signing_order, deadline, zone, state,"
        " created, pages, revision, touched, amount, currency, language)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            stored(contract.created),
            *_amount(contract),
            contract.language,
        ),
    )
    for revision in contract.revisions:
        _insert_revision(tx, contract.id, revision)


def add_revision(tx: Transaction, contract: Contract, revision: ContractRevision, *, state: ContractState) -> None:
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


def load(tx: Transaction, contract_id: str) -> Contract:
    """The contract as it stands in this transaction. Raises :class:`NotFound`."""
    row = tx.execute(
        "SELECT id, title, kind, purpose, initiator, signing_order, deadline, zone, state, created, pages,"
        " version, amount, currency, (SELECT d.ended FROM disposals AS d"
        " WHERE d.contract = contracts.id AND d.state = 'done'), language FROM contracts WHERE id = ?",
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
        parties=parties.of_contract(tx, contract_id),
        revisions=_revisions(tx, contract_id),
        version=row[11],
        former=handovers.givers(tx, contract_id),
        voiding=_voiding(tx, contract_id),
        amount=None if row[12] is None else Money(row[12], row[13]),
        disposed=loaded(row[14]),
        language=Language(row[15]),
    )


def current_revision(tx: Transaction, contract_id: str) -> int:
    """The number of the contract's newest revision. Raises :class:`NotFound`."""
    row = tx.execute("SELECT revision FROM contracts WHERE id = ?", (contract_id,)).fetchone()
    if row is None:
        raise NotFound("There is no contract {contract}.", contract=contract_id)
    return int(row[0])


def set_initiator(tx: Transaction, contract: Contract, subject: str) -> None:
    """*subject* is the initiator from now on. Raises :class:`StateRefused` when somebody else became it first."""
    changed = tx.execute(
        "UPDATE contracts SET initiator = ? WHERE id = ? AND initiator = ?",
        (subject, contract.id, contract.initiator),
    )
    if changed.rowcount != 1:
        raise StateRefused("Somebody else has taken over “{title}”.", title=contract.title)


def revise(tx: Transaction, contract: Contract) -> None:
    """The words, amount, language, order and deadline of a draft become those of *contract*."""
    tx.execute(
        "UPDATE contracts SET title = ?, kind = ?, purpose = ?, signing_order = ?, deadline = ?, zone = ?,"
        " amount = ?, currency = ?, language = ? WHERE id = ? AND state = 'draft'",
        (
            contract.title,
            contract.kind,
            contract.purpose,
            contract.order,
            stored(contract.deadline.at),
            contract.deadline.zone,
            *_amount(contract),
            contract.language,
            contract.id,
        ),
    )


def replace_original(tx: Transaction, contract: Contract, original: ContractRevision, pages: int) -> None:
    """Another document takes the place of a draft's; the first one was never anybody's but the initiator's."""
    tx.execute("UPDATE contracts SET pages = ? WHERE id = ? AND state = 'draft'", (pages, contract.id))
    tx.execute(
        "UPDATE revisions SET digest = ?, size = ?, at = ? WHERE contract = ? AND number = 0",
        (original.digest, original.size, stored(original.at), contract.id),
    )


def postpone(tx: Transaction, contract: Contract, deadline: Deadline) -> None:
    """A later deadline for a contract that waits for signatures."""
    moved = tx.execute(
        "UPDATE contracts SET deadline = ?, zone = ? WHERE id = ? AND state = 'sent' AND deadline = ?",
        (stored(deadline.at), deadline.zone, contract.id, stored(contract.deadline.at)),
    )
    _require_one(moved.rowcount, contract)


def touch(tx: Transaction, contract_id: str, *, kind: str, actor: str, at: datetime) -> None:
    """The contract's next version: an event of *kind* by *actor* made it."""
    tx.execute("UPDATE contracts SET version = version + 1, touched = ? WHERE id = ?", (stored(at), contract_id))
    tx.execute(
        "INSERT INTO contract_changes (contract, version, kind, actor, at)"
        " SELECT id, version, ?, ?, ? FROM contracts WHERE id = ?",
        (kind, actor, stored(at), contract_id),
    )


def last_change(tx: Transaction, contract_id: str) -> tuple[str, str, datetime] | None:
    """The event that made the current version: its kind, who did it, when; None before the first change."""
    row = tx.execute(
        "SELECT kind, actor, at FROM contract_changes WHERE contract = ? ORDER BY version DESC LIMIT 1",
        (contract_id,),
    ).fetchone()
    return None if row is None else (row[0], row[1], loaded(row[2]))


def overdue(
    tx: Transaction,
    now: datetime,
    *,
    grace: Callable[[str], timedelta] = lambda _kind: timedelta(),
    limit: int = 100,
) -> list[str]:
    """Ids of sent contracts whose deadline has come, and the *grace* of their type is over, the oldest first."""
    rows = tx.execute(
        "SELECT id, kind, deadline FROM contracts WHERE state = 'sent' AND deadline <= ? ORDER BY deadline",
        (stored(now),),
    )
    over = (row[0] for row in rows if loaded(row[2]) + grace(row[1]) <= now)
    return list(islice(over, limit))


def to_finalise(tx: Transaction) -> list[str]:
    """Ids of contracts that everybody has signed and that are not sealed off."""
    return [row[0] for row in tx.execute("SELECT id FROM contracts WHERE state = 'signed' ORDER BY id")]


def _amount(contract: Contract) -> tuple[int | None, str | None]:
    return (None, None) if contract.amount is None else (contract.amount.minor, contract.amount.currency)


def _insert_revision(tx: Transaction, contract_id: str, revision: ContractRevision) -> None:
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


def _revisions(tx: Transaction, contract_id: str) -> tuple[ContractRevision, ...]:
    rows = tx.execute(
        "SELECT number, kind, digest, size, at, party FROM revisions WHERE contract = ? ORDER BY number",
        (contract_id,),
    )
    return tuple(
        ContractRevision(row[0], RevisionKind(row[1]), row[2], row[3], loaded(row[4]), row[5]) for row in rows
    )


def _voiding(tx: Transaction, contract_id: str) -> OpenVoiding | None:
    row = tx.execute(
        "SELECT id, proposer, reason, at FROM voidings WHERE contract = ? AND state = 'open'", (contract_id,)
    ).fetchone()
    if row is None:
        return None
    declared = tx.execute(
        "SELECT person FROM void_declarations WHERE voiding = ? AND signed IS NOT NULL ORDER BY signed, person",
        (row[0],),
    )
    return OpenVoiding(row[0], row[1], row[2], loaded(row[3]), tuple(person for (person,) in declared))


def _require_one(count: int, contract: Contract) -> None:
    if count != 1:
        raise StateRefused(
            "Contract “{title}” has changed in the meantime; look at it again, then decide.", title=contract.title
        )
