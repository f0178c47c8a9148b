"""Lists of contracts, read from the involvements: every query walks an index and stops after a bounded number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from appliance.model.contract import ContractState, Money, PartyState, SigningOrder
from appliance.model.listing import (
    EVERYTHING,
    MOST,
    BucketCounts,
    ContractBucket,
    ContractFilter,
    ContractPage,
    ListCursor,
    ListedContract,
    ListedParty,
    ListViewer,
)
from appliance.store import participation_index
from appliance.store.database import Transaction, pattern_of
from appliance.store.participation_index import mark
from hsm.rows import Query, columns

LOOKED_AT = 2000
"""Contracts that one page of a search looks at, at most; the next page goes on from there."""

KINDS = 100
_TRIGRAM = 3
_FIRST, _LAST = ListCursor("", 0), ListCursor("9999", 2**62)
"""Before every row, and behind."""


def counts(tx: Transaction, reader: ListViewer, *, soon: datetime) -> BucketCounts:
    """How many contracts *reader* has in each bucket, counted up to :data:`MOST`."""

    seen, values = seen_by(reader, "involvements.number")

    def many(bucket: ContractBucket) -> int:
        query = (
            "SELECT count(*) FROM (SELECT 1 FROM involvements INDEXED BY involvements_bucket"  # noqa: S608 -- all literals
            f" WHERE person = ? AND bucket = ?{seen} LIMIT ?)"
        )
        return tx.count(query, (reader.person, bucket, *values, MOST))

    due = tx.count(
        "SELECT count(*) FROM (SELECT 1 FROM involvements INDEXED BY involvements_due"
        " WHERE person = ? AND deadline < ? AND bucket IN ('to-sign', 'waiting') LIMIT ?)",
        (reader.person, soon, MOST),
    )
    return BucketCounts(
        draft=many(ContractBucket.DRAFT),
        to_sign=many(ContractBucket.TO_SIGN),
        waiting=many(ContractBucket.WAITING),
        due_soon=due,
        done=many(ContractBucket.DONE),
        ended=many(ContractBucket.ENDED),
    )


def kinds(tx: Transaction, reader: ListViewer) -> list[str]:
    """The different kinds, by stepping from one to the next in the index instead of reading all rows."""
    seen, values = seen_by(reader, "involvements.number")
    following = (
        "SELECT kind FROM involvements INDEXED BY involvements_kind"  # noqa: S608 -- all literals
        f" WHERE person = ? AND kind > step.kind{seen} ORDER BY kind LIMIT 1"
    )
    return tx.column(
        str,
        "WITH RECURSIVE step (kind, place) AS (SELECT '', 0"  # noqa: S608 -- all literals
        f" UNION ALL SELECT ({following}), place + 1 FROM step WHERE step.kind IS NOT NULL AND place < ?)"
        " SELECT kind FROM step WHERE kind <> ''",
        (reader.person, *values, KINDS),
    )


def page(
    tx: Transaction,
    reader: ListViewer,
    wanted: ContractFilter,
    *,
    after: ListCursor | None,
    limit: int,
    soon: datetime,
) -> ContractPage:
    """At most *limit* rows behind *after*."""
    person = reader.person
    source = _source(reader, wanted, after, soon)
    tests, values = _tests(person, wanted, soon)
    query = f"SELECT number, at, {tests} FROM ({source.query} LIMIT {LOOKED_AT}) AS candidates"  # noqa: S608 -- all literals
    found: list[ListCursor] = []
    last, looked_at = None, 0
    for number, at, fits in tx.execute(query, (*values, *source.values)):
        last, looked_at = ListCursor(at, number), looked_at + 1
        if fits:
            found.append(last)
        if len(found) > limit:
            return ContractPage(_rows(tx, reader, found[:limit]), str(found[limit - 1]))
    more = last is not None and looked_at == LOOKED_AT
    return ContractPage(_rows(tx, reader, found), str(last) if more else None)


@dataclass(frozen=True, slots=True)
class _Source:
    """Candidates in the list's order: a query of ``number`` and ``at`` along one index, and its values."""

    query: str
    values: tuple[object, ...]


def _source(reader: ListViewer, wanted: ContractFilter, after: ListCursor | None, soon: datetime) -> _Source:
    person = reader.person
    phrases = [*_phrase("title parties", wanted.query), *_phrase("parties", wanted.party)]
    if phrases:
        seen, values = seen_by(reader, "contract_search.rowid")
        match = " AND ".join([f'people : "{mark(person)}"', *phrases])
        return _Source(
            "SELECT rowid AS number, '' AS at FROM contract_search"  # noqa: S608 -- all literals
            f" WHERE contract_search MATCH ? AND rowid < ?{seen} ORDER BY rowid DESC",
            (match, (after or _LAST).number, *values),
        )
    short = {"anywhere": wanted.query or "", "party": wanted.party or ""}
    if any(words.strip() for words in short.values()):
        seen, values = seen_by(reader, "contract_grams.rowid")
        return _Source(
            "SELECT rowid AS number, '' AS at FROM contract_grams"  # noqa: S608 -- all literals
            f" WHERE contract_grams MATCH ? AND rowid < ?{seen} ORDER BY rowid DESC",
            (participation_index.gram_query(person, **short), (after or _LAST).number, *values),
        )
    if wanted.bucket is ContractBucket.DUE_SOON:
        start = after or _FIRST
        return _Source(
            "SELECT number, deadline AS at FROM involvements INDEXED BY involvements_due"
            " WHERE person = ? AND deadline < ? AND (deadline, number) > (?, ?)"
            " AND bucket IN ('to-sign', 'waiting') ORDER BY deadline, number",
            (person, soon, start.at, start.number),
        )
    return _by_change(reader, wanted, after or _LAST)


def seen_by(reader: ListViewer, number: str) -> tuple[str, tuple[object, ...]]:
    """A condition (and its values) that leaves out what *reader* may not know of; *number* is the contract's.

    It belongs where the candidates are found: also how many were left out, and where a page ends, would tell.
    """
    if reader.person != EVERYTHING:
        return "", ()
    condition = (
        f" AND EXISTS (SELECT 1 FROM contracts AS sent WHERE sent.number = {number}"  # noqa: S608 -- all literals
        " AND (sent.state NOT IN ('draft', 'discarded')"
        " OR EXISTS (SELECT 1 FROM people AS drafter WHERE drafter.subject = sent.initiator AND drafter.guest = 0"
        " AND drafter.organisation IN (SELECT value FROM json_each(?)))))"
    )
    return condition, (json.dumps(reader.organisations),)


def _by_change(reader: ListViewer, wanted: ContractFilter, after: ListCursor) -> _Source:
    index, condition, values = "involvements_all", "", []
    seen, drafters = seen_by(reader, "involvements.number")
    if wanted.bucket is not None:
        index, condition, values = "involvements_bucket", " AND bucket = ?", [wanted.bucket.value]
    elif wanted.kind:
        index, condition, values = "involvements_kind", " AND kind = ?", [wanted.kind]
    since, before = _days(wanted)
    return _Source(
        f"SELECT number, touched AS at FROM involvements INDEXED BY {index} WHERE person = ?{condition}"  # noqa: S608
        f" AND touched >= ? AND touched < ? AND (touched, number) < (?, ?){seen}"
        " ORDER BY touched DESC, number DESC",
        (reader.person, *values, since, before, after.at, after.number, *drafters),
    )


def _days(wanted: ContractFilter) -> tuple[str, str]:
    """The first instant that is wanted, and the first that is no longer; text that bounds all when not given."""
    since = "" if wanted.since is None else wanted.since.isoformat()
    before = "9999" if wanted.until is None else (wanted.until + timedelta(days=1)).isoformat()
    return since, before


def _tests(person: str, wanted: ContractFilter, soon: datetime) -> tuple[str, list[object]]:
    """What a candidate must fulfil besides, as an expression and its values."""
    since, before = _days(wanted)
    involved = "own.person = ? AND touched >= ? AND touched < ?"
    values: list[object] = [person, since, before]
    if wanted.bucket is ContractBucket.DUE_SOON:
        involved, values = (
            f"{involved} AND bucket IN ('to-sign', 'waiting') AND deadline < ?",
            [*values, soon],
        )
    elif wanted.bucket is not None:
        involved += " AND bucket = ?"
        values.append(wanted.bucket)
    if wanted.kind:
        involved += " AND kind = ?"
        values.append(wanted.kind)
    tests = [f"EXISTS (SELECT 1 FROM involvements AS own WHERE own.number = candidates.number AND {involved})"]  # noqa: S608
    for text, words in ((wanted.query, "title || char(10) || parties"), (wanted.party, "parties")):
        if text and len(text.strip()) < _TRIGRAM and _searches_trigrams(wanted):
            test = f"SELECT {words} LIKE ? ESCAPE '\\' FROM contract_search WHERE rowid = candidates.number"  # noqa: S608
            tests.append(f"({test})")
            values.append(pattern_of(text.strip()))
    return " AND ".join(tests), values


def _searches_trigrams(wanted: ContractFilter) -> bool:
    """Whether a longer word leads: a short one beside it is looked for in what that finds."""
    return any(text is not None and len(text.strip()) >= _TRIGRAM for text in (wanted.query, wanted.party))


def _phrase(columns: str, text: str | None) -> Iterator[str]:
    """*text* as a phrase of the index, unless it is too short for trigrams."""
    if text is not None and len(text.strip()) >= _TRIGRAM:
        quoted = text.strip().replace('"', '""').replace("\0", "")
        yield f'{{{columns}}} : "{quoted}"'


def text_sources(person: str, text: str, party: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Queries of the numbers of *person*'s contracts that have *text* in title, type, number or parties, and
    *party* in the latter: what fits is in all of them."""
    phrases = [*_phrase("title parties", text), *_phrase("parties", party)]
    if phrases:
        match = " AND ".join([f'people : "{mark(person)}"', *phrases])
        yield "SELECT rowid AS number FROM contract_search WHERE contract_search MATCH ?", (match,)
    short = {
        name: words
        for name, words in (("anywhere", text), ("party", party))
        if words.strip() and len(words.strip()) < _TRIGRAM
    }
    if short:
        match = participation_index.gram_query(person, **short)
        yield "SELECT rowid AS number FROM contract_grams WHERE contract_grams MATCH ?", (match,)


def _rows(tx: Transaction, reader: ListViewer, found: Sequence[ListCursor]) -> tuple[ListedContract, ...]:
    return listed(tx, reader, [cursor.number for cursor in found])


_DAYS: Final = (
    "(SELECT json_group_object(kind, day) FROM contract_dates AS d WHERE d.contract = contracts.id) AS days"
)
_OWN: Final = (
    "EXISTS (SELECT 1 FROM people AS drafter WHERE drafter.subject = contracts.initiator AND drafter.guest = 0"
    " AND drafter.organisation IN (SELECT value FROM json_each(?))) AS own"
)


def listed(tx: Transaction, reader: ListViewer, numbers: Sequence[int]) -> tuple[ListedContract, ...]:
    """The contracts of these *numbers* that *reader* has, in this order. What is internal to the organisation that
    drafted one is left out unless it is the reader's."""
    return tuple(
        _LISTED.all(
            tx,
            "SELECT contracts.id, title, contracts.kind, state, bucket, contracts.deadline, zone,"  # noqa: S608
            " contracts.touched, contract_number, created, sent, completed, amount, currency, department,"
            " (SELECT name FROM people WHERE subject = contracts.initiator) AS initiator_name,"
            " (SELECT json_group_array(json_array(name, organisation, state, subject)) FROM"
            " (SELECT name, organisation, state, subject FROM parties WHERE parties.contract = contracts.id"
            f" ORDER BY position)) AS parties, signing_order, initiator, {_DAYS}, {_OWN},"
            " (SELECT m.kind FROM amendments_in_force AS m WHERE m.earlier = contracts.id"
            " ORDER BY m.kind = 'supplement', m.effective LIMIT 1) AS amended FROM json_each(?) AS wanted"
            " CROSS JOIN contracts ON contracts.number = wanted.value"
            " CROSS JOIN involvements ON involvements.person = ? AND involvements.number = contracts.number"
            " ORDER BY wanted.key",
            (json.dumps(reader.organisations), json.dumps(numbers), reader.person),
        )
    )


def _moment(at: str) -> datetime | None:
    return datetime.fromisoformat(at) if at else None


def _money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


def _days_of(encoded: str, own: int) -> dict[str, date]:
    return {kind: date.fromisoformat(day) for kind, day in json.loads(encoded).items()} if own else {}


def _parties(encoded: str, state: str, order: str, initiator: str) -> tuple[ListedParty, ...]:
    parties = json.loads(encoded)
    turn = _turn(parties, SigningOrder(order), initiator) if state == ContractState.SENT else ()
    return tuple(
        ListedParty(name, organisation, PartyState(party_state), place in turn, subject)
        for place, (name, organisation, party_state, subject) in enumerate(parties)
    )


def _turn(parties: Sequence[Sequence[str]], order: SigningOrder, initiator: str) -> Sequence[int]:
    """The places of those whose turn it is, by the rule of ``Contract.on_turn`` (a test compares)."""
    left = [place for place, (_, _, state, _) in enumerate(parties) if state == PartyState.WAITING]
    own = [place for place in left if parties[place][-1] == initiator]
    return left[:1] if order is SigningOrder.SEQUENTIAL else own or left


_LISTED = Query(
    ListedContract,
    parties=columns(_parties, "parties", "state", "signing_order", "initiator"),
    number=columns(str, "contract_number"),
    initiator=columns(lambda name: name or "", "initiator_name"),
    department=columns(lambda name, own: name if own else "", "department", "own"),
    sent=columns(_moment, "sent"),
    completed=columns(_moment, "completed"),
    amount=columns(_money, "amount", "currency"),
    days=columns(_days_of, "days", "own"),
)
