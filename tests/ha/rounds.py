"""The rounds: people and programs work, one thing happens, and all that they were told is looked up."""

from __future__ import annotations

import itertools
import json
import secrets
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.ha.events import EVENTS, HELD, Event, Scene
from tests.ha.load import Told
from tests.ha.node import Node
from tests.ha.pair import Pair, eventually
from tests.machine.failure import StepFailed
from tests.machine.load import Acknowledged
from tests.machine.plan import say

ENOUGH = (8, 1)
"""Timestamps and signatures that are acknowledged before it happens."""

LATER = (5, 1)
"""And after it, so that it is known that the appliance serves."""

LONGER = 3000
"""Less than so many milliseconds later, by chance: whatever is under way then."""

PATIENCE = 1800.0
"""Seconds for any one part of a round. Without KVM all is slow; timings are told, and judged by people."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one round: how much was acknowledged, and found; the longest pause after the event in which nobody got a
    signature, and when the first person's signature came, both in seconds."""

    event: str
    acknowledged: int
    found: int
    pause: float
    person: float


@dataclass(slots=True)
class Rounds:
    """All that were done. ``watch`` is what the independent watcher wrote."""

    pair: Pair
    watch: Path
    figures: list[Figures] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    emulated: float = 0.0
    """Seconds that the services took to start on a node, the last time: what the emulator costs."""

    def forks(self) -> list[str]:
        """What the watcher and the witness hold against the log."""
        lines = [json.loads(each) for each in self.watch.read_text().splitlines()] if self.watch.exists() else []
        found = [
            f"{each['event']} at {each['where']}: {each['words']}" for each in lines if each["event"] != "cosigned"
        ]
        told = self.pair.house.said("witness") if self.pair.house is not None else ""
        return found + [each for each in told.splitlines() if "perhaps a fork" in each]

    def seen(self) -> int:
        """How many checkpoints the witness has cosigned for the watcher."""
        return self.watch.read_text().count('"cosigned"') if self.watch.exists() else 0

    def last_line(self) -> str:
        """The figures of all rounds."""
        acknowledged = sum(each.acknowledged for each in self.figures)
        found = sum(each.found for each in self.figures)
        outages = [each.pause for each in self.figures if each.event in OUTAGES]
        middle = statistics.median(outages) if outages else 0.0
        return (
            f"ha: {len(self.figures)} rounds, {acknowledged} acknowledged, {found} found,"
            f" {len(self.forks())} forks, median {middle:.0f} s to serve again"
        )

    def remarks(self) -> str:
        """What the last line has no place for."""
        planned = [f"{each.pause:.0f} s" for each in self.figures if each.event == "switch-over"]
        own, here = float(self.pair.facts.get("seconds", 0)), self.emulated
        parts = [f"the witness cosigned {self.seen()} checkpoints that the watcher brought"]
        if planned:
            parts.append(f"planned switch-overs: {', '.join(planned)} without a signature")
        if own and here:
            parts.append(
                f"the services start in {own:.0f} s on this machine's own kernel, in {here:.0f} s on a node"
                f" ({here / own:.0f} times)"
            )
        return "; ".join(parts)


OUTAGES = ("power-active", "rings", "front", "disk", "authority", "power-standby", "ring1", "ring2")
"""Of these the median is: what befalls one node or one cable by itself. What is planned, and what takes the
current from the whole house, is told by its own line."""


def order(count: int, names: str) -> list[Event]:
    """*count* events in turn: all that there are, or those that are named."""
    chosen = [EVENTS[each] for each in names.split()] or list(EVENTS.values())
    return [chosen[each % len(chosen)] for each in range(count)]


def play(rounds: Rounds, number: int, event: Event) -> str:
    """One round; what came of it. Raises :class:`StepFailed`, and AssertionError with what was lost."""
    pair = rounds.pair
    pair.settle(PATIENCE)
    active = pair.active()
    scene = Scene(pair, active, pair.other(active))
    journal = pair.folder / f"round-{number}"
    work = pair.while_it("tests.ha.load", "work", str(pair.company), str(journal))
    try:
        eventually(
            lambda: _enough(journal, 0.0, ENOUGH) or work.poll() is not None, PATIENCE, "nobody was served before"
        )
        time.sleep(secrets.randbelow(LONGER) / 1000)
        happened = time.time()
        remark = event.happen(scene)
        if event.serves == "active" and event.mend.__name__ != "_nothing":
            time.sleep(HELD)
        eventually(lambda: _enough(journal, happened, LATER), PATIENCE, f"nobody was served after: {event.says}")
    finally:
        journal.with_suffix(".over").touch()
        told = work.communicate(timeout=PATIENCE)[0].decode("utf-8", "replace").strip()
    served = time.time()
    event.mend(scene)
    after = pair.active()
    _judge(event, scene, after)
    settled = pair.settle(PATIENCE)
    found = pair.errand("tests.ha.load", "look-up", str(pair.company), str(journal), str(pair.folder / "shelf"))
    checked = pair.active().run("vermilion log check").strip().splitlines()[-1]
    if forks := rounds.forks():
        raise StepFailed(f"the log is not one: {'; '.join(forks)}")
    figures = _figures(event.name, journal, happened, served)
    rounds.figures.append(figures)
    took = _took(rounds, after) if after is not active else ""
    return (
        f"{told}; {remark + '; ' if remark else ''}{after.name} serves, {figures.pause:.1f} s without a signature"
        f" (a person's after {figures.person:.0f} s){took}; whole again after {settled:.0f} s more; {found};"
        f" log check: {checked}"
    )


def _judge(event: Event, scene: Scene, after: Node) -> None:
    expected = {"active": scene.active, "standby": scene.standby}.get(event.serves, after)
    if after is not expected:
        raise StepFailed(f"{event.says}: {after.name} serves, and not {expected.name}")


def _enough(journal: Path, since: float, wanted: tuple[int, int]) -> bool:
    told = [each.kind for each in Told.read(journal) if each.asked >= since]
    return told.count("token") >= wanted[0] and told.count("signed") >= wanted[1]


def _figures(event: str, journal: Path, happened: float, served: float) -> Figures:
    told = Told.read(journal)
    came = sorted(each.came for each in told if each.kind in ("token", "signed"))
    # Who was told nothing between the event and the first acknowledgement waits since the event.
    moments = [happened, *(each for each in came if happened < each <= served)]
    pause = max((later - earlier for earlier, later in itertools.pairwise(moments)), default=0.0)
    person = min((each.came for each in told if each.kind == "signed" and each.asked >= happened), default=served)
    all_told = Acknowledged.read(journal)
    count = len(all_told.tokens) + len(all_told.sent) + len(all_told.signed)
    return Figures(event, count, count, pause, person - happened)


def _took(rounds: Rounds, node: Node) -> str:
    state = rounds.pair.state(node)
    took = {} if state is None else state.took(node.name)
    rounds.emulated = took.get("appliance", rounds.emulated)
    names = ("volume", "filesystem", "address", "appliance", "front")
    return (
        "; of these " + ", ".join(f"{each} {took[each]:.0f} s" for each in names if each in took) if took else ""
    )


def all_rounds(pair: Pair, count: int, names: str) -> Rounds:
    """*count* rounds, one after another; one that fails ends them."""
    rounds = Rounds(pair, pair.folder / "watch.jsonl")
    if not count or pair.house is None:
        return rounds

    watcher = ("-m", "tests.ha.watching", str(pair.company), str(rounds.watch))
    pair.house.begin("watching", sys.executable, *watcher)
    for number, event in enumerate(order(count, names), 1):
        say(f"{'':6}{f'round {number}':12}{event.says} …")
        began = time.monotonic()
        try:
            word, told = "ok", play(rounds, number, event)
        except (StepFailed, AssertionError) as failure:
            word, told = "FAIL", str(failure)
            rounds.failed.append(event.name)
        say(f"{word:6}{f'round {number}':12}{time.monotonic() - began:6.1f} s  {told}")
        if word == "FAIL":
            break
    return rounds
