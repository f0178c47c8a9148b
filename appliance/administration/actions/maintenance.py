"""Actions on maintenance: announced, begun, ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from appliance.administration.action import Action, Argument, ArgumentKind, ExecutedBy
from appliance.administration.actions.people import NOBODY, SYSTEM
from appliance.administration.parts import ActionContext
from appliance.model.administration import Actor, AdminRequestOutcome
from appliance.model.maintenance import MaintenanceWindow


def _begin(parts: ActionContext, arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    begins = arguments.get("begins")
    window = MaintenanceWindow(
        begins=datetime.fromisoformat(begins) if begins else parts.now(),
        until=datetime.fromisoformat(arguments["until"]),
        message=arguments.get("message", ""),
    )
    logins = arguments.get("exceptions", "").replace(",", " ").split()
    planned = parts.appliance.maintenance.plan(window, logins)
    if planned.is_under_way(parts.now()):
        if logins:
            told = "The maintenance has begun; everybody can only look, but for {logins}."
            return AdminRequestOutcome(told, {"logins": ", ".join(logins)})
        return AdminRequestOutcome("The maintenance has begun; everybody can only look.")
    return AdminRequestOutcome("The maintenance is announced on every page.")


def _end(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    parts.appliance.maintenance.end()
    return AdminRequestOutcome("The maintenance has ended; everything goes on.")


ACTIONS = (
    Action(
        name="maintenance.begin",
        title="Begin or announce a maintenance",
        effect="From {begins} (or now) until somebody ends it, expected at {until}, people can look and change"
        " nothing, no timestamps are given, and the scheduler holds; but for {exceptions}. Every page announces"
        " it: {message}",
        undo="The action maintenance.end, also before it begins.",
        who=SYSTEM,
        approvers=NOBODY,
        arguments=(
            Argument("begins", "Begin; without it, now", ArgumentKind.MOMENT, required=False),
            Argument("until", "Expected end", ArgumentKind.MOMENT),
            Argument("message", "What people are told besides", required=False),
            Argument("exceptions", "Logins in the portal that may go on, for testing", required=False),
        ),
        executed_by=ExecutedBy.SCHEDULER,
        perform=_begin,
    ),
    Action(
        name="maintenance.end",
        title="End the maintenance",
        effect="The maintenance that is announced or under way ends; everything goes on.",
        undo="The action maintenance.begin.",
        who=SYSTEM,
        approvers=NOBODY,
        arguments=(),
        executed_by=ExecutedBy.SCHEDULER,
        perform=_end,
    ),
)
