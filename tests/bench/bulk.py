"""Contracts as rows of all tables that a page reads, written by a few statements for thousands at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from appliance.contracts import rules
from appliance.demonstration.participants import CUSTODIAN, ZHANG
from appliance.ledger.audit_trail import EventKind
from appliance.ledger.entry import LedgerEntry, leaf_of
from appliance.model.contract import Contract, ContractState, Party, PartyKind, PartyState, RevisionKind
from appliance.model.people import Person
from appliance.policy.numbering import number_key
from appliance.store import ledger, participation_index
from appliance.store.database import Database, Transaction
from appliance.store.participation_index import indexed
from hsm import canonical
from hsm.intents import instant
from hsm.names import name_key
from tests.bench.paperwork import write_paperwork

Row = tuple[object, ...]
TOKEN = bytes(range(256)) * 12
"""As large as a real timestamp of a deposit; nothing on a page reads it."""


def write(
    database: Database, contracts: Sequence[Contract], guests: Iterable[Person], *, logged: bool = True
) -> None:
    """*contracts* (of one batch, new) with everything around them, in one transaction; *guests* sign some."""
    with database.transaction() as tx:
        first = _next_number(tx)
        _write_guests(tx, guests)
        _write_contracts(tx, contracts, first)
        _write_lists(tx, contracts, first)
        if logged:
            _write_log(tx, contracts)
            _write_seal_requests(tx, contracts)
            write_paperwork(tx, contracts)
            _write_deposits(tx, contracts[::10])
            _write_sessions(tx, contracts[::50])


def write_for_programs(database: Database, contracts: Sequence[Contract], guests: Iterable[Person]) -> None:
    """What the API reads of *contracts*: their rows and their entries in the log, without private fields; no
    lists, no search, no papers. Several times as fast as :func:`write`."""
    with database.transaction() as tx:
        _write_guests(tx, guests)
        _write_contracts(tx, contracts, _next_number(tx))
        told = [(each, entry) for each in contracts for entry in _history(each)]
        first = ledger.append(tx, [_quick_leaf(entry, each) for each, entry in told])
        links = ((number, each.id) for number, (each, _) in enumerate(told, first))
        tx.executemany("INSERT INTO contract_events (entry, contract) VALUES (?, ?)", links)


def _quick_leaf(entry: LedgerEntry, contract: Contract) -> bytes:
    """The leaf of *entry* without its private fields."""
    form = _leaf_form(entry.kind)
    for name, value in (("at", instant(entry.at)), ("actor", contract.initiator), ("contract", contract.id)):
        form = form.replace(_BLANKS[name].encode(), value.encode())
    return form


_MOMENT = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
_BLANKS = {"at": instant(_MOMENT), "actor": "#actor#", "contract": "#contract#"}


@cache
def _leaf_form(kind: str) -> bytes:
    public = {"actor": _BLANKS["actor"], "contract": _BLANKS["contract"], "revision": 0}
    return leaf_of(LedgerEntry(kind, _MOMENT, public), {})


def _next_number(tx: Transaction) -> int:
    return 1 + tx.count("SELECT coalesce(max(number), 0) FROM contracts")


def _write_guests(tx: Transaction, guests: Iterable[Person]) -> None:
    tx.executemany(
        "INSERT INTO people (subject, name, organisation, email, language, zone, guest)"
        " VALUES (?, ?, ?, ?, ?, ?, 1)",
        [(one.subject, one.name, one.organisation, one.email, one.language, one.zone) for one in guests],
    )


def _write_contracts(tx: Transaction, contracts: Sequence[Contract], first: int) -> None:
    tx.executemany(
        "INSERT INTO contracts (number, id, title, kind, purpose, initiator, signing_order, deadline, zone, state,"
        " created, pages, revision, touched, contract_number, number_key, number_owner, department, amount,"
        " currency, sent, completed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                each.id,
                each.title,
                each.kind,
                each.purpose,
                each.initiator,
                each.order,
                instant(each.deadline.at),
                each.deadline.zone,
                each.state,
                instant(each.created),
                each.pages,
                each.current.number,
                instant(each.created),
                each.number,
                number_key(each.number) or None,
                name_key(ZHANG.organisation),
                each.department,
                each.amount and each.amount.minor,
                each.amount and each.amount.currency,
                _moment(each, RevisionKind.FIELDS),
                _moment(each, RevisionKind.ARCHIVE),
            )
            for number, each in enumerate(contracts, first)
        ],
    )
    tx.executemany(
        "INSERT INTO parties (id, contract, position, kind, subject, name, organisation, requester, field,"
        " page, x, y, width, height, state, signed_at, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_party(each.id, party) for each in contracts for party in each.parties],
    )
    tx.executemany(
        "INSERT INTO revisions (contract, number, kind, digest, size, at) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (each.id, revision.number, revision.kind, revision.digest, revision.size, instant(revision.at))
            for each in contracts
            for revision in each.revisions
        ],
    )


def _moment(contract: Contract, kind: RevisionKind) -> str:
    """When the contract got its revision of this *kind*, as it is stored."""
    return next((instant(each.at) for each in contract.revisions if each.kind is kind), "")


def _party(contract_id: str, party: Party) -> Row:
    place = party.places[0]
    return (
        *(party.id, contract_id, party.position, party.kind, party.subject, party.name, party.organisation),
        *(party.requester, party.field, place.page, place.x, place.y, place.width, place.height, party.state),
        *(None if party.signed_at is None else instant(party.signed_at), party.reason),
    )


def _write_lists(tx: Transaction, contracts: Sequence[Contract], first: int) -> None:
    """By the product's own rule; the bench compares some of it with what that rule says
    (:func:`tests.lists.find_wrong`)."""
    rows: list[Row] = []
    found: list[Row] = []
    short: list[Row] = []
    for number, each in enumerate(contracts, first):
        buckets, words = rules.buckets_of(each), rules.search_words_of(each)
        ends = each.kind, instant(each.created), instant(each.deadline.at)
        rows += [(person, number, bucket, *ends) for person, bucket in buckets.items()]
        found.append((number, *indexed(buckets, words)))
        short.append((number, participation_index.tokens(buckets, words)))
    tx.executemany(
        "INSERT INTO involvements (person, number, bucket, kind, touched, deadline) VALUES (?, ?, ?, ?, ?, ?)",
        rows,
    )
    tx.executemany("INSERT INTO contract_search (rowid, title, parties, people) VALUES (?, ?, ?, ?)", found)
    tx.executemany("INSERT INTO contract_grams (rowid, grams) VALUES (?, ?)", short)


def _write_log(tx: Transaction, contracts: Sequence[Contract]) -> None:
    leaves: list[bytes] = []
    openings: list[bytes] = []
    links: list[str] = []
    for each in contracts:
        for entry in _history(each):
            opening = {name: {"salt": "00" * 32, "value": value} for name, value in entry.private.items()}
            leaves.append(leaf_of(entry, opening))
            openings.append(canonical.encode(opening))
            links.append(each.id)
    first = ledger.append(tx, leaves)
    tx.executemany("INSERT INTO openings (entry, fields) VALUES (?, ?)", enumerate(openings, first))
    tx.executemany("INSERT INTO contract_events (entry, contract) VALUES (?, ?)", enumerate(links, first))


def _history(contract: Contract) -> Iterator[LedgerEntry]:
    def entry(kind: EventKind, hours: int, **private: str) -> LedgerEntry:
        public = {"actor": contract.initiator, "contract": contract.id, "revision": 0}
        return LedgerEntry(kind.value, contract.created + timedelta(hours=hours), public, private)

    yield entry(EventKind.CONTRACT_DRAFTED, 0, title=contract.title, purpose=contract.purpose)
    for party in contract.parties:
        yield entry(EventKind.PARTY_ADDED, 0, name=party.name, organisation=party.organisation)
    if contract.state is not ContractState.DRAFT:
        yield entry(EventKind.CONTRACT_SENT, 0, title=contract.title)
    for party in contract.parties:
        if party.state is PartyState.SIGNED:
            yield entry(EventKind.SIGNATURE_PREPARED, party.position, address="192.0.2.7")
            yield entry(EventKind.PARTY_SIGNED, party.position, name=party.name, organisation=party.organisation)
    if contract.state is ContractState.COMPLETED:
        yield entry(EventKind.CONTRACT_COMPLETED, 5, title=contract.title)


def _write_seal_requests(tx: Transaction, contracts: Sequence[Contract]) -> None:
    """One for each seal that was used, with its closed intent."""
    used = [
        (each, party)
        for each in contracts
        for party in each.parties
        if party.kind is PartyKind.SEAL and party.signed_at is not None
    ]
    tx.executemany(
        "INSERT INTO intents (id, contract, party, base, act, nonce, expires, contents_offset, contents_length,"
        " state, created, cms, stamped, suffix)"
        " VALUES (?, ?, ?, 1, x'00', ?, ?, 0, 0, 'completed', ?, x'00', ?, x'00')",
        [
            (
                party.id,
                each.id,
                party.id,
                hashlib.sha256(party.id.encode()).digest()[:16],
                instant(each.deadline.at),
                instant(each.created),
                instant(each.created),
            )
            for each, party in used
        ],
    )
    tx.executemany(
        "INSERT INTO seal_requests (id, contract, party, seal, requester, reason, intent, state, asked, expires,"
        " decided, decided_by) VALUES (?, ?, ?, ?, ?, '为测量而申请的用印', ?, 'used', ?, ?, ?, ?)",
        [
            (
                *(party.id, each.id, party.id, party.subject, party.requester, party.id, instant(each.created)),
                *(instant(each.deadline.at), instant(each.created + timedelta(hours=3)), CUSTODIAN.subject),
            )
            for each, party in used
        ],
    )


def _write_deposits(tx: Transaction, contracts: Sequence[Contract]) -> None:
    tx.executemany(
        "INSERT INTO deposits"
        " (id, depositor, organisation, title, digest, files, size, at, token, entry)"
        " SELECT ?, subject, organisation, ?, ?, 1, 1000, ?, ?, ? FROM people WHERE subject = ?",
        [
            (
                *(each.id, each.title, each.original.digest, instant(each.created), TOKEN),
                *(number, each.initiator),
            )
            for number, each in enumerate(contracts)
        ],
    )
    tx.executemany(
        "INSERT INTO deposit_files (deposit, place, name, digest, size) VALUES (?, 0, '示例.zip', ?, 1000)",
        [(each.id, each.original.digest) for each in contracts],
    )


def _write_sessions(tx: Transaction, contracts: Sequence[Contract]) -> None:
    """Sessions that are over: rows that wait to be swept."""
    tx.executemany(
        "INSERT INTO sessions (id, subject, strength, opened, seen, until, address, agent, ended)"
        " VALUES (?, ?, 'passkey', ?, ?, ?, '192.0.2.7', 'bench', ?)",
        [
            (hashlib.sha256(each.id.encode()).digest(), each.initiator, *[instant(each.created)] * 4)
            for each in contracts
        ],
    )
