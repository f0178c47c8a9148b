"""The log's entries of which events are made, in the order of the log, and what decides who may read an event."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass

from appliance.acting_client import ClientReach
from appliance.errors import NotFound
from appliance.model.contract import ContractState
from appliance.store.database import Transaction
from hsm.rows import Query


@dataclass(frozen=True, slots=True)
class EventSource:
    """One log entry; ``contract`` is the one that it is about, None for an entry about something else."""

    entry: int
    contract: str | None
    leaf: bytes


@dataclass(frozen=True, slots=True)
class EventOwner:
    """Whose contract it is: its type (``kind``), its ``state`` now, the organisation of who initiates it, and the
    ``first`` leaf of its history."""

    kind: str
    state: ContractState
    organisation: str
    first: bytes


_OF_CONTRACTS = Query(
    EventSource,
    "SELECT e.entry, e.contract, l.leaf FROM contract_events AS e INDEXED BY contract_events_of_organisation"
    " JOIN ledger AS l ON l.number = e.entry",
)
_OF_DEPOSITS = Query(
    EventSource,
    "SELECT e.entry, NULL AS contract, l.leaf FROM deposits AS e INDEXED BY deposits_of_organisation"
    " JOIN ledger AS l ON l.number = e.entry",
)
_OF_CAPTURES = Query(
    EventSource,
    "SELECT e.entry, NULL AS contract, l.leaf FROM capture_events AS e JOIN ledger AS l ON l.number = e.entry"
    " JOIN captures AS c ON c.id = e.capture JOIN people AS p ON p.subject = c.owner",
)
_OWNERS = Query(
    EventOwner,
    "SELECT c.kind, c.state, p.organisation,"
    " (SELECT l.leaf FROM contract_events AS e JOIN ledger AS l ON l.number = e.entry"
    " WHERE e.contract = c.id ORDER BY e.entry LIMIT 1) AS first"
    " FROM contracts AS c JOIN people AS p ON p.subject = c.initiator",
)


def sources_after(tx: Transaction, reach: ClientReach, cursor: int, last: int, *, limit: int) -> list[EventSource]:
    """The entries after the number *cursor* up to *last*, in order, of the contracts of the organisations of
    *reach*, of their deposits, and of what the client had captured in the names of their people, where it may read
    these: for each a walk along an index of its own, however many others have."""
    of_one = "WHERE e.organisation = ? AND e.entry > ? AND e.entry <= ? ORDER BY e.entry LIMIT ?"
    walks = (_OF_CONTRACTS, _OF_DEPOSITS) if reach.deposits else (_OF_CONTRACTS,)
    found = [
        walk.all(tx, of_one, (each, cursor, last, limit)) for walk in walks for each in sorted(reach.organisations)
    ]
    if reach.captures:
        of_it = (
            "WHERE e.client = ? AND e.entry > ? AND e.entry <= ?"
            " AND p.organisation IN (SELECT value FROM json_each(?)) ORDER BY e.entry LIMIT ?"
        )
        organisations = json.dumps(sorted(reach.organisations))
        found.append(_OF_CAPTURES.all(tx, of_it, (reach.client, cursor, last, organisations, limit)))
    return sorted(itertools.chain(*found), key=lambda source: source.entry)[:limit]


def newest_entry(tx: Transaction) -> int:
    """The number of the newest entry that events are made of; -1 before the first."""
    tables = ("contract_events", "capture_events", "deposits")
    return max(tx.count(f"SELECT coalesce(max(entry), -1) FROM {each}") for each in tables)  # noqa: S608 -- literals


def count_after(tx: Transaction, cursor: int, *, most: int) -> int:
    """How many of these entries follow the number *cursor*, counted up to *most*."""
    query = (
        "SELECT count(*) FROM (SELECT 1 FROM contract_events WHERE entry > ?1"
        " UNION ALL SELECT 1 FROM capture_events WHERE entry > ?1"
        " UNION ALL SELECT 1 FROM deposits WHERE entry > ?1 LIMIT ?2)"
    )
    return tx.count(query, (cursor, most))


def owner_of(tx: Transaction, contract_id: str) -> EventOwner:
    """Raises :class:`NotFound`."""
    missing = NotFound("There is no contract {contract}.", contract=contract_id)
    return _OWNERS.one(tx, "WHERE c.id = ?", (contract_id,), missing=missing)
