"""Managing webhooks: administrators decide where a client's events go; the client gets the secret, and looks after
the rest. Each change is in the log."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from appliance.acting_client import ClientReach
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.events.feed import require_cursor
from appliance.events.targets import WebhookTargets
from appliance.events.types import wanted_types
from appliance.ledger.audit_trail import AuditEvent, EventKind, Field, append_event
from appliance.model.webhooks import (
    DisabledBy,
    PublishedWebhook,
    WebhookAttempt,
    WebhookEndpoint,
    WebhookRequestKind,
    WebhookState,
)
from appliance.sealing import seal, unseal
from appliance.standard_webhooks import WebhookKeys, new_secret, new_seed, shown_public_key, shown_secret
from appliance.store import events
from appliance.store import webhooks as store
from appliance.store.database import Database, Transaction

ROTATION: Final = timedelta(hours=24)
"""For how long the secret before signs as well."""

MOST_WEBHOOKS: Final = 32
"""On an appliance: each that has something to send has a thread of its own."""

MOST_REQUESTS: Final = 10
"""Tests and replays of one webhook that wait at a time."""

SHOWN: Final = 100
SHOWN_TO_ADMINISTRATORS: Final = 50

ReachOf = Callable[[Transaction, str], ClientReach | None]
"""What a client may reach; None for one that is unknown or suspended, to which nothing is sent."""


@dataclass(frozen=True, slots=True)
class WebhookActor:
    """Who manages: the ``subject`` that the log names, and the ``client``, to which others' webhooks do not exist;
    None for administrators."""

    subject: str
    client: str | None = None

    @classmethod
    def of_client(cls, client: str) -> WebhookActor:
        return cls(client, client)


class WebhookSecrets:
    """Secrets and keys at rest, sealed under *key* (32 bytes), each for its webhook and use alone."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def add_secret(self, tx: Transaction, webhook_id: str, now: datetime) -> str:
        """Makes a secret; the only time that it is shown."""
        secret = new_secret()
        sealed = seal(self._key, f"{webhook_id} secret", secret)
        store.add_secret(tx, webhook_id, sealed, now, old_until=now + ROTATION)
        return shown_secret(secret)

    def make_key(self, webhook_id: str) -> tuple[bytes, str]:
        """A new Ed25519 key: sealed, and its public half as it is shown."""
        seed = new_seed()
        return seal(self._key, f"{webhook_id} key", seed), shown_public_key(seed)

    def keys(self, tx: Transaction, webhook_id: str, now: datetime) -> WebhookKeys:
        """What signs for this webhook now. Raises :class:`NotPermitted` when it was sealed under another key."""
        sealed = store.secrets_of(tx, webhook_id, now)
        seed = unseal(self._key, f"{webhook_id} key", store.signing_key(tx, webhook_id))
        return WebhookKeys([unseal(self._key, f"{webhook_id} secret", each) for each in sealed], seed)


class Webhooks:
    """Thread-safe. Raises :class:`NotFound` for a webhook that is not there or not the actor's."""

    def __init__(
        self,
        database: Database,
        targets: WebhookTargets,
        keys: WebhookSecrets,
        reach_of: ReachOf,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._targets = targets
        self._keys = keys
        self._reach_of = reach_of
        self._now = now

    def create(self, client: str, url: str, types: Iterable[str], *, by: WebhookActor) -> WebhookEndpoint:
        """A webhook for *client*, which sends once the client has its secret (:meth:`make_secret`), all that
        happens from now on. Raises :class:`PreconditionRefused` for an address that is not allowed."""
        self._targets.require_allowed(url)
        wanted, now = wanted_types(types), self._now()
        webhook_id = f"webhook-{secrets.token_hex(8)}"
        sealed, public = self._keys.make_key(webhook_id)
        with self._database.transaction() as tx:
            if self._reach_of(tx, client) is None:
                raise NotFound("There is no active client {client}.", client=client)
            if store.count(tx) >= MOST_WEBHOOKS:
                raise StateRefused("There are {most} webhooks, and no more than that.", most=MOST_WEBHOOKS)
            made = WebhookEndpoint(
                id=webhook_id,
                client=client,
                url=url,
                types=frozenset(each.value for each in wanted),
                state=WebhookState.PENDING,
                reason=None,
                position=events.newest_entry(tx),
                failures=0,
                failing_since=None,
                retry_at=None,
                public_key=public,
                created=now,
            )
            store.insert_webhook(tx, made, sealed)
            self._append(tx, EventKind.WEBHOOK_CREATED, made, by, types=" ".join(sorted(made.types)))
        return made

    def all_of(self, by: WebhookActor) -> list[WebhookEndpoint]:
        """The actor's webhooks, the oldest first."""
        return self._database.query(store.webhooks, by.client)

    def get(self, webhook_id: str, by: WebhookActor) -> WebhookEndpoint:
        with self._database.reading() as tx:
            return _own(tx, webhook_id, by)

    def attempts(self, webhook_id: str, by: WebhookActor) -> list[WebhookAttempt]:
        """The newest attempts, the newest first, at most :data:`SHOWN`."""
        with self._database.reading() as tx:
            _own(tx, webhook_id, by)
            return store.attempts_of(tx, webhook_id, limit=SHOWN)

    def published(self) -> list[PublishedWebhook]:
        """All of them, the oldest first, each with its newest :data:`SHOWN_TO_ADMINISTRATORS` attempts."""
        with self._database.reading() as tx:
            return [
                PublishedWebhook(
                    each,
                    store.last_taken(tx, each.id),
                    tuple(store.attempts_of(tx, each.id, limit=SHOWN_TO_ADMINISTRATORS)),
                )
                for each in store.webhooks(tx)
            ]

    def make_secret(self, webhook_id: str, by: WebhookActor) -> str:
        """A new secret (``whsec_…``), shown to its client and never again; the first one makes the webhook active.
        The one before signs as well for :data:`ROTATION`. Raises :class:`PreconditionRefused` for administrators,
        whom no secret is shown."""
        if by.client is None:
            raise PreconditionRefused("The secret of a webhook is shown to its client alone, through the API.")
        with self._database.transaction() as tx:
            webhook = _own(tx, webhook_id, by)
            shown = self._keys.add_secret(tx, webhook_id, self._now())
            if webhook.state is WebhookState.PENDING:
                store.activate(tx, webhook_id)
            self._append(tx, EventKind.WEBHOOK_SECRET_MADE, webhook, by)
        return shown

    def change_types(self, webhook_id: str, types: Iterable[str], by: WebhookActor) -> WebhookEndpoint:
        """Other types from now on; none means all."""
        wanted = frozenset(each.value for each in wanted_types(types))
        with self._database.transaction() as tx:
            webhook = _own(tx, webhook_id, by)
            store.set_types(tx, webhook_id, wanted)
            self._append(tx, EventKind.WEBHOOK_CHANGED, webhook, by, types=" ".join(sorted(wanted)))
            return store.webhook(tx, webhook_id)

    def disable(self, webhook_id: str, by: WebhookActor) -> WebhookEndpoint:
        """Nothing is sent until it is enabled."""
        reason = DisabledBy.ADMINISTRATOR if by.client is None else DisabledBy.CLIENT
        with self._database.transaction() as tx:
            webhook = _own(tx, webhook_id, by)
            if webhook.reason is DisabledBy.ADMINISTRATOR and by.client is not None:
                raise _administrators_did()
            disable_webhook(tx, webhook, reason, by.subject, self._now())
            return store.webhook(tx, webhook_id)

    def enable(self, webhook_id: str, by: WebhookActor, *, from_now: bool = False) -> WebhookEndpoint:
        """What was not sent meanwhile follows; nothing of it *from_now*. Raises :class:`StateRefused` for one that
        is not disabled, or that a client finds disabled by an administrator."""
        with self._database.transaction() as tx:
            webhook = _own(tx, webhook_id, by)
            self._targets.require_allowed(webhook.url)
            if webhook.state is not WebhookState.DISABLED:
                raise StateRefused("Webhook {webhook} is not disabled.", webhook=webhook_id)
            if webhook.reason is DisabledBy.ADMINISTRATOR and by.client is not None:
                raise _administrators_did()
            if not store.secrets_of(tx, webhook_id, self._now()):
                raise StateRefused("The client of webhook {webhook} has no secret for it yet.", webhook=webhook_id)
            store.activate(tx, webhook_id, position=events.newest_entry(tx) if from_now else None)
            self._append(tx, EventKind.WEBHOOK_ENABLED, webhook, by)
            return store.webhook(tx, webhook_id)

    def remove(self, webhook_id: str, by: WebhookActor) -> None:
        """Nothing is sent any more; its secrets and attempts are forgotten."""
        with self._database.transaction() as tx:
            webhook = _own(tx, webhook_id, by)
            store.remove(tx, webhook_id)
            self._append(tx, EventKind.WEBHOOK_REMOVED, webhook, by)

    def replay(self, webhook_id: str, first: int, last: int, by: WebhookActor) -> None:
        """Sends the events of the log entries *first* to *last* once more, with the ids that they had. Raises
        :class:`PreconditionRefused` for entries that are not there."""
        if not 0 <= first <= last:
            raise PreconditionRefused("The first entry of a replay is not above its last.")
        with self._database.transaction() as tx:
            webhook = _sending(tx, webhook_id, by)
            require_cursor(tx, last)
            store.ask(tx, webhook_id, WebhookRequestKind.REPLAY, "", entries=(first - 1, last), at=self._now())
            self._append(tx, EventKind.WEBHOOK_REPLAYED, webhook, by, first=first, last=last)

    def send_test(self, webhook_id: str, by: WebhookActor) -> str:
        """Queues one event of the type ``webhook.test``, which goes out at once, once; its id."""
        message = f"evt_test_{secrets.token_hex(8)}"
        with self._database.transaction() as tx:
            _sending(tx, webhook_id, by)
            store.ask(tx, webhook_id, WebhookRequestKind.TEST, message, entries=(-1, -1), at=self._now())
        return message

    def _append(
        self, tx: Transaction, kind: EventKind, webhook: WebhookEndpoint, by: WebhookActor, **more: Field
    ) -> None:
        append_event(tx, _event(kind, webhook, by.subject, self._now(), **more))


def disable_webhook(
    tx: Transaction, webhook: WebhookEndpoint, reason: DisabledBy, actor: str, now: datetime
) -> None:
    """active or pending → disabled for *reason*, with its event."""
    store.disable(tx, webhook.id, reason)
    append_event(tx, _event(EventKind.WEBHOOK_DISABLED, webhook, actor, now, reason=reason.value))


def _event(kind: EventKind, webhook: WebhookEndpoint, actor: str, at: datetime, **more: Field) -> AuditEvent:
    public: dict[str, Field] = {"webhook": webhook.id, "api_client": webhook.client, **more}
    return AuditEvent(kind, at, actor, None, public, {"url": webhook.url})


def _own(tx: Transaction, webhook_id: str, by: WebhookActor) -> WebhookEndpoint:
    webhook = store.webhook(tx, webhook_id)
    if by.client is not None and webhook.client != by.client:
        raise NotFound("There is no webhook {webhook}.", webhook=webhook_id)
    return webhook


def _sending(tx: Transaction, webhook_id: str, by: WebhookActor) -> WebhookEndpoint:
    """Raises :class:`StateRefused` for a webhook to which nothing is sent, or of which too much is asked."""
    webhook = _own(tx, webhook_id, by)
    if webhook.state is not WebhookState.ACTIVE:
        raise StateRefused("Nothing is sent to webhook {webhook}: it is not active.", webhook=webhook_id)
    if len(store.requests_of(tx, webhook_id)) >= MOST_REQUESTS:
        raise StateRefused("For webhook {webhook} enough is asked for already; wait for it.", webhook=webhook_id)
    return webhook


def _administrators_did() -> StateRefused:
    return StateRefused("Administrators have disabled this webhook, and they alone enable it again.")
