"""What an operator does to the two with playbooks, tried on the nodes: ``OPERATIONS="switch replace"``."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.ha import apart, power
from tests.ha.events import of_disk
from tests.ha.node import BOOTED, Node
from tests.ha.pair import SETTLED, Pair, State, eventually, new_disk
from tests.ha.places import FLOATING
from tests.ha.preparing import TITLE
from tests.ha.steps import prepared_disks
from tests.ha.verdict import FOLLOWED
from tests.machine import making
from tests.machine.commands import run
from tests.machine.failure import StepFailed
from tests.machine.plan import Step


@dataclass(frozen=True, slots=True)
class Operation(Step):
    """``parts_history``: the log goes on from an older state because an operator has said so; nobody is judged by
    what comes of it."""

    parts_history: bool = False


OPERATIONS: dict[str, Operation] = {}

WATCHED = 120.0
"""Seconds for which a machine that was replaced is on again, and must reach nothing."""

SWITCH_OVER = "/usr/local/sbin/vermilion-cluster switch-over"
KEPT_BY_CUSTODIANS = "/run/keys"
KEYS = "sha256sum /etc/corosync/authkey /etc/drbd.d/vermilion.secret"


def _operation(
    name: str, *, parts_history: bool = False
) -> Callable[[Callable[[Pair], str]], Callable[[Pair], str]]:
    """Registers a function as the operation *name*; the first line of its docstring is what it does."""

    def register(act: Callable[[Pair], str]) -> Callable[[Pair], str]:
        assert act.__doc__, name
        says = act.__doc__.splitlines()[0].rstrip(".")
        OPERATIONS[name] = Operation(name, says, act, (), parts_history)
        return act

    return register


def judged(operation: Operation) -> Step:
    """The same, which fails unless the log stayed one and somebody watched that, as a round does."""

    def act(pair: Pair) -> str:
        assert pair.verdict is not None
        watched, began = pair.verdict.is_watched, time.time()
        if operation.parts_history:
            with pair.verdict.apart():
                told = operation.act(pair)
        else:
            told = operation.act(pair)
            if watched:
                _require_one_log(pair, operation.name, began)
        return told if pair.verdict.is_watched else f"{told}; nobody watches the log from here on"

    return Step(operation.name, operation.says, act, operation.needs)


def _require_one_log(pair: Pair, name: str, began: float) -> None:
    """Raises :class:`StepFailed` unless the log stayed one since then; it grows, so that the watcher sees it."""
    assert pair.verdict is not None
    verdict, since = pair.verdict, time.time()
    pair.outside("timestamp", f"after-{name}")
    deadline = since + FOLLOWED
    while not verdict.seen(since) and not verdict.forks() and time.time() < deadline:
        time.sleep(1)
    verdict.require_one_log(began)


@_operation("switch")
def switch(pair: Pair) -> str:
    """the standby takes over by cluster_switch.yml"""
    pair.settle()
    before = pair.active()
    looked = pair.converge("playbooks/cluster_switch.yml", "--check")
    if pair.active() is not before:
        raise StepFailed("a run with --check has switched over")
    done = pair.converge("playbooks/cluster_switch.yml")
    if (after := pair.active()) is before:
        raise StepFailed(f"{before.name} serves as before")
    same = pair.outside("same", TITLE, "inward")
    after.run("systemctl start vermilion-backup.service", patience=SETTLED)
    return (
        f"--check: {looked}; {done}; {after.name} serves, and makes a backup; {same};"
        f" settled {pair.settle():.0f} s later"
    )


@_operation("drill")
def drill(pair: Pair) -> str:
    """two administrators hold a failover drill in the console: the other one serves, as two pages say"""
    pair.settle()
    before = pair.active()
    told = pair.outside("drilled", SETTLED)
    if (after := pair.active()) is before:
        raise StepFailed(f"{before.name} serves as before")
    same = pair.outside("same", TITLE, "inward")
    return f"{told}; {after.name} serves; {same}; settled {pair.settle():.0f} s later"


@_operation("upgrade")
def upgrade(pair: Pair) -> str:
    """cluster_upgrade.yml to the next release is broken off between the two, and the active one fails; again"""
    pair.settle()
    pair.take(making.successor(pair.kept, pair.folder / "successor"))
    pair.break_off("playbooks/cluster_upgrade.yml", "PLAY [The standby gets the rest")
    failed = pair.active()
    other, wanted = pair.other(failed), making.version_in(pair.bundle)
    failed.cut()
    failed.forget()
    eventually(lambda: _serves_with(pair, other, wanted), SETTLED, f"{other.name} serves with release {wanted}")
    same = pair.outside("same", TITLE, "inward")
    return (
        f"broken off, and the active one cut: {other.name} serves with it, {same}; {_changed_by(pair, 'upgrade')}"
    )


@_operation("rollback", parts_history=True)
def rollback(pair: Pair) -> str:
    """after an upgrade cluster_rollback.yml refuses to lose what was dated since; allowed to, it goes back"""
    if not pair.before.is_file():
        raise StepFailed("there is no release before; OPERATIONS names `upgrade` first")
    pair.settle()
    newer = pair.active().run("/usr/local/sbin/vermilion release").strip()
    pair.take(pair.before)
    try:
        pair.converge("playbooks/cluster_rollback.yml")
    except StepFailed as refused:
        if "Going back would lose them" not in " ".join(str(refused).split()):
            raise
    else:
        raise StepFailed("it went back, and lost what was dated since")
    pair.settle()
    if (now := pair.active().run("/usr/local/sbin/vermilion release").strip()) != newer:
        raise StepFailed(f"refused, and still the release is another one: {now}")
    told = _changed_by(pair, "rollback", "--extra-vars", "rollback_forget_newer=true")
    lost = pair.active().run("cat /var/lib/vermilion/confirmed/log-lost.json").strip()
    return f"{told}; accepted as lost: {lost}"


def _changed_by(pair: Pair, verb: str, *options: str) -> str:
    """After the playbook of *verb* both have the release of the pair's bundle, and each can serve with it."""
    done = pair.converge(f"playbooks/cluster_{verb}.yml", *options)
    settled, wanted = pair.settle(), making.version_in(pair.bundle)
    for node in pair.nodes.values():
        current = node.run("readlink /opt/vermilion/current").strip()
        if Path(current).name != wanted:
            raise StepFailed(f"{node.name} has {current}, and not release {wanted}")
    told = pair.outside("same", TITLE, "inward")
    serves = _switched_over(pair)
    if not _serves_with(pair, serves, wanted):
        raise StepFailed(f"{serves.name} serves with another release than {wanted}")
    stamped = pair.outside("timestamp", verb)
    return (
        f"{done}; settled after {settled:.0f} s; {told}; then {serves.name} serves, {stamped}; settled"
        f" {pair.settle():.0f} s later"
    )


def _switched_over(pair: Pair) -> Node:
    """The node that serves after a planned switch-over. Raises :class:`StepFailed` when it is the same one."""
    before = pair.active()
    before.run(f"{SWITCH_OVER} --wait 900")
    if (after := pair.active()) is before:
        raise StepFailed(f"{before.name} serves as before")
    return after


def _serves_with(pair: Pair, node: Node, release: str) -> bool:
    """Whether *node* serves, and with that release."""
    state = pair.state(node)
    if state is None or state.active != node.name:
        return False
    return f" {release}:" in node.run("/usr/local/sbin/vermilion release")


@_operation("restore", parts_history=True)
def restore(pair: Pair) -> str:
    """cluster_restore.yml is broken off once a backup serves; again it is refused, and ha.yml does what is left"""
    pair.settle()
    active = pair.active()
    active.run("systemctl start vermilion-backup.service", patience=SETTLED)
    archive = active.run("cd /var/lib/vermilion/backups && ls -d 2* | tail -n 1").strip()
    active.run(f"mkdir -p /mnt/backups && cd /var/lib/vermilion/backups && cp -r {archive} objects /mnt/backups/")
    active.run(f"mkdir -m 0700 {KEPT_BY_CUSTODIANS}")
    for name in ("recovery.key", "user.pin"):
        active.put((pair.company / name).read_text(), f"{KEPT_BY_CUSTODIANS}/{name}")
    active.run(f"chmod 0600 {KEPT_BY_CUSTODIANS}/*")
    given = {
        "restore_archive": f"/mnt/backups/{archive}",
        "restore_identity": f"{KEPT_BY_CUSTODIANS}/recovery.key",
        "restore_pin_file": f"{KEPT_BY_CUSTODIANS}/user.pin",
        "restore_log_key": (pair.company / "log.vkey").read_text(),
        "restore_aside": True,
    }
    words = ("--extra-vars", json.dumps(given))
    pair.break_off("playbooks/cluster_restore.yml", "PLAY [The standby gets the rest", *words)
    pair.settle()
    stamped = pair.outside("timestamp", "restored")
    try:
        pair.converge("playbooks/cluster_restore.yml", *words)
    except StepFailed as refused:
        if "does what is left" not in " ".join(str(refused).split()):
            raise
    else:
        raise StepFailed("the second run has restored again")
    done = pair.converge()
    active.run(f"rm -r {KEPT_BY_CUSTODIANS}")
    settled = pair.settle()
    same = pair.outside("same", TITLE, "inward")
    _switched_over(pair)
    again = pair.outside("same", TITLE, "inward")
    checked = pair.active().run("/usr/local/sbin/vermilion log check").strip().splitlines()[-1]
    return (
        f"{done}; settled after {settled:.0f} s; {archive}; {same}, {stamped}; then the other one"
        f" serves: {again}; {checked}; settled {pair.settle():.0f} s later"
    )


@_operation("replace")
def replace(pair: Pair) -> str:
    """the standby burns; a bare machine takes its place by cluster_replace.yml; the burnt one reaches nothing"""
    pair.settle()
    stays, lost = pair.alpha, pair.beta  # the bare disk that there is, is beta's
    if pair.active() is not stays:
        lost.run(f"{SWITCH_OVER} --wait 900")
        pair.settle()
    keys = stays.run(KEYS)
    # Its management controller burns with it, so nothing can cut it: whoever stands before it says that it is off.
    assert pair.house is not None
    pair.house.stop_controller(lost.place)
    lost.mains(connected=False)
    lost.forget()
    eventually(lambda: _sees_nobody(pair, stays), SETTLED, f"{stays.name} does not see {lost.name} any more")
    stays.run(f"stonith_admin --confirm {lost.name}")
    eventually(lambda: _serves_alone(pair, stays), SETTLED, f"{stays.name} serves alone")
    burnt, fresh = pair.folder / "burnt", pair.folder / "fresh"
    _take_out(lost, burnt)
    for disk in power.DISKS:
        new_disk(prepared_disks(pair) / f"{lost.name}.raw", lost.folder / f"{disk}.qcow2")
    pair.house.start_controller(lost.place, lost.folder)
    _start(lost)
    done = pair.converge("playbooks/cluster_replace.yml")
    settled = pair.settle()
    if stays.run(KEYS) == keys:
        raise StepFailed("the machine that was lost still knows the keys")
    told = pair.outside("same", TITLE, "inward")

    # The one that serves now may be either: the playbook ends with a cut of the one that stayed.
    if pair.active() is lost:
        lost.run(f"{SWITCH_OVER} --wait 900")
        pair.settle()
    lost.shut_down()
    lost.mains(connected=False)
    _take_out(lost, fresh)
    _put_in(lost, burnt)
    since = stays.since
    _start(lost)
    began = time.monotonic()
    while time.monotonic() - began < WATCHED:
        state = pair.state(stays)  # nothing, where it has too much to do to answer
        if (state is not None and not _is_alone(state, stays)) or stays.since != since:
            raise StepFailed(f"{lost.name}, with the disks from before, has reached {stays.name}")
        time.sleep(5)
    lost.cut()
    lost.mains(connected=False)
    _put_in(lost, fresh)
    _start(lost)
    again = pair.settle()
    return (
        f"{done}; settled after {settled:.0f} s; {told}; for {WATCHED:.0f} s the burnt machine reached nothing;"
        f" whole again {again:.0f} s later"
    )


@_operation("exchange")
def exchange(pair: Pair) -> str:
    """the active node's disk fails; the other one serves, an empty disk takes its place, and then each serves"""
    pair.settle()
    failed = pair.active()
    failed.run(of_disk("offline"))
    eventually(lambda: "ds:Diskless/UpToDate" in failed.run("cat /proc/drbd"), SETTLED, "DRBD lets the disk go")
    if pair.active() is failed:  # where Pacemaker has not moved it by itself
        failed.run(f"{SWITCH_OVER} --wait 900")
    serves = pair.active()
    if serves is failed:
        raise StepFailed(f"{failed.name} serves as before, without a disk")
    failed.shut_down()
    failed.mains(connected=False)
    disk = failed.folder / f"{power.DISKS[1]}.qcow2"
    disk.with_suffix(".top").unlink(missing_ok=True)
    disk.unlink()
    new_disk(Path(), disk)
    _start(failed)
    eventually(lambda: _sees_both(pair, serves), SETTLED, f"{serves.name} sees {failed.name} again")
    done = pair.converge("playbooks/cluster_replace.yml")
    settled, told = pair.settle(), []
    for _ in pair.nodes:
        told.append(f"{_switched_over(pair).name} serves: {pair.outside('same', TITLE, 'inward')}")
        pair.settle()
    return f"{done}; settled after {settled:.0f} s; {'; '.join(told)}"


@_operation("split", parts_history=True)
def split(pair: Pair) -> str:
    """both serve apart, by two wrong answers; nothing is written over, and the runbook makes one of the two

    Forced: both rings are cut, no management controller answers, and ``stonith_admin --confirm`` says on
    each that the other one is off (``apart.py``)."""
    return apart.split(pair)


@_operation("leave")
def leave(pair: Pair) -> str:
    """cluster_leave.yml, broken off and run again, makes one machine of the two, which serves after a restart"""
    pair.settle()
    stays = pair.active()
    leaves = pair.other(stays)
    try:
        pair.converge("playbooks/cluster_leave.yml", "--extra-vars", f"cluster_leaves={stays.name}")
    except StepFailed as refused:
        if "the machine that has it stays" not in " ".join(str(refused).split()):
            raise
    else:
        raise StepFailed(f"{stays.name}, which serves, has left")
    given = ("--extra-vars", f"cluster_leaves={leaves.name}")
    pair.break_off("playbooks/cluster_leave.yml", "TASK [cluster : Nothing is other here", *given)
    try:
        pair.converge()
    except StepFailed:  # the words may be lost among those about the disk, which is not empty
        told = (pair.folder / "ansible.log").read_text(errors="replace")
        if "run the playbook cluster_leave to its end first" not in told:
            raise
    else:
        raise StepFailed("half way two machines were made of it again")
    left = pair.converge("playbooks/cluster_leave.yml", *given)
    told = pair.outside("same", TITLE, "inward")
    one = ("playbooks/install.yml", "--limit", stays.name)
    installed, again = pair.converge(*one), pair.converge(*one)
    if again.changed:
        raise StepFailed(f"a second installation of one machine changes things: {again.tasks_that_changed()}")
    for node in (leaves, stays):
        node.shut_down()
        node.mains(connected=False)
        node.forget()
        _start(node)
    card = stays.run(f"ip -oneline address show to {stays.place.front} | awk '{{ print $2 }}'").strip()
    stays.run(f"ip address replace {FLOATING}/24 dev {card}")
    eventually(lambda: _answers(pair), SETTLED, f"{stays.name} serves by itself")
    stamped, same = pair.outside("timestamp", "alone"), pair.outside("same", TITLE, "inward")
    if ran := leaves.run(f"systemctl list-units --no-legend --state=active {OF_A_NODE} || true").strip():
        raise StepFailed(f"{leaves.name} has left, and there runs {ran}")
    return f"{left}; {told}; then {installed}, again {again}; after a restart {stamped}; {same}"


OF_A_NODE = "pacemaker.service corosync.service vermilion.target vermilion-authority.service nginx.service"
"""What a machine that has left the cluster starts nothing of."""


def _answers(pair: Pair) -> bool:
    try:
        pair.outside("ready", 60.0)
    except StepFailed:
        return False
    return True


def _sees_both(pair: Pair, node: Node) -> bool:
    state = pair.state(node)
    return state is not None and state.online == set(pair.nodes)


def _sees_nobody(pair: Pair, node: Node) -> bool:
    state = pair.state(node)
    return state is not None and state.online == {node.name}


def _serves_alone(pair: Pair, node: Node) -> bool:
    state = pair.state(node)
    return state is not None and _is_alone(state, node)


def _is_alone(state: State, node: Node) -> bool:
    """Whether *node* serves, sees nobody, and has nobody left to cut."""
    cuts = state.crm_mon.find("./nodes/node[@unclean='true']")
    return cuts is None and state.online == {node.name} and state.active == node.name


def _start(node: Node) -> None:
    node.mains(connected=True)
    node.switch("power", "1")
    node.until("true", BOOTED)


def _take_out(node: Node, place: Path) -> None:
    """The disks of a node that is off are in the folder *place*."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for disk in power.DISKS:
        top = node.folder / f"{disk}.top"
        run(("qemu-img", "commit", "-q", str(top)))
        top.unlink()
        (node.folder / f"{disk}.qcow2").rename(place / f"{disk}.qcow2")


def _put_in(node: Node, place: Path) -> None:
    """Those from the folder *place* are its disks, whatever was there before."""
    for disk in power.DISKS:
        (node.folder / f"{disk}.top").unlink(missing_ok=True)
        (place / f"{disk}.qcow2").replace(node.folder / f"{disk}.qcow2")
