"""Actions on webhooks: where contracts' events leave the house takes two persons, to stop them takes one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from appliance.administration.action import (
    BOTH,
    SECURITY,
    SYSTEM,
    Action,
    ActionContext,
    Argument,
    ArgumentKind,
    ExecutedBy,
)
from appliance.api_clients.rules import require_client_id
from appliance.config import Settings
from appliance.events import WebhookActor, WebhookTargets, wanted_types
from appliance.model.administration import ROOT, Actor, AdminRequestOutcome

_WEBHOOK = Argument("webhook", "The webhook, by its ID")


def _actor(by: Actor) -> WebhookActor:
    return WebhookActor(by.login if by == ROOT else f"administrator-{by.login}")


def _types(arguments: Mapping[str, str]) -> list[str]:
    return arguments.get("types", "").replace(",", " ").split()


def _require_possible(settings: Settings, arguments: Mapping[str, str]) -> None:
    """Which clients there are, the console learns later than the scheduler: one may have just been added."""
    require_client_id(arguments["client"])
    WebhookTargets.of(settings).require_allowed(arguments["url"])
    wanted_types(_types(arguments))


def _add(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    client, url = arguments["client"], arguments["url"]
    made = parts.appliance.webhooks.create(client, url, _types(arguments), by=_actor(by))
    return AdminRequestOutcome(
        "The webhook is called {webhook}. It begins to send once client {client} has made its secret through the"
        " API; signatures of the form v1a are verified by {key}.",
        {"webhook": made.id, "client": made.client, "key": made.public_key},
    )


def _suspend(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    parts.appliance.webhooks.disable(arguments["webhook"], _actor(by))
    return AdminRequestOutcome("Nothing is sent to {webhook} any more.", {"webhook": arguments["webhook"]})


def _resume(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    parts.appliance.webhooks.enable(arguments["webhook"], _actor(by))
    template = "Events go to {webhook} again; those that were not sent meanwhile follow."
    return AdminRequestOutcome(template, {"webhook": arguments["webhook"]})


def _test(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    message = parts.appliance.webhooks.send_test(arguments["webhook"], _actor(by))
    template = (
        "The test {message} goes to {webhook} within a second; the client sees among the attempts what came."
    )
    return AdminRequestOutcome(template, {"webhook": arguments["webhook"], "message": message})


def _replay(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    first, last = int(arguments["first"]), int(arguments["last"])
    parts.appliance.webhooks.replay(arguments["webhook"], first, last, _actor(by))
    template = "The events of the log entries {first} to {last} go to {webhook} once more."
    return AdminRequestOutcome(template, dict(arguments))


def _remove(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    parts.appliance.webhooks.remove(arguments["webhook"], _actor(by))
    return AdminRequestOutcome("There is no webhook {webhook} any more.", {"webhook": arguments["webhook"]})


_alone = partial(Action, who=BOTH, arguments=(_WEBHOOK,), executed_by=ExecutedBy.SCHEDULER)
_by_two = partial(_alone, who=SYSTEM, approvers=SECURITY)

ACTIONS = (
    _by_two(
        "webhooks.add",
        "Add a webhook",
        "What happens to the contracts that client {client} may read is sent to {url}, as events of the types"
        " {types} (or of all); without names, with the numbers of log entries. The client makes the secret through"
        " the API: no administrator is shown one.",
        undo="The action webhooks.remove.",
        arguments=(
            Argument("client", "The client, by its ID"),
            Argument("url", "Address, whose host the setting webhooks.targets names"),
            Argument("types", "Types of event; without them, all", required=False),
        ),
        perform=_add,
        precheck=_require_possible,
    ),
    _alone(
        "webhooks.suspend",
        "Suspend a webhook",
        "Nothing is sent to {webhook}, for now; its client cannot change that.",
        undo="The action webhooks.resume, after which what was not sent follows.",
        perform=_suspend,
    ),
    _by_two(
        "webhooks.resume",
        "Resume a webhook",
        "Events go to {webhook} again, also if its receiver said that it is gone, or took none for three days;"
        " those that were not sent meanwhile follow.",
        undo="The action webhooks.suspend.",
        perform=_resume,
    ),
    _alone(
        "webhooks.test",
        "Test a webhook",
        "One event of the type webhook.test goes to {webhook}, at once and once; if it is taken, what waits"
        " follows.",
        undo="What is gone cannot be taken back; it says only that it is a test.",
        perform=_test,
    ),
    _alone(
        "webhooks.replay",
        "Send events once more",
        "The events of the log entries {first} to {last} go to {webhook} once more, with the ids that they had.",
        undo="What is gone cannot be taken back; it says the same as before.",
        arguments=(
            _WEBHOOK,
            Argument("first", "First log entry", ArgumentKind.NUMBER),
            Argument("last", "Last log entry", ArgumentKind.NUMBER),
        ),
        perform=_replay,
    ),
    _alone(
        "webhooks.remove",
        "Remove a webhook",
        "Nothing is sent to {webhook} any more; its secrets and the list of its attempts are deleted.",
        undo="Nothing brings it back; another one may be added.",
        perform=_remove,
    ),
)
