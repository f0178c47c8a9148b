"""Powers of attorney in the database: every step is a conditional update whose row count is checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.model.contract import Money
from appliance.model.powers import Power, PowerConfirmation, PowerScope, RecordedAction, StatedPower
from appliance.store.database import Transaction
from hsm.rows import Query, columns, fields_of, refusing

_POWER = (
    "SELECT id, basis, grantor, principal, agent, kinds, counterparties, amount, currency, seals, since, until,"
    " replaces, document, size, contract, registered_by, registered, verified_by, verified, refused_by, refused,"
    " refusal, revoked_by, revoked, revocation, (SELECT json_group_array(entry) FROM"
    " (SELECT entry FROM power_events WHERE power = powers.id ORDER BY entry)) AS entries,"
    " (SELECT coalesce(digest, 'before') FROM power_confirmations WHERE power = powers.id) AS confirmation"
    " FROM powers"
)


def insert_power(tx: Transaction, power: Power) -> None:
    """Raises :class:`NotFound` for an id that another power has: whoever chose it does not reach that one."""
    scope, limit = power.scope, power.scope.limit
    beyond = NotFound("There is no power of attorney {power}.", power=power.id)
    row = fields_of(power, "id basis grantor principal agent since until replaces document size contract")
    row |= {"registered_by": power.registered.by, "registered": power.registered.at}
    row |= {name: _json(getattr(scope, name)) for name in ("kinds", "counterparties", "seals")}
    row |= {"amount": limit and limit.minor, "currency": limit and limit.currency}
    with refusing(beyond, only=["powers.id"]):
        tx.insert("powers", row)


def verify(tx: Transaction, power_id: str, done: RecordedAction, stated: StatedPower) -> None:
    """registered → verified, with what the authority states of it. Raises :class:`StateRefused` when somebody
    decided first."""
    with refusing(_decided()):
        digest = hashlib.sha256(stated.statement).hexdigest()
        tx.insert(
            "power_confirmations", {"power": power_id, "digest": digest, **fields_of(stated, "statement cms")}
        )
    _decide(tx, {"verified_by": done.by, "verified": done.at}, id=power_id, verified=None)


def refuse(tx: Transaction, power_id: str, done: RecordedAction) -> None:
    """registered → refused. Raises :class:`StateRefused` when somebody decided first."""
    row = {"refused_by": done.by, "refused": done.at, "refusal": done.reason}
    _decide(tx, row, id=power_id, verified=None)


def revoke(tx: Transaction, power_id: str, done: RecordedAction) -> None:
    """registered or verified → revoked. Raises :class:`StateRefused` when it has ended already."""
    _decide(tx, {"revoked_by": done.by, "revoked": done.at, "revocation": done.reason}, id=power_id)


def stated_power(tx: Transaction, power_id: str) -> StatedPower | None:
    """What the authority states of it; None for a power that nobody has confirmed since statements began."""
    rest = "WHERE power = ? AND statement IS NOT NULL"
    return _STATED.first(tx, rest, (power_id,))


_STATED = Query(StatedPower, "SELECT statement, cms FROM power_confirmations")


def link(tx: Transaction, power_id: str, entry: int) -> None:
    """The log entry *entry* tells of the power."""
    tx.execute("INSERT INTO power_events (power, entry) VALUES (?, ?)", (power_id, entry))


def load_power(tx: Transaction, power_id: str) -> Power:
    """The power with this id. Raises :class:`NotFound`."""
    missing = NotFound("There is no power of attorney {power}.", power=power_id)
    return _POWERS.one(tx, "WHERE id = ?", (power_id,), missing=missing)


def of_agent(tx: Transaction, agent: str) -> list[Power]:
    """Every power of *agent*, whatever became of it, the oldest first."""
    return _POWERS.all(tx, "WHERE agent = ? ORDER BY since, rowid", (agent,))


def of_letter(tx: Transaction, contract_id: str) -> list[Power]:
    """The powers that rest on the contract and that nobody has refused or revoked."""
    rest = "WHERE contract = ? AND refused IS NULL AND revoked IS NULL ORDER BY registered, rowid"
    return _POWERS.all(tx, rest, (contract_id,))


_OF_ORGANISATIONS = (
    "registered_by IN (SELECT subject FROM people WHERE guest = 0"
    " AND organisation IN (SELECT value FROM json_each(?1))"
    " UNION ALL SELECT r.subject FROM people AS h JOIN partners AS p ON p.registered_by = h.subject"
    " JOIN representatives AS r ON r.partner = p.id"
    " WHERE h.guest = 0 AND h.organisation IN (SELECT value FROM json_each(?1)))"
)
"""Registered by people of these organisations, or by representatives of partners that such people registered."""


def newest(tx: Transaction, organisations: Sequence[str], *, limit: int, before: str = "") -> list[Power]:
    """At most *limit* powers that people of these *organisations* registered, the newest first, those from before
    the power *before*."""
    condition, values = _OF_ORGANISATIONS, (json.dumps(organisations), before, limit)
    if before:
        condition += " AND (registered, id) < (SELECT registered, id FROM powers WHERE id = ?2)"
    return _POWERS.all(tx, f"WHERE {condition} ORDER BY registered DESC, id DESC LIMIT ?3", values)


def registered_within(tx: Transaction, power_id: str, organisations: Sequence[str]) -> bool:
    """Whether :func:`newest` has the power for these *organisations*."""
    query = f"SELECT 1 FROM powers WHERE {_OF_ORGANISATIONS} AND id = ?2"  # noqa: S608 -- all literals
    return tx.exists(query, (json.dumps(organisations), power_id))


def of_partner(tx: Transaction, partner_id: str, *, limit: int) -> list[Power]:
    """At most *limit* powers of representatives of the partner, the newest first."""
    return _POWERS.all(
        tx,
        "WHERE agent IN (SELECT subject FROM representatives WHERE partner = ?)"
        " ORDER BY registered DESC, id DESC LIMIT ?",
        (partner_id, limit),
    )


def waiting(tx: Transaction, organisations: Sequence[str]) -> list[Power]:
    """Every power that waits for its verification and that people of these *organisations* registered, the oldest
    first."""
    condition = f"{_OF_ORGANISATIONS} AND verified IS NULL AND refused IS NULL AND revoked IS NULL"
    return _POWERS.all(tx, f"WHERE {condition} ORDER BY registered, id", (json.dumps(organisations),))


def _done(by: str | None, at: str | None, reason: str | None = "") -> RecordedAction | None:
    return None if by is None or at is None else RecordedAction(by, datetime.fromisoformat(at), reason or "")


def _confirmation(digest: str | None) -> PowerConfirmation | None:
    if digest is None:
        return None
    return PowerConfirmation(None if digest == "before" else digest)


def _scope(kinds: str, counterparties: str, amount: int | None, currency: str, seals: str) -> PowerScope:
    limit = None if amount is None else Money(amount, currency)
    return PowerScope(tuple(json.loads(kinds)), tuple(json.loads(counterparties)), limit, tuple(json.loads(seals)))


_POWERS = Query(
    Power,
    _POWER,
    scope=columns(_scope, "kinds", "counterparties", "amount", "currency", "seals"),
    registered=columns(_done, "registered_by", "registered"),
    verified=columns(_done, "verified_by", "verified"),
    refused=columns(_done, "refused_by", "refused", "refusal"),
    revoked=columns(_done, "revoked_by", "revoked", "revocation"),
    confirmed=columns(_confirmation, "confirmation"),
)


def _json(names: Sequence[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False)


def _decide(tx: Transaction, row: Mapping[str, object], **where: str | None) -> None:
    if not tx.update("powers", row, refused=None, revoked=None, **where):
        raise _decided()


def _decided() -> StateRefused:
    return StateRefused("This power of attorney has been decided on already; look at what became of it.")
