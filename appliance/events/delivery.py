"""Sending events to webhooks: at least once, in the order of the log for each of them.

A webhook has a position in the log. What follows it is sent, one event after the other, and the position moves
on when the receiver has taken one (2xx). One that is not taken is tried again, with growing pauses, and holds back
those after it: an integrator never hears of the end of a contract before its beginning. Each webhook that has
something to send has a thread of its own, so none waits for another.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from appliance.acting_client import ClientReach
from appliance.egress import Egress, EgressFailed, ExchangeLimits
from appliance.errors import NotFound, PreconditionRefused
from appliance.events.endpoints import ReachOf, WebhookSecrets, disable_webhook
from appliance.events.feed import EVERYTHING, read_page
from appliance.events.targets import WebhookTargets
from appliance.events.types import EventType, wanted_types
from appliance.ledger.audit_trail import SYSTEM
from appliance.model.webhooks import (
    DisabledBy,
    WebhookAttempt,
    WebhookEndpoint,
    WebhookRequest,
    WebhookRequestKind,
    WebhookState,
)
from appliance.store import webhooks as store
from appliance.store.database import Database, Transaction
from hsm.errors import NotPermitted, RefusalError

log = logging.getLogger(__name__)

SECONDS: Final = 15.0
"""For one attempt as a whole: name, connection, TLS, answer."""

LIMITS: Final = ExchangeLimits(SECONDS, 0, frozenset(range(200, 300)))
GONE: Final = 410
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=1)
GIVEN_UP: Final = timedelta(days=3)
"""Without a success since then, a webhook is disabled."""

KEPT: Final = timedelta(days=30)
"""For how long attempts are kept."""

TURN: Final = 200
"""Steps of one webhook until it is asked anew who has something to send."""

SAVED_EVERY: Final = 500
"""Entries without an event for a webhook after which its position is stored all the same."""


@dataclass(frozen=True, slots=True)
class _Message:
    """What is sent next. ``entry`` is its place in the log, -1 of a test; ``request`` is what asked for it, None
    in the ordinary course."""

    id: str
    type: EventType
    body: bytes
    entry: int
    request: WebhookRequest | None

    @property
    def is_test(self) -> bool:
        return self.request is not None and self.request.kind is WebhookRequestKind.TEST


@dataclass(frozen=True, slots=True)
class _Due:
    """What is to be done for a webhook: send ``message``; without one, note that nothing up to ``position`` is
    for it, which is ``worth`` a write. ``more``: there may be something behind it."""

    message: _Message | None = None
    position: int = -1
    request: WebhookRequest | None = None
    worth: bool = False
    more: bool = False


class WebhookDelivery:
    """There is one sender (the scheduler's). *trust* is a PEM file of authorities for TLS; None means the
    system's."""

    def __init__(
        self,
        database: Database,
        targets: WebhookTargets,
        keys: WebhookSecrets,
        reach_of: ReachOf,
        now: Callable[[], datetime],
        *,
        trust: str | None = None,
        limits: ExchangeLimits = LIMITS,
    ) -> None:
        self._database = database
        self._targets = targets
        self._keys = keys
        self._reach_of = reach_of
        self._now = now
        self._trust = trust
        self._limits = limits
        self._busy: dict[str, threading.Thread] = {}
        self._turn = threading.Lock()
        self._over = threading.Event()

    def run_round(self) -> None:
        """Begins to send what is due, and comes back without waiting for it. Raises :class:`StorageError`."""
        self._forget()
        for webhook_id in self._database.query(store.active):
            with self._turn:
                if webhook_id in self._busy or self._over.is_set():
                    continue
                thread = threading.Thread(
                    target=self._serve, args=(webhook_id,), daemon=True, name=f"webhook {webhook_id}"
                )
                self._busy[webhook_id] = thread
                thread.start()

    def close(self) -> None:
        """Begins nothing any more, and waits for what is under way, for as long as one attempt may take."""
        self._over.set()
        self.wait(self._limits.seconds + 1)

    def wait(self, seconds: float) -> bool:
        """Waits until nothing is being sent; whether that came within so many *seconds*."""
        until = time.monotonic() + seconds
        with self._turn:
            threads = list(self._busy.values())
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _forget(self) -> None:
        now = self._now()
        with self._database.reading() as tx:
            is_old = store.has_old(tx, attempts_before=now - KEPT, secrets_before=now)
        if is_old:
            with self._database.transaction() as tx:
                store.forget_attempts(tx, before=now - KEPT)
                store.end_old_secrets(tx, now)

    def _serve(self, webhook_id: str) -> None:
        """What is due of one webhook, in its own thread."""
        try:
            for _ in range(TURN):
                if self._over.is_set() or not self._step(webhook_id):
                    return
        except NotFound:  # removed meanwhile
            return
        except (RefusalError, OSError) as error:
            log.warning("%s: %s", webhook_id, error)
            self._over.wait(FIRST_PAUSE.total_seconds())
        finally:
            with self._turn:
                self._busy.pop(webhook_id, None)

    def _step(self, webhook_id: str) -> bool:
        """Does what is due next; whether there may be more to do now."""
        now = self._now()
        with self._database.reading() as tx:
            webhook = store.webhook(tx, webhook_id)
            reach = self._reach_of(tx, webhook.client)
            if webhook.state is not WebhookState.ACTIVE or reach is None:
                return False
            due = _due(tx, webhook, reach, now)
        if due.message is None:
            if due.worth:
                self._database.commit(_move_on, webhook_id, due.request, due.position)
            return due.more
        attempt, wait = self._attempt(webhook, due.message)
        with self._database.transaction() as tx:
            self._settle(tx, store.webhook(tx, webhook_id), due.message, attempt, wait)
        return attempt.problem is None

    def _attempt(self, webhook: WebhookEndpoint, message: _Message) -> tuple[WebhookAttempt, timedelta]:
        """Sends *message* once; how long the receiver wants to be left alone."""
        at, began, wait = self._now(), time.monotonic(), timedelta()
        status: int | None = None
        problem: str | None = None
        egress = Egress(self._limits, trust=self._trust, connect=self._targets.connect)
        try:
            self._targets.require_allowed(webhook.url)  # the settings may have changed
            keys = self._database.query(self._keys.keys, webhook.id, at)
            status = egress.post(webhook.url, message.body, keys.headers(message.id, at, message.body)).status
        except EgressFailed as failure:
            status, problem, wait = failure.status, str(failure), asked_pause(failure.after, at)
        except (PreconditionRefused, NotPermitted) as refusal:  # NotPermitted: sealed under another key
            problem = str(refusal)
        milliseconds = round((time.monotonic() - began) * 1000)
        return WebhookAttempt(message.id, message.type.value, at, status, milliseconds, problem), wait

    def _settle(
        self,
        tx: Transaction,
        webhook: WebhookEndpoint,
        message: _Message,
        attempt: WebhookAttempt,
        wait: timedelta,
    ) -> None:
        """Notes what became of *message*, in the transaction that moves the webhook on."""
        now = self._now()
        store.add_attempt(tx, webhook.id, attempt)
        if message.is_test and message.request is not None:
            store.end_request(tx, message.request.id)
        if attempt.problem is None:
            store.succeeded(tx, webhook.id)
            if not message.is_test:
                _move_on(tx, webhook.id, message.request, message.entry)
            return
        if not message.is_test:
            store.failed(tx, webhook.id, now, now + max(wait, pause_after(webhook.failures + 1)))
        if webhook.state is WebhookState.DISABLED:
            return
        if attempt.status == GONE:
            disable_webhook(tx, webhook, DisabledBy.GONE, SYSTEM, now)
        elif webhook.failing_since is not None and now - webhook.failing_since >= GIVEN_UP:
            disable_webhook(tx, webhook, DisabledBy.FAILING, SYSTEM, now)


def pause_after(failures: int) -> timedelta:
    """The pause after so many failures in a row: :data:`FIRST_PAUSE`, doubling up to :data:`LONGEST_PAUSE`, and by
    up to a quarter longer or shorter, so that receivers that failed together are not asked together."""
    doubled: int = 2 ** min(failures - 1, 20)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311 -- no secret


def asked_pause(after: str, now: datetime) -> timedelta:
    """How long a Retry-After (RFC 9110, 10.2.3: seconds, or a date) asks to wait, :data:`LONGEST_PAUSE` at most;
    nothing where it says neither."""
    wait = timedelta()
    if after.isascii() and after.isdigit():
        wait = timedelta(seconds=min(int(after[:9]), LONGEST_PAUSE.total_seconds()))
    else:
        with suppress(ValueError, OverflowError):
            wait = parsedate_to_datetime(after).replace(tzinfo=UTC) - now
    return min(max(wait, timedelta()), LONGEST_PAUSE)


def _move_on(tx: Transaction, webhook_id: str, request: WebhookRequest | None, position: int) -> None:
    if request is None:
        store.advance(tx, webhook_id, position)
    else:
        store.advance_request(tx, request.id, position)


def _due(tx: Transaction, webhook: WebhookEndpoint, reach: ClientReach, now: datetime) -> _Due:
    """Tests at once; everything else after the pause: first what happened, then what is to be sent once more."""
    requests = store.requests_of(tx, webhook.id)
    if requests and requests[0].kind is WebhookRequestKind.TEST:
        return _Due(_test(requests[0]))
    if webhook.retry_at is not None and now < webhook.retry_at:
        return _Due()
    due = _next_after(tx, webhook, reach, webhook.position, None)
    if due.message is None and not due.more and requests:
        return _next_after(tx, webhook, reach, requests[0].position, requests[0])
    return due


def _next_after(
    tx: Transaction, webhook: WebhookEndpoint, reach: ClientReach, position: int, request: WebhookRequest | None
) -> _Due:
    last = EVERYTHING if request is None else request.last
    types = wanted_types(webhook.types)
    page = read_page(tx, position, reach, limit=1, types=types, last=last)
    if page.events:
        [event] = page.events
        return _Due(_Message(event.id, event.type, event.body(), event.log.entry, request))
    if request is not None:
        return _Due(position=page.cursor if page.more else last, request=request, worth=True, more=True)
    return _Due(position=page.cursor, worth=page.more or page.cursor - position >= SAVED_EVERY, more=page.more)


def _test(request: WebhookRequest) -> _Message:
    moment = request.asked.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    said = {"id": request.message, "type": EventType.TEST.value, "timestamp": moment, "data": {}}
    return _Message(request.message, EventType.TEST, json.dumps(said).encode(), -1, request)
