"""Officers' decisions that wait for an activation, or for a second officer."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.model.office import OfficerDecision, OfficerDecisionKind, OfficerDecisionState
from appliance.store.database import Transaction
from hsm import canonical
from hsm.rows import Query, fields_of

_DECISION = (
    "SELECT id, kind, subject, details, notes, nonce, expires, prepared, prepared_by, state, request, reason,"
    " (SELECT json_group_array(officer) FROM (SELECT officer FROM office_approvals WHERE act = office_acts.id"
    " ORDER BY at, officer)) AS approved_by FROM office_acts"
)
_DECISIONS = Query(OfficerDecision, _DECISION)


def insert_decision(tx: Transaction, act: OfficerDecision) -> None:
    tx.insert(
        "office_acts",
        fields_of(act, "id kind subject nonce expires prepared prepared_by request")
        | {"details": canonical.encode(dict(act.details)).decode()}
        | {"notes": canonical.encode(dict(act.notes)).decode(), "state": OfficerDecisionState.OPEN},
    )


def approve(tx: Transaction, act_id: str, officer: str, at: datetime) -> None:
    """*officer* has said yes; saying it again changes nothing."""
    tx.execute(
        "INSERT INTO office_approvals (act, officer, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (act_id, officer, at),
    )


def end(
    tx: Transaction, act_id: str, state: OfficerDecisionState, *, at: datetime, by: str, reason: str | None = None
) -> None:
    """open → *state*. Raises :class:`StateRefused` when it has ended before."""
    row = {"state": state, "ended": at, "ended_by": by, "reason": reason}
    if not tx.update("office_acts", row, id=act_id, state="open"):
        raise StateRefused("Another officer has ended this act in the meantime.")


def expire(tx: Transaction, now: datetime) -> int:
    """open → expired for what nobody activated in time; how many."""
    return tx.change(
        "UPDATE office_acts SET state = 'expired', ended = ?1, ended_by = 'system'"
        " WHERE state = 'open' AND expires <= ?1",
        (now,),
    )


def load_decision(tx: Transaction, act_id: str) -> OfficerDecision:
    """The decision. Raises :class:`NotFound`."""
    missing = NotFound("There is no act {id}.", id=act_id)
    return _DECISIONS.one(tx, "WHERE id = ?", (act_id,), missing=missing)


def waiting(tx: Transaction, now: datetime) -> list[OfficerDecision]:
    """The open decisions that have not run out, oldest first."""
    return _DECISIONS.all(tx, "WHERE state = 'open' AND expires > ? ORDER BY prepared, rowid LIMIT 200", (now,))


def open_about(tx: Transaction, subject: str, kind: OfficerDecisionKind) -> list[OfficerDecision]:
    """The open decisions of this kind about *subject*, oldest first."""
    return _DECISIONS.all(
        tx, "WHERE subject = ? AND kind = ? AND state = 'open' ORDER BY prepared, rowid", (subject, kind)
    )


def seals_asked_for(tx: Transaction, organisation: str) -> list[OfficerDecision]:
    """What *organisation*, another company, has asked for itself: its newest 20 seals that were not made."""
    return _DECISIONS.all(
        tx,
        "WHERE kind = ? AND state <> 'done' AND prepared_by LIKE 'person-guest-%'"
        " AND details ->> 'organisation' = ? ORDER BY prepared DESC, rowid DESC LIMIT 20",
        (OfficerDecisionKind.ENROL_SEAL, organisation),
    )


def count_asked_for(tx: Transaction, organisation: str, now: datetime, *, since: datetime) -> int:
    """How many of the organisation's requests for a seal wait, or were withdrawn *since* then."""
    return tx.count(
        "SELECT count(*) FROM office_acts WHERE kind = ? AND prepared_by LIKE 'person-guest-%'"
        " AND details ->> 'organisation' = ?"
        " AND (state = 'open' AND expires > ? OR state = 'withdrawn' AND ended > ?)",
        (OfficerDecisionKind.ENROL_SEAL, organisation, now, since),
    )


def last_done(tx: Transaction, subject: str, kind: OfficerDecisionKind) -> OfficerDecision | None:
    """The newest decision of this kind that was done to *subject*, or None."""
    return _DECISIONS.first(
        tx,
        "WHERE subject = ? AND kind = ? AND state = 'done' ORDER BY prepared DESC, rowid DESC LIMIT 1",
        (subject, kind),
    )


def open_for_request(tx: Transaction, request_id: str, now: datetime) -> OfficerDecision | None:
    """The decision that waits to decide this request, or None."""
    return _DECISIONS.first(
        tx,
        "WHERE request = ? AND state = 'open' AND expires > ? ORDER BY prepared DESC, rowid DESC LIMIT 1",
        (request_id, now),
    )
