"""``/clients``: the programs that use the API, what they may do, when they last did, and where their events go;
``/clients/webhooks/ID``: what was sent to one webhook. All of it as the scheduler last saw it; what is done about
it are actions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from flask import Blueprint, render_template

from appliance.administration.action import Action
from appliance.administration.actions import REGISTRY, may_ask
from appliance.administration.actions.integration import CHANGE_CERTIFICATE, CREATE, ROTATE
from appliance.errors import NotFound
from appliance.model.api_clients import SCOPE_TITLES, ApiClient, ClientState
from appliance.model.webhooks import DisabledBy, PublishedWebhook, WebhookAttempt, WebhookState
from webui.console.access import administration, visitor
from webui.shared.language import translate

STATES = {ClientState.ACTIVE: ("Active", "good"), ClientState.SUSPENDED: ("Suspended", "bad")}

FITTING = {
    ClientState.ACTIVE: ("api.suspend_client", ROTATE, CHANGE_CERTIFICATE, "api.change_origins"),
    ClientState.SUSPENDED: ("api.resume_client",),
}
"""What can be done about a client in each state; what it proves itself by is changed where it has that."""

WEBHOOK_STATES = {
    WebhookState.PENDING: ("Waits for its client to make the secret", ""),
    WebhookState.ACTIVE: ("Active", "good"),
    WebhookState.DISABLED: ("Disabled", "bad"),
}

REASONS = {
    DisabledBy.GONE: "The receiver said that it wants no more events (410).",
    DisabledBy.FAILING: "The receiver took no event for three days.",
    DisabledBy.ADMINISTRATOR: "An administrator has suspended it.",
    DisabledBy.CLIENT: "Its client has disabled it.",
}

ADD, REPLAY = "webhooks.add", "webhooks.replay"
FITTING_WEBHOOK = {
    WebhookState.PENDING: ("webhooks.remove",),
    WebhookState.ACTIVE: ("webhooks.test", REPLAY, "webhooks.suspend", "webhooks.remove"),
    WebhookState.DISABLED: ("webhooks.resume", "webhooks.remove"),
}

_EVENT = re.compile(r"evt_([0-9]{1,18})")

blueprint = Blueprint("clients", __name__)


def _allowed() -> Mapping[str, Action]:
    actor = visitor().actor
    return {name: each for name, each in REGISTRY.items() if may_ask(actor, each)}


def _those(names: Iterable[str], allowed: Mapping[str, Action]) -> list[Action]:
    return [allowed[name] for name in names if name in allowed]


def _webhook_state(each: PublishedWebhook) -> tuple[str, str]:
    """The words and the colour: one whose receiver takes nothing is active, but not well."""
    if each.webhook.state is WebhookState.ACTIVE and each.webhook.failures:
        return "Its receiver takes nothing now", "bad"
    return WEBHOOK_STATES[each.webhook.state]


@blueprint.get("/clients")
def everything() -> str:
    """The page: each client with its webhooks, and what the reader may ask for about it."""
    allowed, say, webhooks = _allowed(), translate(), administration.webhooks.all()
    rows = [
        (
            each,
            [say(SCOPE_TITLES[scope]) for scope in SCOPE_TITLES if scope in each.scopes],
            [(hook, *_webhook_state(hook)) for hook in webhooks if hook.webhook.client == each.id],
            _those((name for name in FITTING[each.state] if name != _unfit(each)), allowed),
        )
        for each in administration.api_clients.all()
    ]
    adding = allowed.get(ADD)
    return render_template("clients.html", rows=rows, states=STATES, new=allowed.get(CREATE), adding=adding)


@blueprint.get("/clients/webhooks/<webhook_id>")
def webhook(webhook_id: str) -> str:
    """One webhook: how it stands, and its newest attempts, each of which can be sent once more."""
    found = next((each for each in administration.webhooks.all() if each.webhook.id == webhook_id), None)
    if found is None:
        raise NotFound("There is no webhook {webhook}.", webhook=webhook_id)
    allowed = _allowed()
    known = {each.id: each.name for each in administration.api_clients.all()}
    actions = _those(FITTING_WEBHOOK[found.webhook.state], allowed)
    replay = next((each for each in actions if each.name == REPLAY), None)
    return render_template(
        "webhook.html",
        it=found.webhook,
        taken=found.taken,
        client=known.get(found.webhook.client, found.webhook.client),
        state=_webhook_state(found),
        reason=REASONS.get(found.webhook.reason) if found.webhook.reason else None,
        attempts=[(each, entry_of(each)) for each in found.attempts],
        actions=actions,
        replay=replay,
    )


def entry_of(attempt: WebhookAttempt) -> int | None:
    """The log entry whose event was sent; None for a test."""
    event = _EVENT.fullmatch(attempt.message)
    return int(event[1]) if event else None


def _unfit(client: ApiClient) -> str:
    return CHANGE_CERTIFICATE if client.certificate is None else ROTATE
