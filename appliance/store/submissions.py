"""Forms and requests of the API that were sent once, in the database. Every function runs in the caller's
transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance.store.database import Transaction
from hsm.rows import Query, columns


def claim(tx: Transaction, subject: str, once: str, *, now: datetime, abandoned: datetime) -> bool:
    """True when the caller is the first to send it, or when who claimed it before *abandoned* never finished."""
    return tx.changed(
        "INSERT INTO submissions (subject, once, claimed) VALUES (?, ?, ?) ON CONFLICT (subject, once)"
        " DO UPDATE SET claimed = excluded.claimed WHERE made IS NULL AND claimed < ?",
        (subject, once, now, abandoned),
    )


def made(tx: Transaction, subject: str, once: str) -> tuple[bool, str | None]:
    """Whether the form is claimed, and the address of what it made, None while that is under way."""
    row = tx.execute("SELECT made FROM submissions WHERE subject = ? AND once = ?", (subject, once)).fetchone()
    if row is None:
        return False, None
    [address] = row
    return True, address


def finish(tx: Transaction, subject: str, once: str, address: str) -> None:
    """Remembers the address (a path of this site) of what the form made."""
    tx.update("submissions", {"made": address}, subject=subject, once=once, made=None)


def release(tx: Transaction, subject: str, once: str) -> None:
    """Forgets a claim that made nothing."""
    tx.execute("DELETE FROM submissions WHERE subject = ? AND once = ? AND made IS NULL", (subject, once))


def forget(tx: Transaction, before: datetime) -> None:
    """Removes those claimed earlier than *before*, a hundred at most."""
    tx.forget_oldest("submissions", "subject, once", "claimed", before=before)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What a request was answered by: an HTTP status of success, the headers that matter, the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request that somebody sent with a key: ``request`` are its method, path and the SHA-256 of its body (hex),
    ``chosen`` the id (24 hex digits) for what it makes; ``answer`` is None while there is none. ``claimed`` is
    False when it has failed."""

    request: tuple[str, str, str]
    chosen: str
    answer: KeptAnswer | None = None
    claimed: bool = True


def _answer(status: int | None, headers: str | None, body: bytes | None) -> KeptAnswer | None:
    if status is None or headers is None or body is None:
        return None
    return KeptAnswer(status, json.loads(headers), body)


_REQUESTS = Query(
    KeptRequest,
    "SELECT method, path, digest, chosen, claimed IS NOT NULL AS claimed, status, headers, body FROM api_requests",
    request=columns(lambda *sent: sent, "method", "path", "digest"),
    answer=columns(_answer, "status", "headers", "body"),
)


def kept_request(tx: Transaction, client: str, key: str) -> KeptRequest | None:
    """What *client* sent with *key*; None for nothing that is remembered."""
    return _REQUESTS.first(tx, "WHERE client = ? AND key = ?", (client, key))


def insert_request(tx: Transaction, client: str, key: str, sent: KeptRequest, now: datetime) -> bool:
    """Claims *sent*, which is not answered yet; False when the key was used before."""
    method, path, digest = sent.request
    return tx.changed(
        "INSERT INTO api_requests (client, key, method, path, digest, chosen, begun, claimed)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT (client, key) DO NOTHING",
        (client, key, method, path, digest, sent.chosen, now),
    )


def take_over_request(tx: Transaction, client: str, key: str, *, now: datetime, abandoned: datetime) -> bool:
    """Claims a request again that has failed, or that was claimed before *abandoned* and never answered."""
    return tx.changed(
        "UPDATE api_requests SET claimed = ?3 WHERE client = ?1 AND key = ?2 AND status IS NULL"
        " AND (claimed IS NULL OR claimed < ?4)",
        (client, key, now, abandoned),
    )


def finish_request(tx: Transaction, client: str, key: str, answer: KeptAnswer) -> None:
    """Remembers the answer; one that is there already stays."""
    headers = json.dumps(dict(answer.headers))
    row = {"status": answer.status, "headers": headers, "body": answer.body}
    tx.update("api_requests", row, client=client, key=key, status=None)


def fail_request(tx: Transaction, client: str, key: str) -> None:
    """Nobody works on it any more; nobody knows whether it has made anything, so the chosen id stays."""
    tx.update("api_requests", {"claimed": None}, client=client, key=key, status=None)


def fail_open_requests(tx: Transaction) -> None:
    """Nobody works on any request that is not answered, as after the end of all who did."""
    tx.execute("UPDATE api_requests SET claimed = NULL WHERE status IS NULL AND claimed IS NOT NULL")


def release_request(tx: Transaction, client: str, key: str) -> None:
    """Forgets a request that was refused, and so has made nothing."""
    tx.execute("DELETE FROM api_requests WHERE client = ? AND key = ? AND status IS NULL", (client, key))


def forget_requests(tx: Transaction, before: datetime) -> None:
    """Removes those begun earlier than *before*, a hundred at most."""
    tx.forget_oldest("api_requests", "client, key", "begun", before=before)
