"""Two machines that serve as one: whether the other could take over now, and whether that was ever tried.

Asked of what the probe wrote down (:mod:`appliance.cluster`), on the machine that serves; nothing to say where one
machine serves alone. Signing goes on meanwhile, so nothing here stands in the way of readiness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from typing import TypeVar

from appliance.cluster import (
    ClusterSettings,
    ClusterState,
    ClusterUnreadable,
    FencingAttempt,
    FencingDevice,
    NodeRole,
    NodeState,
    PacemakerState,
    VolumeState,
    read_cluster_settings,
    read_cluster_state,
    read_history,
)
from appliance.cluster.parsing import UP_TO_DATE
from appliance.health.check_context import CheckContext, NotAnswerable
from appliance.health.findings import HealthFinding, RunbookPage, attention, failing, good, unset

T = TypeVar("T")
Judge = Callable[[ClusterSettings, ClusterState], HealthFinding]
Ask = Callable[[CheckContext], HealthFinding | None]


def known_cluster(context: CheckContext) -> tuple[ClusterSettings, ClusterState] | None:
    """Both machines and how they stand; None where one serves alone. Raises :class:`NotAnswerable` where it cannot
    be read, which :func:`observed` says."""
    try:
        settings = read_cluster_settings(context.home)
        return None if settings is None else (settings, read_cluster_state(context.home, context.now))
    except ClusterUnreadable as error:
        raise NotAnswerable from error


def _of_cluster(judge: Judge) -> Ask:
    """The check that *judge* makes of what was written down."""

    @wraps(judge)
    def ask(context: CheckContext) -> HealthFinding | None:
        known = known_cluster(context)
        return None if known is None else judge(*known)

    return ask


def observed(context: CheckContext) -> HealthFinding | None:
    """How the two machines stand was written down just now, and all of it can be read."""
    try:
        settings = read_cluster_settings(context.home)
        if settings is None:
            return None
        state = read_cluster_state(context.home, context.now)
    except ClusterUnreadable as error:
        return failing(RunbookPage.CLUSTER_UNOBSERVED, error.template, **error.values)
    for part, why in state.unreadable:
        template = "What was written down of the cluster cannot be read: {part} ({why})."
        return failing(RunbookPage.CLUSTER_UNOBSERVED, template, part, part=part, why=why)
    if {each.name for each in state.nodes} != set(settings.nodes):
        found = {"found": ", ".join(each.name for each in state.nodes), "named": ", ".join(settings.nodes)}
        template = "The cluster has other machines ({found}) than the settings ({named})."
        return failing(RunbookPage.CLUSTER_UNOBSERVED, template, **found)
    return good("The cluster {name} is watched.", name=settings.name)


@_of_cluster
def machines(_settings: ClusterSettings, state: ClusterState) -> HealthFinding:
    """Both machines are there: one serves, the other could."""
    pacemaker = _known(state.pacemaker)
    for finding in _missing(state.nodes):
        return finding
    if pacemaker.maintenance or pacemaker.paused:
        template = "The cluster is paused, so nothing moves by itself; `vermilion-cluster resume` ends that."
        return attention(RunbookPage.CLUSTER_DEGRADED, template, node=state.node)
    if state.active is None:
        template = "Pacemaker has the appliance started on neither machine."
        return failing(RunbookPage.CLUSTER_DEGRADED, template, "neither")
    standing = next((node.name for node in state.nodes if node.role is NodeRole.STANDBY), None)
    if standing is None:
        template = "Pacemaker has the appliance started on more than one machine."
        return failing(RunbookPage.CLUSTER_DEGRADED, template, "both", node=_name(state.other))
    return good("{active} serves, and {standby} stands by.", active=state.active.name, standby=standing)


def _missing(nodes: tuple[NodeState, ...]) -> Iterator[HealthFinding]:
    for node in nodes:
        values, page = {"node": node.name}, RunbookPage.CLUSTER_DEGRADED
        if node.role is NodeRole.LOST:
            template = "{node} is lost and not cut off yet; nothing takes over before it is."
            yield failing(page, template, node.name, **values)
        if node.role is NodeRole.ABSENT:
            template = "{node} is not there: if the machine that serves fails, nothing takes over."
            yield failing(page, template, node.name, **values)
        if node.role is NodeRole.SET_ASIDE:
            template = "{node} is set aside by an administrator: it takes nothing over."
            yield attention(page, template, node.name, **values)


@_of_cluster
def copies(_settings: ClusterSettings, state: ClusterState) -> HealthFinding:
    """Whatever is acknowledged is on the disks of both machines."""
    volume, other = _known(state.volume), _name(state.other)
    values = {"node": other, "here": state.node}
    degraded = RunbookPage.CLUSTER_DEGRADED
    if volume.is_split:
        template = "The copies on {here} and {node} were parted (split brain), and do not connect by themselves."
        return failing(RunbookPage.CLUSTER_SPLIT, template, **values)
    if volume.is_syncing:
        return _syncing(volume, state)
    if volume.disk in ("Failed", "Diskless", "Detaching"):
        template = "The disk of {node} has failed; data is read from and written to the other machine alone."
        return failing(degraded, template, "disk", node=state.node)
    if not volume.is_connected:
        template = "The copy on {node} does not follow ({connection}): what is signed now is on one disk alone."
        if volume.holds_writes:
            template = "Nobody can sign: every write is held until it is certain that {node} is off."
        return failing(degraded, template, "connection", **values, connection=volume.connection)
    if not volume.is_equal:
        return _different(volume, state)
    return good("Both copies are equal; what is acknowledged is on both disks.")


def _syncing(volume: VolumeState, state: ClusterState) -> HealthFinding:
    behind = _name(state.other) if volume.is_for_the_other else state.node
    if volume.percent is None:
        template = "The copy on {node} waits to be brought up to date; until then it cannot take over."
        return attention(RunbookPage.CLUSTER_SYNCING, template, behind, node=behind)
    template = "The copy on {node} is being brought up to date ({percent} %); until then it cannot take over."
    return attention(RunbookPage.CLUSTER_SYNCING, template, behind, node=behind, percent=f"{volume.percent:.1f}")


def _different(volume: VolumeState, state: ClusterState) -> HealthFinding:
    page, other = RunbookPage.CLUSTER_DEGRADED, _name(state.other)
    if volume.is_whole:
        template = "The copies differ in {size} KiB, as a comparison of both has found (`drbdadm verify`)."
        return failing(page, template, "differ", node=other, size=volume.behind // 1024)
    here = volume.disk != UP_TO_DATE
    node, disk = (state.node, volume.disk) if here else (other, volume.other_disk)
    template = "The disk of {node} is not up to date ({disk}): what is signed now is on one disk alone."
    return failing(page, template, "disk", node=node, disk=disk)


@_of_cluster
def fencing(settings: ClusterSettings, state: ClusterState) -> HealthFinding:
    """Each machine can be cut off by something that works: without, two could sign at once, or nothing moves."""
    pacemaker, page = _known(state.pacemaker), RunbookPage.CLUSTER_FENCING
    if not pacemaker.fencing:
        template = "Fencing is switched off: both machines could sign at once."
        return failing(page, template, node=", ".join(settings.nodes))
    for node in settings.nodes:
        found = [each for each in pacemaker.devices if each.node in (node, "")]
        if not found:
            template = "Nothing is set up that cuts {node} off."
            return failing(page, template, node, node=node)
        if not any(each.works for each in found) and could_run(pacemaker, node):
            template = "{device}, which cuts {node} off, does not work."
            if why := found[0].why:
                template = "{device}, which cuts {node} off, does not work: {why}"
            return failing(page, template, node, node=node, device=found[0].name, why=why)
    for node in state.unproven:
        template = "What cuts {node} off is not proven: run `install --cluster INVENTORY` again, until it is."
        return failing(page, template, f"unproven {node}", node=node)
    for finding in (*_attempts(pacemaker.attempts), *_earlier(pacemaker.devices)):
        return finding
    return good("Each machine can be cut off by something that works.")


def could_run(pacemaker: PacemakerState, node: str) -> bool:
    """Whether what cuts *node* off could run now: only on the other machine, and that is there."""
    return any(each.name != node and each.is_there for each in pacemaker.nodes)


def _attempts(attempts: tuple[FencingAttempt, ...]) -> Iterator[HealthFinding]:
    for each in attempts:
        if not each.succeeded:
            values = {"node": each.node, "at": each.at, "why": each.why}
            template = "{node} could not be cut off at {at}."
            if each.why:
                template = "{node} could not be cut off at {at}: {why}"
            yield failing(RunbookPage.CLUSTER_FENCING, template, each.at, **values)


def _earlier(devices: tuple[FencingDevice, ...]) -> Iterator[HealthFinding]:
    for each in devices:
        if each.works and each.failed_at:
            values = {"node": each.node, "device": each.name, "at": each.failed_at, "why": each.why}
            template = "{device}, which cuts {node} off, failed at {at} and works again."
            if each.why:
                template = "{device}, which cuts {node} off, failed at {at} and works again: {why}"
            yield attention(RunbookPage.CLUSTER_FENCING, template, each.failed_at, **values)


@_of_cluster
def rings(_settings: ClusterSettings, state: ClusterState) -> HealthFinding:
    """The machines see each other by two networks."""
    found = _known(state.rings)
    broken = [each for each in found if not each.connected]
    if len(broken) == len(found):
        template = "No ring joins {here} and {there}."
        return failing(RunbookPage.CLUSTER_RING, template, "all", here=state.node, there=_name(state.other))
    if broken:
        values = {"ring": broken[0].number, "here": broken[0].here, "there": broken[0].there}
        template = "Ring {ring} ({here} to {there}) is interrupted; the other one carries the cluster alone."
        return attention(RunbookPage.CLUSTER_RING, template, str(broken[0].number), **values)
    if len(found) < 2:
        values = {"here": found[0].here, "there": found[0].there}
        template = "One network alone joins the machines ({here} to {there}); there should be two."
        return attention(RunbookPage.CLUSTER_RING, template, "one", **values)
    return good("Rings that are connected: {count}.", count=len(found))


@_of_cluster
def quorum(settings: ClusterSettings, state: ClusterState) -> HealthFinding:
    """This machine may act, and the arbiter votes where there is one."""
    found = _known(state.quorum)
    values = {"votes": found.votes, "expected": found.expected, "arbiter": settings.arbiter}
    if not found.quorate:
        template = "There is no quorum ({votes} of {expected} votes): no machine may begin to serve."
        return failing(RunbookPage.CLUSTER_QUORUM, template, **values)
    if settings.arbiter and not found.arbiter:
        template = "The arbiter {arbiter} gives no vote: if one of the two machines fails now, nobody serves."
        return attention(RunbookPage.CLUSTER_QUORUM, template, "arbiter", **values)
    return good("There is a quorum ({votes} of {expected} votes).", **values)


@_of_cluster
def equal_settings(_settings: ClusterSettings, state: ClusterState) -> HealthFinding:
    """Settings, secrets, certificates and releases of both machines are the same."""
    other = _present(state)
    if other.settings is None:
        raise NotAnswerable  # it has just come, or its probe has stopped: `standby` says so
    if other.settings != state.settings:
        template = "Settings, secrets, certificates or releases of {node} are not those of {here}."
        return attention(RunbookPage.CLUSTER_SETTINGS, template, node=other.name, here=state.node)
    return good("Settings, secrets, certificates and releases of both machines are the same.")


@_of_cluster
def standby(_settings: ClusterSettings, state: ClusterState) -> HealthFinding:
    """The other machine says that it could take over."""
    other = _present(state)
    for template, values in why_barred(other):
        return failing(RunbookPage.CLUSTER_STANDBY_UNREADY, template, **values)
    if other.ready == "yes":
        return good("{node} could take over.", node=other.name)
    if other.ready is None:
        template = "{node} does not say whether it could take over."
        return failing(RunbookPage.CLUSTER_STANDBY_UNREADY, template, node=other.name)
    template = "{node} could not take over: {why}"
    return failing(RunbookPage.CLUSTER_STANDBY_UNREADY, template, node=other.name, why=other.ready)


def why_barred(node: NodeState) -> Iterator[tuple[str, dict[str, str]]]:
    """What keeps Pacemaker from starting everything on *node*, or people from it: templates of sentences, and
    their values."""
    for each in node.barred:
        values = {"node": node.name, "resource": each.resource, "constraint": each.constraint}
        if each.constraint:
            template = "{node} could not take over: the constraint {constraint} keeps {resource} away from it."
            yield template, values
        else:
            template = "{node} could not take over: {resource} failed there too often (`crm_resource --cleanup`)."
            yield template, values
    if not node.has_link and node.role is not NodeRole.SET_ASIDE:  # there Pacemaker watches no link
        template = (
            "People could not reach {node}: its network card in front has no link, or Pacemaker does not watch it"
            " (`front-link`)."
        )
        yield template, {"node": node.name}


def failover_drill(context: CheckContext) -> HealthFinding | None:
    """The other machine has taken over in a drill, not long ago."""
    days = context.configured().health.failover_drill_days
    try:
        if read_cluster_settings(context.home) is None:
            return None
        last = read_history(context.home).last_drill
    except ClusterUnreadable as error:
        raise NotAnswerable from error
    if not days:
        return unset("No failover drill is asked for (`health.failover_drill_days` is 0).")
    if last is None:
        return attention(RunbookPage.CLUSTER_DRILL_OLD, "No failover drill was ever held.")
    age = context.now - last.at
    seconds = "–" if last.seconds is None else f"{last.seconds:.0f}"
    values = {"node": last.node, "days": age.days, "seconds": seconds}
    if age > timedelta(days=days):
        template = "In the last failover drill {node} took over; days since then: {days}."
        return attention(RunbookPage.CLUSTER_DRILL_OLD, template, **values)
    return good("In a failover drill {node} took over within {seconds} s; days since then: {days}.", **values)


def _present(state: ClusterState) -> NodeState:
    """The other machine, which is there. Raises :class:`NotAnswerable`."""
    if state.other is None or not state.other.is_there:
        raise NotAnswerable  # which another check says
    return state.other


def _known(part: T | None) -> T:
    if part is None:
        raise NotAnswerable  # which `observed` says
    return part


def _name(node: NodeState | None) -> str:
    return "–" if node is None else node.name
