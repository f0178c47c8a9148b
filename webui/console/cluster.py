"""``/cluster``: the two machines that serve as one: who serves, whether the other could take over now, and when
one took over. Who serves is the machine that answers here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, render_template

from appliance.administration.action import Action
from appliance.administration.actions import REGISTRY, may_ask
from appliance.administration.actions.cluster import DRILL, SWITCH_OVER
from appliance.cluster import (
    ClusterState,
    ClusterUnreadable,
    FencingDevice,
    History,
    NodeRole,
    NodeState,
    PacemakerState,
    TakeoverCause,
    VolumeState,
    read_cluster_settings,
    read_cluster_state,
    read_history,
)
from appliance.health import Observed
from appliance.health.cluster_checks import could_run, why_barred
from appliance.health.surveys import TITLES
from appliance.home import Home
from appliance.language.sizes import ByteSize
from webui.console.access import parts, visitor
from webui.shared.forms import sentence
from webui.shared.language import translate

SHOWN = 30
"""Takeovers on the page, the newest."""

ROLES = {
    NodeRole.ACTIVE: ("Active node", "good"),
    NodeRole.STANDBY: ("Standby node", "good"),
    NodeRole.ABSENT: ("Offline", "bad"),
    NodeRole.LOST: ("Lost, not cut off yet", "bad"),
    NodeRole.SET_ASIDE: ("Set aside", "open"),
}
"""What the roles of a machine are called, and the tone of the badge."""

CAUSES = {
    TakeoverCause.FAILOVER: ("Failover", "open"),
    TakeoverCause.SWITCH_OVER: ("Switch-over", ""),
    TakeoverCause.DRILL: ("Failover drill", "good"),
    TakeoverCause.START: ("Started again", ""),
}
"""Why a machine began to serve."""

FENCING = {"power": "by cutting its power", "sbd": "by a watchdog that resets it (SBD)"}
"""How a machine is cut off."""

blueprint = Blueprint("cluster", __name__)


@dataclass(frozen=True, slots=True)
class ShownNode:
    """A machine, its role in words, and whether it could take over: ``problem`` says why not. ``equal``: whether
    its settings are those of the machine that serves; None where nobody knows. ``barred``: what would not start
    there, or that people would not reach it."""

    it: NodeState
    role: str
    tone: str
    equal: bool | None
    problem: str
    barred: Sequence[str]


@blueprint.get("/cluster")
def everything() -> str:
    """The page."""
    actor, home, problem = visitor().actor, parts.settings.home, ""
    try:
        settings = read_cluster_settings(home)
        if settings is None:
            return render_template("cluster.html", cluster=None, problem="", said="")
        state: ClusterState | None = read_cluster_state(home, parts.now())
    except ClusterUnreadable as error:
        settings, state, problem = None, None, sentence(error)
    survey = parts.observations.survey(parts.now())
    history = _history(home)
    nodes = [] if state is None else [_node(each, state) for each in state.nodes]
    return render_template(
        "cluster.html",
        cluster=settings or True,
        problem=problem,
        said=_said(state),
        faults=[each for each in survey.observed if _is_fault(each)],
        names=TITLES,
        it=state,
        able=state is not None and state.active is not None and state.lets_take_over,
        switchable=_is_switchable(nodes, state),
        nodes=nodes,
        copies=None if state is None or state.volume is None else _copies(state.volume),
        differs=ByteSize(state.volume.behind) if state is not None and state.volume is not None else 0,
        devices=[] if state is None or state.pacemaker is None else _devices(state.pacemaker, state.unproven),
        fencing=translate()(FENCING.get(settings.fencing, "")) if settings else "",
        history=history,
        takeovers=[(each, *CAUSES[each.cause]) for each in history.takeovers[:SHOWN]],
        drill=_drill(history, parts.now()),
        actions=[each for each in _actions() if may_ask(actor, each)],
    )


def _actions() -> Sequence[Action]:
    return REGISTRY[DRILL], REGISTRY[SWITCH_OVER]


def _is_fault(observed: Observed) -> bool:
    finding = observed.finding
    return (finding.name == "cluster" or finding.name.startswith("cluster-")) and not finding.condition.calm


def _said(state: ClusterState | None) -> str:
    """What a screen reader hears when the page changes."""
    say = translate()
    return " · ".join(f"{each.name}: {say(ROLES[each.role][0])}" for each in state.nodes) if state else ""


def _node(node: NodeState, state: ClusterState) -> ShownNode:
    own = node.name == state.node
    equal = None if own or node.settings is None or not node.is_there else node.settings == state.settings
    problem = ""
    if node.role is NodeRole.STANDBY and node.ready != "yes":
        problem = node.ready or translate()("It does not say whether it could take over.")
    words, tone = ROLES[node.role]
    if state.active is not None and node.role is NodeRole.ACTIVE and node.name != state.active.name:
        tone = "bad"
    barred = [translate()(template, **values) for template, values in why_barred(node)]
    return ShownNode(node, words, tone, equal, problem, barred if node.role is NodeRole.STANDBY else [])


def _is_switchable(nodes: Sequence[ShownNode], state: ClusterState | None) -> bool:
    """Whether nothing that is known would have a switch-over refused."""
    standing = [each for each in nodes if each.it.role is NodeRole.STANDBY]
    able = [each for each in standing if not each.problem and not each.barred and each.equal is not False]
    return state is not None and state.lets_take_over and bool(able)


def _copies(volume: VolumeState) -> tuple[str, str, str]:
    """How the two copies stand: words, tone, and the page of the runbook where something is wrong."""
    if volume.is_equal:
        return "Equal", "good", ""
    if volume.is_split:
        return "Split brain", "bad", "cluster-split"
    if volume.holds_writes:
        return "Writes are held: nobody can sign", "bad", "cluster-degraded"
    if volume.is_syncing:
        return "Being brought up to date", "open", "cluster-syncing"
    if volume.is_whole:
        return "Different", "bad", "cluster-degraded"
    return "On one disk alone", "bad", "cluster-degraded"


def _devices(pacemaker: PacemakerState, unproven: Sequence[str]) -> list[tuple[FencingDevice, str, str]]:
    """What cuts machines off, each with its state in words and the tone."""
    shown = []
    for each in pacemaker.devices:
        if each.works and (each.node in unproven or (unproven and not each.node)):
            words = ("Answers, not proven", "bad")
        elif each.works:
            words = ("Ready", "good") if not each.failed_at else ("Ready, has failed before", "open")
        elif could_run(pacemaker, each.node):
            words = ("Does not work", "bad")
        else:
            words = ("Rests: the machine that it runs on is not there", "open")
        shown.append((each, *words))
    return shown


def _history(home: Home) -> History:
    try:
        return read_history(home)
    except ClusterUnreadable:
        return History(unreadable=1)


def _drill(history: History, now: datetime) -> int | None:
    """Days since the last drill; None when none was held."""
    last = history.last_drill
    return None if last is None else (now - last.at).days
