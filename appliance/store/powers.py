"""Powers of attorney in the database: every step is a conditional update whose row count is checked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from appliance.errors import NotFound, StateRefused
from appliance.model.money import Money
from appliance.model.powers import Power, PowerBasis, PowerScope, RecordedAction
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

_COLUMNS = (
    "id, basis, grantor, principal, agent, kinds, counterparties, amount, currency, seals, since, until, replaces,"
    " document, size, contract, registered_by, registered, verified_by, verified, refused_by, refused, refusal,"
    " revoked_by, revoked, revocation"
)


def insert(tx: Transaction, power: Power) -> None:
    """A power that was registered."""
    limit = power.scope.limit
    tx.execute(
        "INSERT INTO powers (id, basis, grantor, principal, agent, kinds, counterparties, amount, currency, seals,"
        " since, until, replaces, document, size, contract, registered_by, registered)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            power.id,
            power.basis,
            power.grantor,
            power.principal,
            power.agent,
            _json(power.scope.kinds),
            _json(power.scope.counterparties),
            None if limit is None else limit.minor,
            None if limit is None else limit.currency,
            _json(power.scope.seals),
            stored(power.since),
            stored(power.until),
            int(power.replaces),
            power.document,
            power.size,
            power.contract,
            power.registered.by,
            stored(power.registered.at),
        ),
    )


def verify(tx: Transaction, power_id: str, done: RecordedAction) -> None:
    """registered → verified. Raises :class:`StateRefused` when somebody decided first."""
    _decided(
        tx.execute(
            "UPDATE powers SET verified_by = ?, verified = ?"
            " WHERE id = ? AND verified IS NULL AND refused IS NULL AND revoked IS NULL",
            (done.by, stored(done.at), power_id),
        ).rowcount
    )


def refuse(tx: Transaction, power_id: str, done: RecordedAction) -> None:
    """registered → refused. Raises :class:`StateRefused` when somebody decided first."""
    _decided(
        tx.execute(
            "UPDATE powers SET refused_by = ?, refused = ?, refusal = ?"
            " WHERE id = ? AND verified IS NULL AND refused IS NULL AND revoked IS NULL",
            (done.by, stored(done.at), done.reason, power_id),
        ).rowcount
    )


def revoke(tx: Transaction, power_id: str, done: RecordedAction) -> None:
    """registered or verified → revoked. Raises :class:`StateRefused` when it has ended already."""
    _decided(
        tx.execute(
            "UPDATE powers SET revoked_by = ?, revoked = ?, revocation = ?"
            " WHERE id = ? AND refused IS NULL AND revoked IS NULL",
            (done.by, stored(done.at), done.reason, power_id),
        ).rowcount
    )


def link(tx: Transaction, power_id: str, entry: int) -> None:
    """The log entry *entry* tells of the power."""
    tx.execute("INSERT INTO power_events (power, entry) VALUES (?, ?)", (power_id, entry))


def load(tx: Transaction, power_id: str) -> Power:
    """The power with this id. Raises :class:`NotFound`."""
    found = _select(tx, "id = ?", (power_id,))
    if not found:
        raise NotFound("There is no power of attorney {power}.", power=power_id)
    return found[0]


def of_agent(tx: Transaction, agent: str) -> list[Power]:
    """Every power of *agent*, whatever became of it, the oldest first."""
    return _select(tx, "agent = ? ORDER BY since, id", (agent,))


def of_letter(tx: Transaction, contract_id: str) -> list[Power]:
    """The powers that rest on the contract and that nobody has refused or revoked."""
    condition = "contract = ? AND refused IS NULL AND revoked IS NULL ORDER BY registered, id"
    return _select(tx, condition, (contract_id,))


_OF_ORGANISATIONS = (
    "registered_by IN (SELECT subject FROM people WHERE guest = 0"
    " AND organisation IN (SELECT value FROM json_each(?)))"
)


def newest(tx: Transaction, organisations: Sequence[str], *, limit: int, before: str = "") -> list[Power]:
    """At most *limit* powers that people of these *organisations* registered, the newest first, those from before
    the power *before*."""
    condition, values = _OF_ORGANISATIONS, [json.dumps(organisations)]
    if before:
        condition += " AND (registered, id) < (SELECT registered, id FROM powers WHERE id = ?)"
        values.append(before)
    return _select(tx, f"{condition} ORDER BY registered DESC, id DESC LIMIT ?", (*values, limit))


def waiting(tx: Transaction, organisations: Sequence[str]) -> list[Power]:
    """Every power that waits for its verification and that people of these *organisations* registered, the oldest
    first."""
    condition = f"{_OF_ORGANISATIONS} AND verified IS NULL AND refused IS NULL AND revoked IS NULL"
    return _select(tx, f"{condition} ORDER BY registered, id", (json.dumps(organisations),))


def _select(tx: Transaction, condition: str, values: Sequence[object]) -> list[Power]:
    query = f"SELECT {_COLUMNS} FROM powers WHERE {condition}"  # noqa: S608 -- literals of this module
    return [_power(tx, row) for row in tx.execute(query, values).fetchall()]


def _power(tx: Transaction, row: tuple[Any, ...]) -> Power:
    limit = None if row[7] is None else Money(row[7], row[8])
    entries = tx.execute("SELECT entry FROM power_events WHERE power = ? ORDER BY entry", (row[0],))
    return Power(
        id=row[0],
        basis=PowerBasis(row[1]),
        grantor=row[2],
        principal=row[3],
        agent=row[4],
        scope=PowerScope(tuple(json.loads(row[5])), tuple(json.loads(row[6])), limit, tuple(json.loads(row[9]))),
        since=loaded(row[10]),
        until=loaded(row[11]),
        replaces=bool(row[12]),
        document=row[13],
        size=row[14],
        contract=row[15],
        registered=RecordedAction(row[16], loaded(row[17])),
        verified=_done(row[18], row[19]),
        refused=_done(row[20], row[21], row[22]),
        revoked=_done(row[23], row[24], row[25]),
        entries=tuple(entry for (entry,) in entries),
    )


def _done(by: str | None, at: str | None, reason: str | None = "") -> RecordedAction | None:
    return None if by is None or at is None else RecordedAction(by, loaded(at), reason or "")


def _json(names: Sequence[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False)


def _decided(count: int) -> None:
    if count != 1:
        raise StateRefused("This power of attorney has been decided on already; look at what became of it.")
