"""Webhooks with their sealed secrets, what was asked for beside the events as they come, and the attempts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from appliance.errors import NotFound
from appliance.model.webhooks import (
    DisabledBy,
    WebhookAttempt,
    WebhookEndpoint,
    WebhookRequest,
    WebhookRequestKind,
    WebhookState,
)
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of

KEPT_ATTEMPTS: Final = 1_000
"""Of one webhook; older ones go."""

_WEBHOOKS = Query(
    WebhookEndpoint,
    "SELECT id, client, url, types, state, reason, position, failures, failing_since, retry_at, public_key,"
    " created FROM webhooks",
)
_REQUESTS = Query(WebhookRequest, "SELECT id, kind, message, position, last, asked FROM webhook_requests")
_ATTEMPTS = Query(WebhookAttempt, "SELECT message, type, at, status, milliseconds, problem FROM webhook_attempts")


def insert_webhook(tx: Transaction, webhook: WebhookEndpoint, signing_key: bytes) -> None:
    """A new webhook with its sealed key."""
    row = fields_of(webhook, "id client url state position public_key created")
    tx.insert("webhooks", row | {"types": _text(webhook.types), "signing_key": signing_key})


def webhook(tx: Transaction, webhook_id: str) -> WebhookEndpoint:
    """Raises :class:`NotFound`."""
    missing = NotFound("There is no webhook {webhook}.", webhook=webhook_id)
    return _WEBHOOKS.one(tx, "WHERE id = ?", (webhook_id,), missing=missing)


def webhooks(tx: Transaction, client: str | None = None) -> list[WebhookEndpoint]:
    """Those of *client*, or all, the oldest first."""
    if client is None:
        return _WEBHOOKS.all(tx, "ORDER BY created, id")
    return _WEBHOOKS.all(tx, "WHERE client = ? ORDER BY created, id", (client,))


def count(tx: Transaction) -> int:
    return tx.count("SELECT count(*) FROM webhooks")


def active(tx: Transaction) -> list[str]:
    """The ids of those to which something may be sent, in a steady order."""
    return tx.column(str, "SELECT id FROM webhooks WHERE state = 'active' ORDER BY id")


def set_types(tx: Transaction, webhook_id: str, types: Iterable[str]) -> None:
    tx.update("webhooks", {"types": _text(types)}, id=webhook_id)


def activate(tx: Transaction, webhook_id: str, *, position: int | None = None) -> None:
    """pending or disabled → active, without failures; from *position* on where it is given."""
    row: dict[str, object] = {"state": WebhookState.ACTIVE, "reason": None, **_UNHURT}
    tx.update("webhooks", row | ({} if position is None else {"position": position}), id=webhook_id)


def disable(tx: Transaction, webhook_id: str, reason: DisabledBy) -> None:
    tx.update("webhooks", {"state": WebhookState.DISABLED, "reason": reason}, id=webhook_id)


def remove(tx: Transaction, webhook_id: str) -> None:
    """The webhook with all that belongs to it."""
    tx.delete("webhooks", id=webhook_id)


_UNHURT: Final = {"failures": 0, "failing_since": None, "retry_at": None}


def advance(tx: Transaction, webhook_id: str, position: int) -> None:
    """What came up to *position* is delivered, or not for this webhook."""
    tx.execute("UPDATE webhooks SET position = max(position, ?) WHERE id = ?", (position, webhook_id))


def succeeded(tx: Transaction, webhook_id: str) -> None:
    """The receiver takes events (again)."""
    tx.change(
        "UPDATE webhooks SET failures = 0, failing_since = NULL, retry_at = NULL WHERE id = ?", (webhook_id,)
    )


def failed(tx: Transaction, webhook_id: str, now: datetime, retry_at: datetime) -> None:
    """One failure more, the first of which dates the whole row of them."""
    tx.execute(
        "UPDATE webhooks SET failures = failures + 1, failing_since = coalesce(failing_since, ?), retry_at = ?"
        " WHERE id = ?",
        (now, retry_at, webhook_id),
    )


def signing_key(tx: Transaction, webhook_id: str) -> bytes:
    """The sealed Ed25519 seed. Raises :class:`NotFound`."""
    found = tx.value(bytes, "SELECT signing_key FROM webhooks WHERE id = ?", (webhook_id,))
    if found is None:
        raise NotFound("There is no webhook {webhook}.", webhook=webhook_id)
    return found


def add_secret(tx: Transaction, webhook_id: str, sealed: bytes, now: datetime, *, old_until: datetime) -> None:
    """A new secret; the one before signs as well until *old_until*, and those before it no longer."""
    newest = tx.count("SELECT coalesce(max(number), 0) FROM webhook_secrets WHERE webhook = ?", (webhook_id,))
    tx.execute("DELETE FROM webhook_secrets WHERE webhook = ? AND number < ?", (webhook_id, newest))
    tx.update("webhook_secrets", {"ends": old_until}, webhook=webhook_id, number=newest)
    tx.insert("webhook_secrets", {"webhook": webhook_id, "number": newest + 1, "sealed": sealed, "made": now})


def secrets_of(tx: Transaction, webhook_id: str, now: datetime) -> list[bytes]:
    """The sealed secrets that sign now, the newest first; two during a rotation."""
    return tx.column(
        bytes,
        "SELECT sealed FROM webhook_secrets WHERE webhook = ? AND (ends IS NULL OR ends > ?) ORDER BY number DESC",
        (webhook_id, now),
    )


def end_old_secrets(tx: Transaction, now: datetime) -> None:
    """Forgets those that sign no longer."""
    tx.execute("DELETE FROM webhook_secrets WHERE ends <= ?", (now,))


def ask(
    tx: Transaction,
    webhook_id: str,
    kind: WebhookRequestKind,
    message: str,
    *,
    entries: tuple[int, int],
    at: datetime,
) -> None:
    """Queues a test, or a replay of the *entries* after the first number up to the second."""
    position, last = entries
    row = {
        "webhook": webhook_id,
        "kind": kind,
        "message": message,
        "position": position,
        "last": last,
        "asked": at,
    }
    tx.insert("webhook_requests", row)


def requests_of(tx: Transaction, webhook_id: str) -> list[WebhookRequest]:
    """What was asked for and is not done, tests first, else in the order in which it was asked for."""
    return _REQUESTS.all(tx, "WHERE webhook = ? ORDER BY kind = 'test' DESC, id", (webhook_id,))


def advance_request(tx: Transaction, request: int, position: int) -> None:
    """A replay has come up to *position*; it is over at its last entry."""
    tx.execute("UPDATE webhook_requests SET position = min(last, ?) WHERE id = ?", (position, request))
    tx.execute("DELETE FROM webhook_requests WHERE id = ? AND position >= last", (request,))


def end_request(tx: Transaction, request: int) -> None:
    tx.delete("webhook_requests", id=request)


def add_attempt(tx: Transaction, webhook_id: str, attempt: WebhookAttempt) -> None:
    """Keeps *attempt*, and the newest :data:`KEPT_ATTEMPTS` of the webhook."""
    row = fields_of(attempt, "message type at status milliseconds problem")
    tx.insert("webhook_attempts", row | {"webhook": webhook_id})
    tx.execute(
        "DELETE FROM webhook_attempts WHERE webhook = ?1 AND id <="
        " (SELECT id FROM webhook_attempts WHERE webhook = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (webhook_id, KEPT_ATTEMPTS),
    )


def attempts_of(tx: Transaction, webhook_id: str, *, limit: int) -> list[WebhookAttempt]:
    """The newest first."""
    return _ATTEMPTS.all(tx, "WHERE webhook = ? ORDER BY id DESC LIMIT ?", (webhook_id, limit))


def last_taken(tx: Transaction, webhook_id: str) -> datetime | None:
    """When the receiver last took something, as far as attempts are kept."""
    query = "SELECT at FROM webhook_attempts WHERE webhook = ? AND problem IS NULL ORDER BY id DESC LIMIT 1"
    return tx.value(datetime, query, (webhook_id,))


def forget_attempts(tx: Transaction, *, before: datetime) -> None:
    """Those made earlier than that, a hundred at most."""
    tx.forget_oldest("webhook_attempts", "id", "at", before=before)


def has_old(tx: Transaction, *, attempts_before: datetime, secrets_before: datetime) -> bool:
    """Whether there are attempts made earlier than that, or secrets that ended before that."""
    return tx.exists("SELECT 1 FROM webhook_attempts WHERE at < ? LIMIT 1", (attempts_before,)) or tx.exists(
        "SELECT 1 FROM webhook_secrets WHERE ends <= ? LIMIT 1", (secrets_before,)
    )


def _text(types: Iterable[str]) -> str:
    return json.dumps(sorted(types))
