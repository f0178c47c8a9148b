"""The clients of the API and their webhooks as the scheduler last saw them. Each function runs in the caller's
transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from appliance.model.api_clients import ApiClient
from appliance.model.webhooks import PublishedWebhook, WebhookAttempt, WebhookEndpoint
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of

_CLIENTS = Query(
    ApiClient,
    "SELECT id, name, scopes, organisations, kinds, state, created, last_used, certificate, certificate_expires,"
    " origins FROM api_clients",
)


def replace(tx: Transaction, found: Sequence[ApiClient]) -> None:
    """*found* in place of what was found before."""
    tx.execute("DELETE FROM api_clients")
    for each in found:
        sets = ("scopes", "organisations", "kinds", "origins")
        listed = {name: json.dumps(sorted(getattr(each, name)), ensure_ascii=False) for name in sets}
        plain = fields_of(each, "id name state created last_used certificate certificate_expires")
        tx.insert("api_clients", plain | listed)


def everything(tx: Transaction) -> list[ApiClient]:
    """All of them, by name."""
    return _CLIENTS.all(tx, "ORDER BY name")


_WEBHOOKS = Query(
    WebhookEndpoint,
    "SELECT id, client, url, types, state, reason, position, failures, failing_since, retry_at, public_key,"
    " created FROM webhooks",
)
_ATTEMPTS = Query(WebhookAttempt, "SELECT message, type, at, status, milliseconds, problem FROM webhook_attempts")


def replace_webhooks(tx: Transaction, found: Sequence[PublishedWebhook]) -> None:
    """*found* in place of what was found before."""
    tx.execute("DELETE FROM webhook_attempts")
    tx.execute("DELETE FROM webhooks")
    for each in found:
        row = fields_of(
            each.webhook, "id client url state reason position failures failing_since retry_at public_key created"
        )
        tx.insert("webhooks", row | {"types": json.dumps(sorted(each.webhook.types)), "taken": each.taken})
        for number, attempt in enumerate(each.attempts):
            made = fields_of(attempt, "message type at status milliseconds problem")
            tx.insert("webhook_attempts", made | {"webhook": each.webhook.id, "number": number})


def webhooks(tx: Transaction) -> list[PublishedWebhook]:
    """All of them, the oldest first."""
    return [
        PublishedWebhook(
            each,
            tx.value(datetime, "SELECT taken FROM webhooks WHERE id = ?", (each.id,)),
            tuple(_ATTEMPTS.all(tx, "WHERE webhook = ? ORDER BY number", (each.id,))),
        )
        for each in _WEBHOOKS.all(tx, "ORDER BY created, id")
    ]
