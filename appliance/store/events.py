"""The log's entries about contracts in the order of the log, and what decides who may read an event."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass

from appliance.errors import NotFound
from appliance.model.contract import ContractState
from appliance.store.database import Transaction
from hsm.rows import Query


@dataclass(frozen=True, slots=True)
class EventSource:
    """One log entry of a contract."""

    entry: int
    contract: str
    leaf: bytes


@dataclass(frozen=True, slots=True)
class EventOwner:
    """Whose contract it is: its type (``kind``), its ``state`` now, the organisation of who initiates it, and the
    ``first`` leaf of its history."""

    kind: str
    state: ContractState
    organisation: str
    first: bytes


_SOURCES = Query(
    EventSource,
    "SELECT e.entry, e.contract, l.leaf FROM contract_events AS e INDEXED BY contract_events_of_organisation"
    " JOIN ledger AS l ON l.number = e.entry",
)
_OWNERS = Query(
    EventOwner,
    "SELECT c.kind, c.state, p.organisation,"
    " (SELECT l.leaf FROM contract_events AS e JOIN ledger AS l ON l.number = e.entry"
    " WHERE e.contract = c.id ORDER BY e.entry LIMIT 1) AS first"
    " FROM contracts AS c JOIN people AS p ON p.subject = c.initiator",
)


def sources_after(
    tx: Transaction, organisations: Collection[str], cursor: int, last: int, *, limit: int
) -> list[EventSource]:
    """The entries after the number *cursor* up to *last*, in order, of the contracts of these *organisations*:
    for each a walk along an index of its own, however many others have."""
    of_one = "WHERE e.organisation = ? AND e.entry > ? AND e.entry <= ? ORDER BY e.entry LIMIT ?"
    found = [_SOURCES.all(tx, of_one, (each, cursor, last, limit)) for each in organisations]
    return sorted(itertools.chain(*found), key=lambda source: source.entry)[:limit]


def newest_entry(tx: Transaction) -> int:
    """The number of the contracts' newest entry; -1 before the first."""
    return tx.count("SELECT coalesce(max(entry), -1) FROM contract_events")


def count_after(tx: Transaction, cursor: int, *, most: int) -> int:
    """How many of the contracts' entries follow the number *cursor*, counted up to *most*."""
    query = "SELECT count(*) FROM (SELECT 1 FROM contract_events WHERE entry > ? LIMIT ?)"
    return tx.count(query, (cursor, most))


def owner_of(tx: Transaction, contract_id: str) -> EventOwner:
    """Raises :class:`NotFound`."""
    missing = NotFound("There is no contract {contract}.", contract=contract_id)
    return _OWNERS.one(tx, "WHERE c.id = ?", (contract_id,), missing=missing)
