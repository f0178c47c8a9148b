"""Actions on two machines that serve as one: to let the other one serve, in earnest or to see whether it can."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from appliance.administration.action import SECURITY, SYSTEM, Action, ActionContext, ExecutedBy
from appliance.administration.switch_over import find_outcome
from appliance.cluster import ClusterUnreadable, read_cluster_settings
from appliance.config import Settings
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.administration import Actor, AdminRequest, AdminRequestOutcome

SWITCH_OVER, DRILL = "cluster.switch_over", "cluster.drill"


def _require_cluster(settings: Settings, _arguments: Mapping[str, str]) -> None:
    try:
        known = read_cluster_settings(settings.home)
    except ClusterUnreadable as error:
        raise PreconditionRefused(error.template, **error.values) from error
    if known is None:
        raise PreconditionRefused("This machine serves alone: there is no other one that could take over.")


def _move(parts: ActionContext, arguments: Mapping[str, str], _by: Actor, *, drill: bool) -> AdminRequestOutcome:
    _require_cluster(parts.settings, arguments)
    if parts.act is None:
        raise StateRefused("A switch-over is done for an admin request alone.")
    return parts.host.switch_over(parts.act.id, drill=drill)


def _came_of_it(settings: Settings, act: AdminRequest) -> AdminRequestOutcome | None:
    return find_outcome(settings.home, act.id)


_by_two = partial(
    Action,
    who=SYSTEM,
    approvers=SECURITY,
    executed_by=ExecutedBy.PRIVILEGED_HELPER,
    precheck=_require_cluster,
    outcome_elsewhere=_came_of_it,
    undo="The action cluster.switch_over goes back to the machine that served before.",
)

ACTIONS = (
    _by_two(
        SWITCH_OVER,
        "Switch over to the other machine",
        "Everything stops in order on the machine that serves, and starts on the other one. Nobody is served for"
        " some seconds; nothing that was acknowledged is lost. It is refused unless the other machine could take"
        " over now.",
        perform=partial(_move, drill=False),
    ),
    _by_two(
        DRILL,
        "Hold a failover drill",
        "As in a switch-over, everything stops in order on the machine that serves, and starts on the other one."
        " Nobody is served for some seconds; how many is kept as the result of the drill. It is refused unless the"
        " other machine could take over now.",
        perform=partial(_move, drill=True),
    ),
)
