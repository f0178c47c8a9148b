"""What administrators asked for, with their devices' answers and the mails about it. Every step is a
conditional update. Each function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.errors import NotFound, StateRefused
from appliance.model.administration import AdminRequest, AdminRequestOutcome, AdminRequestState, DualControlRole
from appliance.store.database import Transaction
from hsm import canonical
from hsm.rows import Query, columns, fields_of, refusing

_ACT = (
    "SELECT id, action, arguments, effect, state, persons, asked_by, asked, expires, decided_by, decided, started,"
    " ended, outcome, outcome_values FROM acts"
)


def insert_request(tx: Transaction, act: AdminRequest) -> None:
    """A new admin request, waiting or under way. Raises :class:`StateRefused` when there is one with this id."""
    with refusing(StateRefused("This was asked for already; see what waits.")):
        tx.insert(
            "acts",
            fields_of(act, "id action effect state persons asked_by asked expires")
            | {"arguments": canonical.encode(dict(act.arguments)).decode()},
        )


def load_request(tx: Transaction, request_id: str) -> AdminRequest:
    """The admin request. Raises :class:`NotFound`."""
    missing = NotFound("There is no request {id}.", id=request_id)
    return _REQUESTS.one(tx, "WHERE id = ?", (request_id,), missing=missing)


def in_state(tx: Transaction, state: AdminRequestState) -> list[AdminRequest]:
    """All admin requests in an open *state* (waiting, performing), the oldest first."""
    return _REQUESTS.all(
        tx, "WHERE state = ? AND state IN ('waiting', 'performing') ORDER BY asked, rowid", (state,)
    )


def recent(tx: Transaction, limit: int = 50) -> list[AdminRequest]:
    """The newest admin requests, in whatever state."""
    return _REQUESTS.all(tx, "ORDER BY asked DESC, rowid DESC LIMIT ?", (limit,))


def decide(tx: Transaction, request_id: str, after: AdminRequestState, *, by: str, now: datetime) -> bool:
    """waiting → performing, refused or withdrawn, by somebody; False when it was decided already."""
    return tx.update("acts", {"state": after, "decided_by": by, "decided": now}, id=request_id, state="waiting")


def expire(tx: Transaction, now: datetime) -> list[str]:
    """waiting → expired for all whose time is over; their ids."""
    rows = tx.execute(
        "UPDATE acts SET state = 'expired', ended = ?1 WHERE state = 'waiting' AND expires <= ?1 RETURNING id",
        (now,),
    )
    return sorted(identifier for (identifier,) in rows.fetchall())


def start(tx: Transaction, request_id: str, now: datetime) -> bool:
    """Takes a request that is to be performed; False when somebody has taken it, or it is not to be performed."""
    return tx.update("acts", {"started": now}, id=request_id, state="performing", started=None)


def end(
    tx: Transaction, request_id: str, after: AdminRequestState, outcome: AdminRequestOutcome, now: datetime
) -> bool:
    """performing → done, failed or interrupted, with what came of it; False when it had ended."""
    values = json.dumps(dict(outcome.values), ensure_ascii=False)
    row = {"state": after, "ended": now, "outcome": outcome.template, "outcome_values": values}
    return tx.update("acts", row, id=request_id, state="performing")


def untaken(tx: Transaction, actions: Iterable[str]) -> list[AdminRequest]:
    """Admin requests of these *actions* that are to be performed and that nobody has taken, the oldest first."""
    wanted = frozenset(actions)
    return [
        each
        for each in in_state(tx, AdminRequestState.PERFORMING)
        if each.started is None and each.action in wanted
    ]


def _outcome(template: str | None, values: str) -> AdminRequestOutcome | None:
    return None if template is None else AdminRequestOutcome(template, json.loads(values))


_REQUESTS = Query(AdminRequest, _ACT, outcome=columns(_outcome, "outcome", "outcome_values"))


class RequestMessageState(StrEnum):
    """What became of a mail."""

    QUEUED = "queued"
    SENT = "sent"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class RequestMessage:
    """One mail, about the request with the id ``act``, to the administrator ``login``; ``attempts`` so far."""

    act: str
    login: str
    state: RequestMessageState
    attempts: int
    reason: str | None = None


_MESSAGES = Query(RequestMessage, "SELECT act, login, state, attempts, reason FROM act_letters")


def queue_message(tx: Transaction, request_id: str, login: str, now: datetime) -> None:
    """A new mail, due at once."""
    tx.execute("INSERT INTO act_letters (act, login, due) VALUES (?, ?, ?)", (request_id, login, now))


def due_messages(tx: Transaction, now: datetime, *, limit: int) -> list[RequestMessage]:
    """Mails that are to go out now, the longest due first."""
    return _MESSAGES.all(tx, "WHERE state = 'queued' AND due <= ? ORDER BY due, act, login LIMIT ?", (now, limit))


def messages_about(tx: Transaction, request_id: str) -> list[RequestMessage]:
    """The mails about one admin request, by login."""
    return _MESSAGES.all(tx, "WHERE act = ? ORDER BY login", (request_id,))


def end_message(
    tx: Transaction, message: RequestMessage, after: RequestMessageState, reason: str | None = None
) -> None:
    """queued → sent, refused or withdrawn."""
    tx.execute(
        "UPDATE act_letters SET state = ?, reason = ?, attempts = attempts + 1"
        " WHERE act = ? AND login = ? AND state = 'queued'",
        (after, reason, message.act, message.login),
    )


def postpone_message(tx: Transaction, message: RequestMessage, *, reason: str, until: datetime) -> None:
    """It was not taken, or nobody knows; it is tried again at *until*."""
    tx.execute(
        "UPDATE act_letters SET reason = ?, due = ?, attempts = attempts + 1"
        " WHERE act = ? AND login = ? AND state = 'queued'",
        (reason, until, message.act, message.login),
    )


def insert_signature(tx: Transaction, request_id: str, part: DualControlRole, login: str, answer: str) -> None:
    """Keeps the *answer* (JSON, as the browser posted it) of *login* about a request; a request has one for each
    part."""
    tx.insert("signatures", {"act": request_id, "part": part, "login": login, "answer": answer})


def signature_answer(tx: Transaction, request_id: str, part: DualControlRole) -> str | None:
    """What was answered, by whoever it was; None when nobody signed that."""
    return tx.value(str, "SELECT answer FROM signatures WHERE act = ? AND part = ?", (request_id, part))
