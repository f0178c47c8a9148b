"""What administrators asked for. Every step is a conditional update. Each function runs in the caller's
transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pysqlite3

from appliance.errors import NotFound, StateRefused
from appliance.model.administration import AdminRequest, AdminRequestOutcome, AdminRequestState
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored
from hsm import canonical

_ACT = (
    "SELECT id, action, arguments, effect, state, persons, asked_by, asked, expires, decided_by, decided, started,"
    " ended, outcome, outcome_values FROM acts"
)


def insert(tx: Transaction, act: AdminRequest) -> None:
    """A new act, waiting or under way. Raises :class:`StateRefused` when there is one with this id."""
    values = (
        act.id,
        act.action,
        canonical.encode(dict(act.arguments)).decode(),
        act.effect,
        act.state,
        act.persons,
        act.asked_by,
        stored(act.asked),
        stored(act.expires),
    )
    try:
        tx.execute(
            "INSERT INTO acts (id, action, arguments, effect, state, persons, asked_by, asked, expires)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
    except pysqlite3.IntegrityError as error:
        raise StateRefused("This was asked for already; see what waits.") from error


def act(tx: Transaction, act_id: str) -> AdminRequest:
    """The act. Raises :class:`NotFound`."""
    row = tx.execute(f"{_ACT} WHERE id = ?", (act_id,)).fetchone()
    if row is None:
        raise NotFound("There is no request {id}.", id=act_id)
    return _act(row)


def in_state(tx: Transaction, state: AdminRequestState) -> list[AdminRequest]:
    """All acts in an open *state* (waiting, performing), the oldest first."""
    rows = tx.execute(
        f"{_ACT} WHERE state = ? AND state IN ('waiting', 'performing') ORDER BY asked, id", (state,)
    )
    return [_act(row) for row in rows]


def recent(tx: Transaction, limit: int) -> list[AdminRequest]:
    """The newest acts, in whatever state."""
    return [_act(row) for row in tx.execute(f"{_ACT} ORDER BY asked DESC, id DESC LIMIT ?", (limit,))]


def decide(tx: Transaction, act_id: str, after: AdminRequestState, *, by: str, now: datetime) -> bool:
    """waiting → performing, refused or withdrawn, by somebody; False when it was decided already."""
    done = tx.execute(
        "UPDATE acts SET state = ?, decided_by = ?, decided = ? WHERE id = ? AND state = 'waiting'",
        (after, by, stored(now), act_id),
    )
    return bool(done.rowcount == 1)


def expire(tx: Transaction, now: datetime) -> list[str]:
    """waiting → expired for all whose time is over; their ids."""
    rows = tx.execute(
        "UPDATE acts SET state = 'expired', ended = ?1 WHERE state = 'waiting' AND expires <= ?1 RETURNING id",
        (stored(now),),
    )
    return sorted(row[0] for row in rows.fetchall())


def start(tx: Transaction, act_id: str, now: datetime) -> bool:
    """Takes an act that is to be performed; False when somebody has taken it, or it is not to be performed."""
    done = tx.execute(
        "UPDATE acts SET started = ? WHERE id = ? AND state = 'performing' AND started IS NULL",
        (stored(now), act_id),
    )
    return bool(done.rowcount == 1)


def end(
    tx: Transaction, act_id: str, after: AdminRequestState, outcome: AdminRequestOutcome, now: datetime
) -> bool:
    """performing → done, failed or interrupted, with what came of it; False when it had ended."""
    done = tx.execute(
        "UPDATE acts SET state = ?, ended = ?, outcome = ?, outcome_values = ?"
        " WHERE id = ? AND state = 'performing'",
        (after, stored(now), outcome.template, json.dumps(dict(outcome.values), ensure_ascii=False), act_id),
    )
    return bool(done.rowcount == 1)


def untaken(tx: Transaction, actions: Iterable[str]) -> list[AdminRequest]:
    """Acts of these *actions* that are to be performed and that nobody has taken, the oldest first."""
    wanted = frozenset(actions)
    return [
        each
        for each in in_state(tx, AdminRequestState.PERFORMING)
        if each.started is None and each.action in wanted
    ]


def _act(row: tuple[Any, ...]) -> AdminRequest:
    return AdminRequest(
        id=row[0],
        action=row[1],
        arguments=json.loads(row[2]),
        effect=row[3],
        state=AdminRequestState(row[4]),
        persons=row[5],
        asked_by=row[6],
        asked=loaded(row[7]),
        expires=loaded(row[8]),
        decided_by=row[9],
        decided=loaded(row[10]),
        started=loaded(row[11]),
        ended=loaded(row[12]),
        outcome=None if row[13] is None else AdminRequestOutcome(row[13], json.loads(row[14])),
    )
