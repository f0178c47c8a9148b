"""The steps of ``make test-ha`` before the rounds: from a bundle to two nodes of which one serves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from tests.ha.pair import SETTLED, Pair
from tests.ha.preparing import TITLE, digest, prepare
from tests.machine import making
from tests.machine.failure import StepFailed
from tests.machine.plan import Step

STEPS: list[Step] = []

ENABLED = "systemctl list-unit-files --no-legend --state=enabled 'vermilion*' | cut -d ' ' -f 1"
"""What starts with the appliance: whichever node serves has to start all of it."""


def _step(name: str, *needs: str) -> Callable[[Callable[[Pair], str]], Callable[[Pair], str]]:
    """Registers a function as the step *name*; the first line of its docstring is what it does."""

    def register(act: Callable[[Pair], str]) -> Callable[[Pair], str]:
        assert act.__doc__, name
        STEPS.append(Step(name, act.__doc__.splitlines()[0].rstrip("."), act, needs))
        return act

    return register


def formed(pair: Pair) -> Path:
    """Where a pair of this bundle is kept, if it was ever whole."""
    return _of_bundle(pair) / "formed"


def prepared_disks(pair: Pair) -> Path:
    """Where the disks are with which its machines begin."""
    return _of_bundle(pair) / "prepared"


def _of_bundle(pair: Pair) -> Path:
    return pair.kept / f"pair-{digest(pair.bundle, pair.kept)}"


@_step("bundle")
def bundle(pair: Pair) -> str:
    """the bundle is made of what is committed, or found from the last run (BUNDLE=FILE: that one)"""
    pair.bundle = Path(os.environ["BUNDLE"]) if os.environ.get("BUNDLE") else making.bundle(pair.kept)
    return f"{pair.bundle.name}, {pair.bundle.stat().st_size / 1e6:.0f} MB"


@_step("prepared", "bundle")
def prepared(pair: Pair) -> str:
    """the disks: an appliance with people and a contract, and a bare Debian that has the packages; or found"""
    if formed(pair).exists():
        pair.furnish(formed(pair))
        return f"found, with a pair on them: {formed(pair).parent.name}"
    began = time.monotonic()
    pair.furnish(prepare(pair.kept, pair.folder, pair.bundle))
    return f"{time.monotonic() - began:.0f} s"


@_step("boot", "prepared")
def boot(pair: Pair) -> str:
    """both boot with kernels of their own, in a network of their own; their controllers answer by IPMI"""
    assert pair.house is not None and pair.verdict is not None
    for node in pair.nodes.values():
        asked = ("fence_ipmilan", "--lanplus", "-a", node.place.controller, "-l", "fence", "-p", "nur-zum-Testen")
        if "OFF" not in (told := pair.house.inside(*asked, "-o", "status", check=False)):
            raise StepFailed(f"the controller of {node.name} does not say that it is off: {told.strip()}")
    pair.verdict.begin()  # an appliance serves already, before it is half of a pair
    return pair.boot()


@_step("cluster", "boot")
def cluster(pair: Pair) -> str:
    """ha.yml makes one appliance of the two, over ssh; each was cut by the other to prove the fencing"""
    if formed(pair).exists():
        pair.settle()
        return f"found; {pair.outside('ready', SETTLED)}"
    # A hardware clock tells whole seconds, and nobody asks the house's clock before the machines are installed.
    for node in pair.nodes.values():
        node.run(f"date --set=@{time.time():.2f}")
    cut = {node.name: node.since for node in pair.nodes.values()}
    converged = pair.converge()
    unproven = [node.name for node in pair.nodes.values() if node.since == cut[node.name]]
    if unproven:
        raise StepFailed(f"{' and '.join(unproven)} was never cut: the fencing is not proven")
    enabled = [set(node.run(ENABLED).split()) for node in pair.nodes.values()]
    if enabled[0] != enabled[1]:
        raise StepFailed(f"enabled on one of the two alone: {' '.join(sorted(enabled[0] ^ enabled[1]))}")
    settled = pair.settle()
    return f"{converged}; settled after {settled:.0f} s; {pair.outside('ready', SETTLED)}"


@_step("again", "cluster")
def again(pair: Pair) -> str:
    """a second run of ha.yml changes nothing, and what was signed before is there"""
    assert pair.verdict is not None
    pair.verdict.require_no_fork()
    if formed(pair).exists():
        return f"was so when the pair was made; {pair.outside('same', TITLE, 'inward')}"
    second = pair.converge()
    if second.changed:
        raise StepFailed(f"a second run changes things: {second}: {second.tasks_that_changed()}")
    told = pair.outside("same", TITLE, "inward")
    pair.keep(formed(pair))
    pair.boot()
    settled = pair.settle()
    pair.verdict.require_no_fork()
    return f"{second}; {told}; kept for the next run, settled again after {settled:.0f} s"
