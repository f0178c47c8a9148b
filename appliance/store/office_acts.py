"""Officers' acts that wait for an activation, or for a second officer."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from appliance.errors import NotFound, StateRefused
from appliance.model.office import OfficerDecision, OfficerDecisionKind, OfficerDecisionState
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored
from hsm import canonical

_COLUMNS = (
    "SELECT id, kind, subject, details, notes, nonce, expires, prepared, prepared_by, state, request, reason"
    " FROM office_acts"
)


def insert(tx: Transaction, act: OfficerDecision) -> None:
    """A new open act."""
    tx.execute(
        "INSERT INTO office_acts"
        " (id, kind, subject, details, notes, nonce, expires, prepared, prepared_by, state, request)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)",
        (
            act.id,
            act.kind,
            act.subject,
            canonical.encode(dict(act.details)).decode(),
            canonical.encode(dict(act.notes)).decode(),
            act.nonce,
            stored(act.expires),
            stored(act.prepared),
            act.prepared_by,
            act.request,
        ),
    )


def approve(tx: Transaction, act_id: str, officer: str, at: datetime) -> None:
    """*officer* has said yes; saying it again changes nothing."""
    tx.execute(
        "INSERT INTO office_approvals (act, officer, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (act_id, officer, stored(at)),
    )


def end(
    tx: Transaction, act_id: str, state: OfficerDecisionState, *, at: datetime, by: str, reason: str | None = None
) -> None:
    """open → *state*. Raises :class:`StateRefused` when it has ended before."""
    ended = tx.execute(
        "UPDATE office_acts SET state = ?, ended = ?, ended_by = ?, reason = ? WHERE id = ? AND state = 'open'",
        (state, stored(at), by, reason, act_id),
    )
    if not ended.rowcount:
        raise StateRefused("Another officer has ended this act in the meantime.")


def expire(tx: Transaction, now: datetime) -> int:
    """open → expired for what nobody activated in time; how many."""
    ended = tx.execute(
        "UPDATE office_acts SET state = 'expired', ended = ?1, ended_by = 'system'"
        " WHERE state = 'open' AND expires <= ?1",
        (stored(now),),
    )
    return int(ended.rowcount)


def act(tx: Transaction, act_id: str) -> OfficerDecision:
    """The act. Raises :class:`NotFound`."""
    row = tx.execute(f"{_COLUMNS} WHERE id = ?", (act_id,)).fetchone()
    if row is None:
        raise NotFound("There is no act {id}.", id=act_id)
    return _act(tx, row)


def waiting(tx: Transaction, now: datetime) -> list[OfficerDecision]:
    """The open acts that have not run out, oldest first."""
    rows = tx.execute(
        f"{_COLUMNS} WHERE state = 'open' AND expires > ? ORDER BY prepared, id LIMIT 200", (stored(now),)
    ).fetchall()
    return [_act(tx, row) for row in rows]


def open_about(tx: Transaction, subject: str, kind: OfficerDecisionKind) -> list[OfficerDecision]:
    """The open acts of this kind about *subject*, oldest first."""
    rows = tx.execute(
        f"{_COLUMNS} WHERE subject = ? AND kind = ? AND state = 'open' ORDER BY prepared, id", (subject, kind)
    ).fetchall()
    return [_act(tx, row) for row in rows]


def last_done(tx: Transaction, subject: str, kind: OfficerDecisionKind) -> OfficerDecision | None:
    """The newest act of this kind that was done to *subject*, or None."""
    row = tx.execute(
        f"{_COLUMNS} WHERE subject = ? AND kind = ? AND state = 'done' ORDER BY prepared DESC LIMIT 1",
        (subject, kind),
    ).fetchone()
    return None if row is None else _act(tx, row)


def open_for_request(tx: Transaction, request_id: str, now: datetime) -> OfficerDecision | None:
    """The act that waits to decide this request, or None."""
    row = tx.execute(
        f"{_COLUMNS} WHERE request = ? AND state = 'open' AND expires > ? ORDER BY prepared DESC LIMIT 1",
        (request_id, stored(now)),
    ).fetchone()
    return None if row is None else _act(tx, row)


def _act(tx: Transaction, row: tuple[Any, ...]) -> OfficerDecision:
    officers = tx.execute("SELECT officer FROM office_approvals WHERE act = ? ORDER BY at, officer", (row[0],))
    return OfficerDecision(
        id=row[0],
        kind=OfficerDecisionKind(row[1]),
        subject=row[2],
        details=json.loads(row[3]),
        notes=json.loads(row[4]),
        nonce=row[5],
        expires=loaded(row[6]),
        prepared=loaded(row[7]),
        prepared_by=row[8],
        state=OfficerDecisionState(row[9]),
        approved_by=tuple(each[0] for each in officers),
        request=row[10],
        reason=row[11],
    )
