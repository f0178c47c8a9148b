"""What happens to the pair in a round, and who serves afterwards."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.ha.node import BOOTED, Node
from tests.ha.pair import Pair, eventually
from tests.ha.places import FRONT, NODES, RINGS
from tests.machine.failure import StepFailed

HELD = 60.0
"""Seconds for which a cable is out where nothing has to come of it."""

ALONE = 90.0
"""Seconds in which a node that cannot cut the other must not take over."""


HOLDS = 150.0
"""Seconds for which a node that cannot cut the other holds every write; DRBD's own script gives up after 90."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Who serves when it happens, and who does not."""

    pair: Pair
    active: Node
    standby: Node


@dataclass(frozen=True, slots=True)
class Event:
    """``happen`` returns when it has happened (a remark, or nothing), ``mend`` puts right what has to be, once
    somebody serves. ``serves``: the part of the node that serves then, "active", "standby", or "any"."""

    name: str
    says: str
    serves: str
    happen: Callable[[Scene], str]
    mend: Callable[[Scene], None]


EVENTS: dict[str, Event] = {}


def _nothing(_scene: Scene) -> None:
    pass


def _event(
    name: str, serves: str, mend: Callable[[Scene], None] = _nothing
) -> Callable[[Callable[[Scene], str]], Callable[[Scene], str]]:
    def register(happen: Callable[[Scene], str]) -> Callable[[Scene], str]:
        assert happen.__doc__, name
        EVENTS[name] = Event(name, happen.__doc__.splitlines()[0].rstrip("."), serves, happen, mend)
        return happen

    return register


def _plug(*networks: str) -> Callable[[Scene], None]:
    def mend(scene: Scene) -> None:
        try:
            for network in networks:
                scene.active.plug(network, in_place=True)
        except (OSError, ValueError):  # it was cut meanwhile: it comes back with every cable in its place
            pass

    return mend


def _new_disk(scene: Scene) -> None:
    """It works again, and is taken back where the node has gone on without it: one that was cut, or on which
    Pacemaker has taken it back, has it already. Whether both disks are the same, the round waits for."""
    scene.active.until("true", BOOTED)
    scene.active.run(f"{of_disk('running')}; drbdadm attach vermilion", check=False)


def of_disk(state: str) -> str:
    return f"for each in /sys/class/scsi_disk/*/device/state; do echo {state} >$each; done"


@_event("power-active", "standby")
def power_active(scene: Scene) -> str:
    """the power of the active node is cut"""
    scene.active.cut()
    return ""


@_event("switch-over", "standby")
def switch_over(scene: Scene) -> str:
    """an administrator switches over as planned"""
    began = time.monotonic()
    told = scene.active.run("/usr/local/sbin/vermilion-cluster switch-over --wait 900").strip()
    last = (told.splitlines() or ["it says nothing"])[-1]
    return f"the command took {time.monotonic() - began:.0f} s: {last}"


def _start_again(scene: Scene) -> None:
    deadline = time.monotonic() + BOOTED
    while scene.active.is_on:
        if time.monotonic() > deadline:
            raise StepFailed(f"{scene.active.name} does not shut down")
        time.sleep(1)
    scene.active.forget()
    scene.active.switch("power", "1")


@_event("shut-down", "standby", _start_again)
def shut_down(scene: Scene) -> str:
    """somebody shuts the active node down, and has not switched over"""
    scene.active.run("systemctl --no-block poweroff", check=False)
    return ""


@_event("power-standby", "active")
def power_standby(scene: Scene) -> str:
    """the power of the standby is cut"""
    scene.standby.cut()
    return ""


@_event("rings", "active", _plug(*RINGS))
def rings(scene: Scene) -> str:
    """both rings are cut: the two lose each other, and one cuts the other"""
    for ring in RINGS:
        scene.active.plug(ring, in_place=False)
    return ""


@_event("authority", "active")
def authority(scene: Scene) -> str:
    """the authority is killed, with the HSM in it"""
    scene.active.run("systemctl kill --kill-whom=all --signal=KILL vermilion-authority.service")
    return ""


@_event("ring1", "active", _plug(RINGS[0]))
def ring1(scene: Scene) -> str:
    """the first ring is cut, by which the volume is copied"""
    scene.active.plug(RINGS[0], in_place=False)
    return ""


@_event("disk", "any", _new_disk)
def disk(scene: Scene) -> str:
    """the active node's disk fails"""
    scene.active.run(of_disk("offline"))
    return ""


@_event("power-both", "any")
def power_both(scene: Scene) -> str:
    """the power of the whole house fails, and comes back"""
    assert scene.pair.house is not None
    for place in NODES:
        scene.pair.house.stop_controller(place)
    for node in (scene.active, scene.standby):
        node.mains(connected=False)
        node.forget()
    time.sleep(5)
    for node in (scene.standby, scene.active):
        node.mains(connected=True)
        scene.pair.house.start_controller(node.place, node.folder)
        node.switch("power", "1")
    return "dark for 5 s"


@_event("ring2", "active", _plug(RINGS[1]))
def ring2(scene: Scene) -> str:
    """the second ring is cut"""
    scene.active.plug(RINGS[1], in_place=False)
    return ""


@_event("front", "any", _plug(FRONT))
def front(scene: Scene) -> str:
    """the active node's cable to the people is cut"""
    scene.active.plug(FRONT, in_place=False)
    return ""


@_event("blackout", "any")
def blackout(scene: Scene) -> str:
    """the active node and its controller lose their current: nobody is cut, so nobody takes over meanwhile"""
    pair = scene.pair
    _darken(pair, scene.active)
    began = time.monotonic()
    while time.monotonic() - began < ALONE:
        state = pair.state(scene.standby)
        if state is not None and state.where("filesystem") == scene.standby.name:
            raise StepFailed(f"{scene.standby.name} took over, although {scene.active.name} could not be cut")
        time.sleep(5)
    _light(pair, scene.active)
    return f"for {ALONE:.0f} s nobody took over; then the current came back"


@_event("dark-standby", "active")
def dark_standby(scene: Scene) -> str:
    """the standby and its controller lose their current: nobody is cut, so nothing is written meanwhile"""
    pair, active = scene.pair, scene.active
    _darken(pair, scene.standby)
    eventually(lambda: holds_writes(active), BOOTED, f"{active.name} holds its writes")
    began = time.monotonic()
    while time.monotonic() - began < HOLDS:
        if not holds_writes(active):
            raise StepFailed(f"{active.name} writes on, although {scene.standby.name} could not be cut")
        time.sleep(5)
    _light(pair, scene.standby)
    return f"for {HOLDS:.0f} s nothing was written; then the current came back"


def holds_writes(node: Node) -> bool:
    """Whether DRBD holds every write there."""
    return bool(
        re.search(r"^ *0: cs:\S+ ro:Primary/\S+ ds:\S+ +(?:[ABC] +)?s", node.run("cat /proc/drbd"), re.MULTILINE)
    )


def _darken(pair: Pair, node: Node) -> None:
    assert pair.house is not None
    pair.house.stop_controller(node.place)
    node.mains(connected=False)
    node.forget()


def _light(pair: Pair, node: Node) -> None:
    assert pair.house is not None
    node.mains(connected=True)
    pair.house.start_controller(node.place, node.folder)
    node.switch("power", "1")
