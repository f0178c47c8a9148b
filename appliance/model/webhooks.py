"""Webhooks: the addresses to which events are sent, and what became of each attempt. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WebhookState(StrEnum):
    """Events are sent to active ones alone; what was not sent meanwhile follows once it is enabled."""

    PENDING = "pending"
    """Administrators have approved it; its client has not asked for the secret yet."""
    ACTIVE = "active"
    DISABLED = "disabled"


class DisabledBy(StrEnum):
    """Why a webhook is disabled."""

    GONE = "gone"
    """The receiver answered 410: it wants no more."""
    FAILING = "failing"
    """Nothing was taken for three days."""
    ADMINISTRATOR = "administrator"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where the events of one ``client`` go; no ``types`` means all. ``position`` is the number of the last log
    entry that was delivered, or that is not for it. ``failures`` counts those since the last success, which began
    at ``failing_since``; nothing is sent before ``retry_at``. ``public_key`` (``whpk_…``) verifies v1a."""

    id: str
    client: str
    url: str
    types: frozenset[str]
    state: WebhookState
    reason: DisabledBy | None
    position: int
    failures: int
    failing_since: datetime | None
    retry_at: datetime | None
    public_key: str
    created: datetime


class WebhookRequestKind(StrEnum):
    """What can be asked for beside the events as they come."""

    TEST = "test"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A test, whose id is ``message``; or the events of the log entries after ``position`` up to ``last`` once
    more."""

    id: int
    kind: WebhookRequestKind
    message: str
    position: int
    last: int
    asked: datetime


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One POST. ``status`` is the HTTP status, None when none came; ``problem`` is None for a success."""

    message: str
    type: str
    at: datetime
    status: int | None
    milliseconds: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class PublishedWebhook:
    """A webhook as administrators see it: when its receiver last took something, as far as attempts are kept, and
    the newest attempts, the newest first."""

    webhook: WebhookEndpoint
    taken: datetime | None
    attempts: tuple[WebhookAttempt, ...]
