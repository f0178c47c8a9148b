"""Both nodes serve apart, each with a history of its own, and are made one again by docs/runbook/cluster-split.md.

Both rings are cut and no management controller answers, so each node waits until it is certain of the other one:
one starts nothing, the other one holds every write. Only two wrong answers make two histories of it: somebody says
on each that the other one is off (``stonith_admin --confirm``).
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass

from tests.ha.events import Scene, holds_writes
from tests.ha.node import VOLUME_DISK, Node
from tests.ha.pair import SETTLED, Pair, State, eventually
from tests.ha.places import NODES, RINGS
from tests.ha.preparing import TITLE
from tests.ha.recording import Record, recorder
from tests.ha.verdict import Verdict
from tests.machine.failure import StepFailed

HOLDS = 150.0
"""Seconds for which the active node writes nothing although the other one serves; DRBD's own script waits 90."""

STEADY = 120.0
"""Seconds for which both say the same, when Pacemaker has come to an end with two machines that were apart."""

NOBODY = 600.0
"""The same, where they say that nobody serves: a start may be under way."""

MOST = 5
"""How often each writes anew, at most, until the witness has refused one of the two histories; and how often the
two are asked to connect."""

CONNECTS = 30.0
"""Seconds until two that are asked to connect have compared their copies, and ended it again."""

ASKED = 20.0
"""Seconds until the witness has been asked about what was written, at most."""

PARTS = ("volume", "filesystem", "address", "appliance", "front")


@dataclass(frozen=True, slots=True)
class Copies:
    """``kept``: the node whose history the witness has cosigned; ``discarded``: the one whose it refuses."""

    kept: Node
    discarded: Node

    def other(self, node: Node) -> Node:
        """The other one."""
        return self.discarded if node is self.kept else self.kept


def split(pair: Pair) -> str:
    """The operation; what came of it. Raises :class:`StepFailed`."""
    if pair.verdict is None or not pair.verdict.is_watched:
        raise StepFailed("nobody watches the log any more; OPERATIONS names `split` before `rollback`")
    pair.settle()
    active = pair.active()
    scene, record = Scene(pair, active, pair.other(active)), recorder(pair.kept / "recordings")
    told = [_part(scene)]
    copies = _write_apart(scene, pair.verdict)
    told.append(f"the witness follows {copies.kept.name}, and refuses the log of {copies.discarded.name}")
    for node, name in ((scene.active, "apart-active"), (scene.standby, "apart-standby")):
        record(node, name)
    before = {node.name: _generation(node) for node in pair.nodes.values()}
    serves = _join(scene)
    told.append(f"with the cables back {serves.name if serves else 'nobody'} serves")
    told.append(_require_parted(pair, serves, record))
    if {node.name: _generation(node) for node in pair.nodes.values()} != before:
        raise StepFailed("a copy has another generation than before the cables were back: it was written over")
    told.append(_make_one(pair, copies, serves))
    settled = pair.settle()
    _require_followed(pair, pair.verdict)
    same = pair.outside("same", TITLE, "inward")
    checked = pair.active().run("/usr/local/sbin/vermilion log check").strip().splitlines()[-1]
    return f"{'; '.join(told)}; settled after {settled:.0f} s; {same}; {checked}"


def _part(scene: Scene) -> str:
    """Both serve, and do not see each other."""
    pair, active, standby = scene.pair, scene.active, scene.standby
    assert pair.house is not None
    for place in NODES:
        pair.house.stop_controller(place)
    for ring in RINGS:
        active.plug(ring, in_place=False)
    for node in (active, standby):
        _wait_for_loss(pair, node)
    standby.run(f"stonith_admin --confirm {active.name}")
    eventually(lambda: _serves(pair, standby), SETTLED, f"{standby.name} serves, as it was told that it is alone")
    began = time.monotonic()
    while time.monotonic() - began < HOLDS:
        if not holds_writes(active):
            raise StepFailed(f"{active.name} writes on, although nobody has cut {standby.name}")
        time.sleep(5)
    active.run(f"stonith_admin --confirm {standby.name}")
    began = time.monotonic()
    eventually(lambda: _stamps(pair, active), SETTLED, f"{active.name} writes again, as it was told the same")
    if not _serves(pair, active) or not _serves(pair, standby):
        raise StepFailed("the two did not come to serve apart")
    took = time.monotonic() - began
    return f"both serve; {active.name} wrote nothing for {HOLDS:.0f} s, and again {took:.0f} s after the answer"


def _wait_for_loss(pair: Pair, node: Node) -> None:
    eventually(lambda: _sees_only(pair, node), SETTLED, f"{node.name} sees nobody")


def _write_apart(scene: Scene, verdict: Verdict) -> Copies:
    """Each writes; the witness has cosigned what one of them has, and refused what the other has. Raises
    :class:`StepFailed`."""
    pair, nodes = scene.pair, (scene.active, scene.standby)
    since, heard = time.time(), len(verdict.refusals())
    for number in range(1, MOST + 1):
        # In turn one log outgrows the other: the watcher takes to the witness what is larger than all before.
        for turn, node in enumerate(nodes):
            for _ in range(2 * number + 1 if number % 2 == turn else 1):
                _stamp(pair, node)
        deadline = time.time() + ASKED
        while len(verdict.refusals()) == heard and time.time() < deadline:
            time.sleep(1)
        if len(verdict.refusals()) > heard:
            for kept, discarded in (nodes, nodes[::-1]):
                if verdict.seen(since, kept.place.front):
                    return Copies(kept, discarded)
    raise StepFailed("the witness has not refused one of the two logs")


def _join(scene: Scene) -> Node | None:
    """The cables are back, and then the controllers; the node that serves when both have come to an end."""
    pair = scene.pair
    assert pair.house is not None
    for ring in RINGS:
        scene.active.plug(ring, in_place=True)
    deadline = time.time() + STEADY  # a cut that is still wanted has to wait: it is not what is tried here
    while time.time() < deadline and not all(_sees_both(pair, node) for node in pair.nodes.values()):
        time.sleep(5)
    for place in NODES:
        pair.house.start_controller(place, pair.nodes[place.name].folder)
    since, last = time.monotonic(), None
    began = since
    while time.monotonic() - began < SETTLED:
        if (found := _who_serves(pair)) != last:
            since, last = time.monotonic(), found
        held = time.monotonic() - since
        if last is not None and len(last) < 2 and held > (STEADY if last else NOBODY):
            return next((pair.nodes[name] for name in last), None)
        time.sleep(5)
    raise StepFailed(f"the two do not come to an end with who serves: {sorted(last or ())}")


def _require_parted(pair: Pair, serves: Node | None, record: Record) -> str:
    """DRBD has left the other one alone, and does so again when it is asked to connect (step 1); everything that
    tells people of it says so. Raises :class:`StepFailed`."""
    eventually(lambda: bool(_alone(pair)), SETTLED, "DRBD is StandAlone on one of the two")
    since = pair.alpha.run("date +%s").strip()
    times = _connect_in_vain(pair, serves)
    found = [node for node in pair.nodes.values() if _has_detected(node, since)]
    if not found:
        raise StepFailed("the kernel does not say that DRBD has detected the split brain")
    for node in _alone(pair):
        record(node, "split-brain" if node is serves else "split-brain-standby")
        told = json.loads(node.run("cat /run/vermilion-cluster/state.json"))
        if "cs:StandAlone" not in told["drbd"]:
            raise StepFailed(f"the state of {node.name} does not say StandAlone: {told['drbd']}")
        if "replication is StandAlone" not in (said := node.run("/usr/local/sbin/vermilion-cluster status")):
            raise StepFailed(f"vermilion-cluster status on {node.name} does not say StandAlone: {said}")
    if serves is None:
        return "StandAlone, and nobody is there to say so by alarm"
    findings = json.loads(serves.run("/usr/local/sbin/vermilion diagnose --json", check=False))["findings"]
    pages = [str(each["page"]) for each in findings if each["condition"] == "failing"]
    if "cluster-split" not in pages:
        raise StepFailed(f"no alarm cluster-split on {serves.name}: {', '.join(pages) or 'none fails'}")
    return (
        f"StandAlone on {' and '.join(node.name for node in _alone(pair))}, asked {times} times to connect;"
        f" alarms: {', '.join(pages)}"
    )


def _connect_in_vain(pair: Pair, serves: Node | None) -> int:
    """Step 1, until DRBD is StandAlone where the appliance serves, as the alarm is asked for there; how often. The
    one of the two that did not come to compare both copies waits for a connection. Raises :class:`StepFailed`."""
    wanted = [] if serves is None else [serves]
    for number in range(1, MOST + 1):
        for node in _alone(pair):
            node.run("drbdadm connect vermilion", check=False)  # the other one may have ended it again already
        time.sleep(CONNECTS)
        if _are_alone(pair, wanted):
            return number
    states = {node.name: node.run("cat /proc/drbd").strip() for node in pair.nodes.values()}
    raise StepFailed(f"DRBD is not StandAlone again where the appliance serves: {states}")


def _make_one(pair: Pair, copies: Copies, serves: Node | None) -> str:
    """Steps 2 to 8, without the image of step 5. Raises :class:`StepFailed`."""
    kept, discarded = copies.kept, copies.discarded
    here = serves or kept
    other = copies.other(here)
    _set_aside(here, other)  # step 2
    eventually(lambda: _has_nothing(pair, here, other), SETTLED, f"nothing is started on {other.name}")
    told = "nobody serves"
    if serves is not None:  # step 4
        told = here.run("/usr/local/sbin/vermilion log check").strip().splitlines()[-1]
        here.run("/usr/local/sbin/vermilion-cluster pause && /usr/local/sbin/vermilion-stop", patience=SETTLED)
    other.run("drbdadm down vermilion")
    history = other.run(
        f"mount -t ext4 -o ro,noload {VOLUME_DISK} /mnt && cat /mnt/cluster/history.jsonl; umount /mnt"
    )
    if (last := last_served(history)) != other.name:
        raise StepFailed(f"the copy of {other.name} was served by {last or 'nobody'} last: it is not its own")
    if here is discarded:  # step 6
        _set_aside(here, here)
        here.run("/usr/local/sbin/vermilion-cluster resume")
        eventually(lambda: _has_nothing(pair, kept, here), SETTLED, f"nothing is started on {here.name}")
    discarded.run(  # step 7
        "drbdadm up vermilion; drbdadm disconnect vermilion; drbdadm connect --discard-my-data vermilion"
    )
    volume = kept.run("cat /proc/drbd")
    if "cs:StandAlone" in volume:
        kept.run("drbdadm connect vermilion")
    elif " 0: cs:" not in volume or "cs:Unconfigured" in volume:
        kept.run("drbdadm up vermilion")
    eventually(lambda: _is_equal(kept), SETTLED, "the copy that was discarded is as the other one")
    aside = (kept, discarded) if here is discarded else (other,)  # step 8
    for node in aside:
        kept.run(f"crm_attribute --type nodes --node {node.name} --name standby --delete")
    kept.run("/usr/local/sbin/vermilion-cluster resume")
    return f"{told}; the copy of {discarded.name} is discarded"


def last_served(history: str) -> str:
    """The node that a volume's history names last as serving; nothing where it names none."""
    lines = [json.loads(each) for each in history.splitlines() if each.startswith("{") and each.endswith("}")]
    return next((str(each["node"]) for each in reversed(lines) if each.get("event") == "serving"), "")


def _require_followed(pair: Pair, verdict: Verdict) -> None:
    """The witness goes on with what is served now, once that has outgrown what the second history had."""
    since = time.time()
    for _ in range(4 * MOST):
        pair.outside("timestamp", "kept")
        deadline = time.time() + ASKED
        while not verdict.seen(since) and time.time() < deadline:
            time.sleep(1)
        if verdict.seen(since):
            return
    raise StepFailed("the witness does not go on with the copy that was kept")


def generation(told: str) -> int:
    """The current one of a copy, by what ``drbdadm get-gi`` has *told*; its last bit only says whether the copy is
    promoted."""
    return int(told.strip().splitlines()[-1].split(":")[0], 16) & ~1


def _generation(node: Node) -> int:
    return generation(node.run("drbdadm get-gi vermilion"))


def serving(state: State) -> frozenset[str]:
    """Every node on which the appliance is started."""
    return frozenset(
        str(node.get("name"))
        for resource in state.crm_mon.iter("resource")
        if resource.get("id") == "appliance" and resource.get("role") == "Started"
        for node in resource.iterfind("node")
    )


def _who_serves(pair: Pair) -> frozenset[str] | None:
    """As both say it; None where they do not see each other, or say different things."""
    states = [pair.state(node) for node in pair.nodes.values()]
    if any(state is None or state.online != set(pair.nodes) for state in states):
        return None
    told = {serving(state) for state in states if state is not None}
    return told.pop() if len(told) == 1 else None


def _serves(pair: Pair, node: Node) -> bool:
    state = pair.state(node)
    return state is not None and state.active == node.name


def _sees_only(pair: Pair, node: Node) -> bool:
    state = pair.state(node)
    return state is not None and state.online == {node.name}


def _sees_both(pair: Pair, node: Node) -> bool:
    state = pair.state(node)
    return state is not None and state.online == set(pair.nodes)


def _alone(pair: Pair) -> list[Node]:
    """The nodes whose DRBD has left the other one alone."""
    states = {node.name: pair.state(node) for node in pair.nodes.values()}
    return [pair.nodes[name] for name, each in states.items() if each and "cs:StandAlone" in each.volume]


def _are_alone(pair: Pair, wanted: list[Node]) -> bool:
    found = _alone(pair)
    return bool(found) and all(node in found for node in wanted)


def _has_detected(node: Node, since: str) -> bool:
    return "Split-Brain detected" in node.run(f"journalctl -k --since @{since} --no-pager", check=False)


def _is_equal(node: Node) -> bool:
    volume = node.run("cat /proc/drbd")
    return "cs:Connected" in volume and "ds:UpToDate/UpToDate" in volume


def _set_aside(at: Node, node: Node) -> None:
    at.run(f"crm_attribute --type nodes --node {node.name} --name standby --update on")


def _has_nothing(pair: Pair, at: Node, node: Node) -> bool:
    """Whether *at* says that nothing is started on *node*, no copy of the volume either."""
    state = pair.state(at)
    return state is not None and not runs_on(state, node.name)


def runs_on(state: State, name: str) -> set[str]:
    """What of the appliance is started on the node *name*."""
    return {
        str(resource.get("id"))
        for resource in state.crm_mon.iter("resource")
        if resource.get("id") in PARTS and any(each.get("name") == name for each in resource.iterfind("node"))
    }


def _stamp(pair: Pair, node: Node) -> str:
    """A timestamp by *node*, at its own address. Raises :class:`StepFailed`."""
    company = pair.folder / f"at-{node.name}"
    if not company.exists():
        shutil.copytree(pair.company, company)
        (company / "place").write_text(node.place.front)
    return pair.errand("tests.machine.outside", str(company), "timestamp", "apart")


def _stamps(pair: Pair, node: Node) -> bool:
    try:
        return bool(_stamp(pair, node))
    except StepFailed:
        return False
