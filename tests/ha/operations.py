"""What an operator does to the two with playbooks, tried on the nodes: ``OPERATIONS="switch replace"``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tests.ha import power
from tests.ha.node import BOOTED, Node
from tests.ha.pair import SETTLED, Pair, State, eventually, new_disk
from tests.ha.preparing import TITLE
from tests.ha.steps import prepared_disks
from tests.machine.commands import run
from tests.machine.failure import StepFailed
from tests.machine.plan import Step

OPERATIONS: dict[str, Step] = {}

WATCHED = 120.0
"""Seconds for which a machine that was replaced is on again, and must reach nothing."""

KEYS = "sha256sum /etc/corosync/authkey /etc/drbd.d/vermilion.secret"


def _operation(name: str) -> Callable[[Callable[[Pair], str]], Callable[[Pair], str]]:
    """Registers a function as the operation *name*; the first line of its docstring is what it does."""

    def register(act: Callable[[Pair], str]) -> Callable[[Pair], str]:
        assert act.__doc__, name
        OPERATIONS[name] = Step(name, act.__doc__.splitlines()[0].rstrip("."), act, ())
        return act

    return register


@_operation("switch")
def switch(pair: Pair) -> str:
    """the standby takes over by cluster_switch.yml"""
    pair.settle()
    before = pair.active()
    done = pair.converge("playbooks/cluster_switch.yml")
    if (after := pair.active()) is before:
        raise StepFailed(f"{before.name} serves as before")
    same = pair.outside("same", TITLE, "inward")
    return f"{done}; {after.name} serves; {same}; settled {pair.settle():.0f} s later"


@_operation("replace")
def replace(pair: Pair) -> str:
    """the standby burns; a bare machine takes its place by cluster_replace.yml; the burnt one reaches nothing"""
    pair.settle()
    stays, lost = pair.alpha, pair.beta  # the bare disk that there is, is beta's
    if pair.active() is not stays:
        lost.run("/usr/local/sbin/vermilion-cluster switch-over --wait 900")
        pair.settle()
    keys = stays.run(KEYS)
    lost.mains(connected=False)
    lost.forget()
    eventually(lambda: _serves_alone(pair, stays), SETTLED, f"{stays.name} serves alone")
    burnt, fresh = pair.folder / "burnt", pair.folder / "fresh"
    _take_out(lost, burnt)
    for disk in power.DISKS:
        new_disk(prepared_disks(pair) / f"{lost.name}.raw", lost.folder / f"{disk}.qcow2")
    _start(lost)
    done = pair.converge("playbooks/cluster_replace.yml")
    settled = pair.settle()
    if stays.run(KEYS) == keys:
        raise StepFailed("the machine that was lost still knows the keys")
    told = pair.outside("same", TITLE, "inward")

    # The one that serves now may be either: the playbook ends with a cut of the one that stayed.
    if pair.active() is lost:
        lost.run("/usr/local/sbin/vermilion-cluster switch-over --wait 900")
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
