"""Requests for a seal, and the register of its uses. Every step is a conditional update whose row count is
checked."""

from __future__ import annotations

import json
from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.model.people import SealRequest, SealRequestState, SealUse, UseFilter
from appliance.store.database import Transaction
from hsm.rows import Query, columns, fields_of, refusing

_REQUESTS = Query(
    SealRequest,
    "SELECT id, contract, party, seal, requester, reason, intent, state, asked, expires, decided, decided_by,"
    " answer, needed,"
    " (SELECT json_group_array(custodian) FROM (SELECT custodian FROM seal_approvals"
    " WHERE request = seal_requests.id ORDER BY approved, custodian)) AS approved_by FROM seal_requests",
)


def insert_request(tx: Transaction, request: SealRequest) -> None:
    """A request that waits. Raises :class:`StateRefused` while the party has another one open."""
    with refusing(StateRefused("A request for this seal waits already; look at it instead.")):
        names = "id contract party seal requester reason intent asked expires needed"
        tx.insert("seal_requests", fields_of(request, names) | {"state": SealRequestState.WAITING})


def approve(tx: Transaction, request_id: str, custodian: str, at: datetime) -> bool:
    """*custodian* has said yes; False when that is known."""
    return tx.changed(
        "INSERT INTO seal_approvals (request, custodian, approved) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (request_id, custodian, at),
    )


def take_back(tx: Transaction, request_id: str, custodian: str) -> bool:
    """*custodian* no longer says yes; False when they did not."""
    return tx.delete("seal_approvals", request=request_id, custodian=custodian)


def decide(
    tx: Transaction,
    request: SealRequest,
    state: SealRequestState,
    *,
    at: datetime,
    by: str | None = None,
    answer: str | None = None,
) -> None:
    """waiting → *state*, by one only. Raises :class:`StateRefused` when it has been answered already."""
    if not tx.update(
        "seal_requests",
        {"state": state, "decided": at, "decided_by": by, "answer": answer},
        id=request.id,
        state="waiting",
    ):
        raise StateRefused("This request has been answered already; look at what became of it.")


def close(tx: Transaction, request_id: str, state: SealRequestState, *, answer: str | None = None) -> bool:
    """approved → *state* (used or lapsed). False when it was closed before."""
    return tx.update("seal_requests", {"state": state, "answer": answer}, id=request_id, state="approved")


def load_request(tx: Transaction, request_id: str) -> SealRequest:
    """The request with this id. Raises :class:`NotFound`."""
    missing = NotFound("There is no request {request} for a seal.", request=request_id)
    return _REQUESTS.one(tx, "WHERE id = ?", (request_id,), missing=missing)


def of_party(tx: Transaction, party_id: str) -> SealRequest | None:
    """The newest request of the party: the open one, if there is one."""
    return _REQUESTS.first(
        tx,
        "WHERE party = ? ORDER BY state IN ('waiting', 'approved') DESC, asked DESC, rowid DESC LIMIT 1",
        (party_id,),
    )


def of_contract(tx: Transaction, contract_id: str) -> list[SealRequest]:
    """Every request about the contract, the oldest first."""
    query = "WHERE party IN (SELECT id FROM parties WHERE contract = ?) ORDER BY asked, rowid"
    return _REQUESTS.all(tx, query, (contract_id,))


def of_intent(tx: Transaction, intent_id: str) -> SealRequest | None:
    return _REQUESTS.first(tx, "WHERE intent = ?", (intent_id,))


def open_requests(tx: Transaction) -> list[SealRequest]:
    """Every request of which something is still to come, the oldest first."""
    return _REQUESTS.all(tx, "WHERE state IN ('waiting', 'approved') ORDER BY asked, rowid")


def parties_requested(tx: Transaction, contract_id: str) -> frozenset[str]:
    """The parties of the contract of which a request is open."""
    query = (
        "SELECT party FROM parties JOIN seal_requests ON seal_requests.party = parties.id"
        " WHERE parties.contract = ? AND seal_requests.state IN ('waiting', 'approved')"
    )
    return frozenset(tx.column(str, query, (contract_id,)))


def for_custodian(tx: Transaction, person: str, *, limit: int = 50) -> list[SealRequest]:
    """Requests of others for the seals of which *person* is a custodian; the open ones first, then the newest."""
    kept = tx.execute("SELECT seal FROM custodians WHERE person = ?", (person,)).fetchall()
    found: dict[str, SealRequest] = {}
    for (seal,) in kept:  # along an index for each seal, so that a page costs the same after years of requests
        for condition in ("seal = ? AND state IN ('waiting', 'approved')", "seal = ?"):
            newest = f"{condition} AND requester <> ? ORDER BY asked DESC, rowid DESC LIMIT ?"
            found.update(
                (request.id, request) for request in _REQUESTS.all(tx, f"WHERE {newest}", (seal, person, limit))
            )
    newest_first = sorted(found.values(), key=lambda request: request.asked, reverse=True)
    return sorted(newest_first, key=lambda request: not request.open)[:limit]


def of_requester(tx: Transaction, person: str, *, limit: int = 50) -> list[SealRequest]:
    """What *person* has asked for, the newest first."""
    return _REQUESTS.all(tx, "WHERE requester = ? ORDER BY asked DESC, rowid DESC LIMIT ?", (person, limit))


def waiting_for(tx: Transaction, person: str) -> int:
    """How many requests of others wait for *person* as custodian."""
    return tx.count(
        "SELECT count(*) FROM seal_requests WHERE state = 'waiting' AND requester <> ?1"
        " AND NOT EXISTS (SELECT 1 FROM seal_approvals WHERE request = seal_requests.id AND custodian = ?1)"
        " AND seal IN (SELECT seal FROM custodians WHERE person = ?1)",
        (person,),
    )


def uses_of(tx: Transaction, seal: str) -> int:
    return tx.count("SELECT count(*) FROM seal_requests WHERE seal = ? AND state = 'used'", (seal,))


def uses_page(tx: Transaction, wanted: UseFilter, *, before: int, limit: int) -> list[SealUse]:
    """At most *limit* lines with numbers below *before*, the newest first."""
    seals = None if wanted.seals is None else json.dumps(wanted.seals)
    since = None if wanted.since is None else wanted.since.isoformat()
    until = None if wanted.until is None else f"{wanted.until.isoformat()}U"  # after every time of that day
    values = (before, seals, wanted.state, since, until, wanted.words, limit)
    return _USES.all(
        tx,
        "SELECT r.rowid AS number, r.id AS request, r.state, r.seal, s.organisation || ' ' || s.kind AS seal_name,"
        " r.contract, c.title, r.reason, p.name AS requester,"
        " (SELECT json_group_array(name) FROM (SELECT k.name FROM seal_approvals a JOIN people k"
        " ON k.subject = a.custodian WHERE a.request = r.id ORDER BY a.approved, a.custodian)) AS custodians,"
        " r.needed, r.asked, r.decided, i.act, c.pages,"
        " (x.page IS NOT NULL) + (SELECT count(*) FROM placements o WHERE o.party = r.party) AS places,"
        " x.cross_page IS NOT NULL AS crossing"
        " FROM seal_requests r JOIN seals s ON s.subject = r.seal JOIN contracts c ON c.id = r.contract"
        " JOIN people p ON p.subject = r.requester JOIN intents i ON i.id = r.intent"
        " JOIN parties x ON x.id = r.party"
        " WHERE r.rowid < ?1 AND (?2 IS NULL OR r.seal IN (SELECT value FROM json_each(?2)))"
        " AND (?3 IS NULL OR r.state = ?3) AND (?4 IS NULL OR r.asked >= ?4) AND (?5 IS NULL OR r.asked < ?5)"
        " AND (?6 = '' OR instr(c.title, ?6) OR c.id = ?6)"
        " ORDER BY r.rowid DESC LIMIT ?7",
        values,
    )


_USES = Query(SealUse, digest=columns(lambda intent: json.loads(intent)["digest"], "act"))
