"""Mails about acts that wait for a second person. Each function runs in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from appliance.store.database import Transaction
from hsm.rows import RowMapper


class RequestMessageState(StrEnum):
    """What became of a mail."""

    QUEUED = "queued"
    SENT = "sent"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class RequestMessage:
    """One mail, about the act with the id ``act``, to the administrator ``login``; ``attempts`` counts tries."""

    act: str
    login: str
    state: RequestMessageState
    attempts: int
    reason: str | None = None


_LETTERS = RowMapper(RequestMessage)


def queue_message(tx: Transaction, act_id: str, login: str, now: datetime) -> None:
    """A new mail, due at once."""
    tx.execute("INSERT INTO act_letters (act, login, due) VALUES (?, ?, ?)", (act_id, login, now))


def due_messages(tx: Transaction, now: datetime, *, limit: int) -> list[RequestMessage]:
    """Mails that are to go out now, the longest due first."""
    rows = tx.execute(
        "SELECT act, login, state, attempts, reason FROM act_letters WHERE state = 'queued' AND due <= ?"
        " ORDER BY due, act, login LIMIT ?",
        (now, limit),
    )
    return _LETTERS.all(rows)


def messages_about(tx: Transaction, act_id: str) -> list[RequestMessage]:
    """The mails about one act, by login."""
    rows = tx.execute(
        "SELECT act, login, state, attempts, reason FROM act_letters WHERE act = ? ORDER BY login", (act_id,)
    )
    return _LETTERS.all(rows)


def end_message(
    tx: Transaction, letter: RequestMessage, after: RequestMessageState, reason: str | None = None
) -> None:
    """queued → sent, refused or withdrawn."""
    tx.execute(
        "UPDATE act_letters SET state = ?, reason = ?, attempts = attempts + 1"
        " WHERE act = ? AND login = ? AND state = 'queued'",
        (after, reason, letter.act, letter.login),
    )


def postpone_message(tx: Transaction, letter: RequestMessage, *, reason: str, until: datetime) -> None:
    """It was not taken, or nobody knows; it is tried again at *until*."""
    tx.execute(
        "UPDATE act_letters SET reason = ?, due = ?, attempts = attempts + 1"
        " WHERE act = ? AND login = ? AND state = 'queued'",
        (reason, until, letter.act, letter.login),
    )
