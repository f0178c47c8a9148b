"""Webhooks of the client itself. Administrators add them, since they decide where events may go; the client makes
the secret, and looks after the rest."""

from __future__ import annotations

from typing import Final

from appliance.events import WebhookActor
from appliance.model.api_clients import Scope
from appliance.model.webhooks import WebhookAttempt, WebhookEndpoint, WebhookState
from webui.api.events import (
    ApiEnabling,
    ApiReplay,
    ApiWebhook,
    ApiWebhookAttempt,
    ApiWebhookHistory,
    ApiWebhooks,
    ApiWebhookSecret,
    ApiWebhookTest,
    ApiWebhookTypes,
    types_called,
)
from webui.api.operations import Answer, Call, Declared, KeyRule, Leads, operation
from webui.shared.served import appliance

ONE: Final = "/webhooks/{webhook_id}"
WEBHOOK: Final = Leads("webhook", {"webhook_id": "$response.body#/id"})
REFUSALS: Final = ("not-found", "state-refused", "precondition-refused")


def _actor(call: Call) -> WebhookActor:
    return WebhookActor.of_client(call.client.client.id)


def _webhook(known: WebhookEndpoint) -> ApiWebhook:
    return ApiWebhook(
        id=known.id,
        url=known.url,
        types=sorted(known.types),
        state=known.state.value,
        disabled_by=None if known.reason is None else known.reason.value,
        position=known.position,
        failures=known.failures,
        failing_since=known.failing_since,
        retry_at=known.retry_at,
        public_key=known.public_key,
        created=known.created,
    )


def _attempt(made: WebhookAttempt) -> ApiWebhookAttempt:
    return ApiWebhookAttempt(made.message, made.type, made.at, made.status, made.milliseconds, made.problem)


@operation(
    "GET",
    "/webhooks",
    Scope.EVENTS_READ,
    {200: ApiWebhooks},
    leads=Leads("listed_webhook", {"webhook_id": "$response.body#/webhooks/0/id"}),
)
def list_webhooks(call: Call) -> Answer:
    """List the client's webhooks.

    Two administrators add one: they decide where events may go.
    """
    return Answer(ApiWebhooks([_webhook(each) for each in appliance.webhooks.all_of(_actor(call))]))


@operation("GET", ONE, Scope.EVENTS_READ, {200: ApiWebhookHistory}, Declared(problems=("not-found",)), WEBHOOK)
def get_webhook(call: Call, webhook_id: str) -> Answer:
    """Read a webhook, and what became of its newest attempts."""
    by = _actor(call)
    known, made = appliance.webhooks.get(webhook_id, by), appliance.webhooks.attempts(webhook_id, by)
    fields = _webhook(known)
    shown = {name: getattr(fields, name) for name in fields.__struct_fields__}
    return Answer(ApiWebhookHistory(**shown, attempts=[_attempt(each) for each in made]))


@operation(
    "PATCH",
    ONE,
    Scope.WEBHOOKS_WRITE,
    {200: ApiWebhook},
    Declared(body=ApiWebhookTypes, problems=("not-found",)),
    WEBHOOK,
)
def change_webhook(call: Call, webhook_id: str) -> Answer:
    """Change which events a webhook gets.

    It holds from now on, also for what was not sent yet.
    """
    types = types_called(call.body(ApiWebhookTypes).types, "invalid-body")
    return Answer(_webhook(appliance.webhooks.change_types(webhook_id, types, _actor(call))))


@operation(
    "POST",
    f"{ONE}/secret",
    Scope.WEBHOOKS_WRITE,
    {200: ApiWebhookSecret},
    Declared(problems=("not-found",)),
)
def make_webhook_secret(call: Call, webhook_id: str) -> Answer:
    """Make the secret of a webhook, or another one.

    It is shown this once; the first one makes the webhook active. For 24 hours the one before signs as well, so
    that the receiver can change over.

    It takes no `Idempotency-Key`, since the answer is not kept. Each request makes another secret, and only the
    two newest sign: if no answer came, repeat it, and give the receiver the new one at once.
    """
    return Answer(ApiWebhookSecret(appliance.webhooks.make_secret(webhook_id, _actor(call))))


@operation(
    "POST",
    f"{ONE}/enable",
    Scope.WEBHOOKS_WRITE,
    {200: ApiWebhook},
    Declared(body=ApiEnabling, problems=REFUSALS, key=KeyRule.OPTIONAL),
    WEBHOOK,
)
def enable_webhook(call: Call, webhook_id: str) -> Answer:
    """Enable a webhook that is disabled.

    What was not sent meanwhile follows, unless it is to go on `from_now`. One that administrators have disabled
    they alone enable.
    """
    by = _actor(call)
    if call.again and (known := appliance.webhooks.get(webhook_id, by)).state is WebhookState.ACTIVE:
        return Answer(_webhook(known))
    from_now = call.body(ApiEnabling).from_now
    return Answer(_webhook(appliance.webhooks.enable(webhook_id, by, from_now=from_now)))


@operation(
    "POST",
    f"{ONE}/disable",
    Scope.WEBHOOKS_WRITE,
    {200: ApiWebhook},
    Declared(problems=("not-found", "state-refused"), key=KeyRule.OPTIONAL),
    WEBHOOK,
)
def disable_webhook(call: Call, webhook_id: str) -> Answer:
    """Disable a webhook.

    Nothing is sent until it is enabled.
    """
    return Answer(_webhook(appliance.webhooks.disable(webhook_id, _actor(call))))


@operation(
    "POST",
    f"{ONE}/replay",
    Scope.WEBHOOKS_WRITE,
    {200: ApiWebhook},
    Declared(body=ApiReplay, problems=REFUSALS, key=KeyRule.OPTIONAL),
    WEBHOOK,
)
def replay_webhook(call: Call, webhook_id: str) -> Answer:
    """Send events once more.

    Those of some entries of the log, with the ids that they had, after what has not been sent at all.
    """
    by, asked = _actor(call), call.body(ApiReplay)
    appliance.webhooks.replay(webhook_id, asked.first, asked.last, by)
    return Answer(_webhook(appliance.webhooks.get(webhook_id, by)))


@operation(
    "POST",
    f"{ONE}/test",
    Scope.WEBHOOKS_WRITE,
    {200: ApiWebhookTest},
    Declared(problems=("not-found", "state-refused"), key=KeyRule.OPTIONAL),
)
def send_webhook_test(call: Call, webhook_id: str) -> Answer:
    """Send a test.

    One event of the type `webhook.test`, once, within seconds; what became of it is among the attempts.
    """
    return Answer(ApiWebhookTest(appliance.webhooks.send_test(webhook_id, _actor(call))))
