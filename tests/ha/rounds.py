"""The rounds: people and programs work, one thing happens, and all that they were told is looked up."""

from __future__ import annotations

import itertools
import json
import secrets
import statistics
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.ha import orders
from tests.ha.events import EVENTS, HELD, Event, Scene
from tests.ha.load import Told, total
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
    signature, and when the first person's signature came, both in seconds. ``start``: how long the services took
    of that on the node that took over; 0 where none did. ``stop``: before, on the node that they left in order.
    ``before`` and ``after`` are the nodes that served before the event and after it."""

    event: str
    acknowledged: int
    found: int
    pause: float
    person: float
    start: float = 0.0
    stop: float = 0.0
    before: str = ""
    after: str = ""

    @property
    def has_moved(self) -> bool:
        """Whether the other node served after it."""
        return self.before != self.after

    def without_start(self, own: float) -> float:
        """The pause, had the services started in *own* seconds, as on this machine's own kernel."""
        return self.pause - max(0.0, self.start - own)


@dataclass(slots=True)
class Rounds:
    """All that were done."""

    pair: Pair
    figures: list[Figures] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def last_line(self) -> str:
        """The figures of all rounds. Of forks it has a number only where somebody has watched."""
        acknowledged = sum(each.acknowledged for each in self.figures)
        found = sum(each.found for each in self.figures)
        verdict = self.pair.verdict
        forks = [] if verdict is None else verdict.forks()
        watched = bool(forks) or (verdict is not None and verdict.seen() > 0)
        middle = _middle(each.pause for each in self._outages())
        return (
            f"ha: {len(self.figures)} rounds, {acknowledged} acknowledged, {found} found,"
            f" {f'{len(forks)} forks' if watched else 'forks not watched'}, median {middle:.0f} s to serve again"
        )

    def remarks(self) -> str:
        """What the last line has no place for."""
        verdict = self.pair.verdict
        parts = [f"lost: {sum(each.acknowledged - each.found for each in self.figures)}"]
        if verdict is not None:
            parts.append(f"the witness cosigned {verdict.seen()} checkpoints that the watcher brought")
        if self.pair.stalls:
            parts.append(f"kernels that stalled as they booted, and were reset: {self.pair.stalls}")
        if planned := [f"{each.pause:.0f} s" for each in self.figures if each.event == "switch-over"]:
            parts.append(f"planned switch-overs: {', '.join(planned)} without a signature")
        return "; ".join([*parts, *self._of_starts(), *self._of_takeovers(), *self._of_stops()])

    def _outages(self) -> list[Figures]:
        return [each for each in self.figures if each.event in OUTAGES]

    def _own(self) -> float:
        """How long the services start on this machine's own kernel, in seconds; 0 where nobody has measured it."""
        return float(self.pair.facts.get("seconds", 0))

    def _of_starts(self) -> list[str]:
        own, starts = self._own(), [each.start for each in self.figures if each.start]
        if not own or not starts:
            return []
        here = statistics.median(starts)
        told = (
            f"the services start in {own:.0f} s on this machine's own kernel, in {here:.0f} s on a node"
            f" ({here / own:.0f} times)"
        )
        share = [each.without_start(own) for each in self._outages()]
        return [told, *([f"less that difference the median is {statistics.median(share):.0f} s"] if share else [])]

    def _of_takeovers(self) -> list[str]:
        """Where the other node serves after an outage: the median over all has events in it after which the same
        one goes on."""
        own, moved = self._own(), [each for each in self._outages() if each.has_moved]
        if not moved:
            return []
        told = f"{len(moved)} takeovers by the other node: median {_middle(each.pause for each in moved):.0f} s"
        if own and any(each.start for each in moved):
            told += f", less what the emulator costs {_middle(each.without_start(own) for each in moved):.0f} s"
        return [told]

    def _of_stops(self) -> list[str]:
        own, stop = self._own(), float(self.pair.facts.get("seconds_to_stop", 0))
        if not stop or not (left := [each for each in self.figures if each.stop]):
            return []
        here = statistics.median(each.stop for each in left)
        share = [each.without_start(own) - max(0.0, each.stop - stop) for each in left]
        return [
            f"they stop in {stop:.1f} s, in {here:.0f} s on a node; less both differences a planned"
            f" switch-over takes {statistics.median(share):.0f} s"
        ]


def _middle(seconds: Iterable[float]) -> float:
    """The median; 0 where there is nothing."""
    return statistics.median(found) if (found := list(seconds)) else 0.0


OUTAGES = ("power-active", "rings", "front", "disk", "authority", "power-standby", "ring1", "ring2")
"""Of these the median is: what befalls one node or one cable by itself. What is planned, and what takes the
current from the whole house, is told by its own line."""


def order(count: int, names: str) -> list[Event]:
    """*count* events in turn: all that there are, or those that are named."""
    chosen = [EVENTS[each] for each in names.split()] or list(EVENTS.values())
    return [chosen[each % len(chosen)] for each in range(count)]


def play(rounds: Rounds, number: int, event: Event) -> str:
    """One round; what came of it. Raises :class:`StepFailed`, also with what was lost."""
    pair, journal = rounds.pair, rounds.pair.folder / f"round-{number}"
    settled = pair.settle(PATIENCE)  # before anybody works: all that they are told is looked up
    work = pair.while_it("tests.ha.load", "work", str(pair.company), str(journal), words=_words(journal))
    try:
        _wait(work, journal, 0.0, ENOUGH, "nobody was served before")
        active = pair.active()
        scene = Scene(pair, active, pair.other(active))
        time.sleep(secrets.randbelow(LONGER) / 1000)
        happened = time.time()
        remark = event.happen(scene)
        if event.serves == "active" and event.mend.__name__ != "_nothing":
            time.sleep(HELD)
        # Asked for after all of it: a planned switch is served by the node that it leaves, at first.
        _wait(work, journal, time.time(), LATER, f"nobody was served after: {event.says}")
        served = time.time()
        told = _come_home(work, journal)
    finally:
        if work.poll() is None:
            work.kill()
            work.wait()
    event.mend(scene)
    after = pair.active()
    _judge(event, scene, after)
    # The other node comes back meanwhile: whoever serves has all of it, or it is lost.
    found = _look_up(pair, journal)
    took = _took(pair, after) if after is not active else {}
    left = _took(pair, active, starting=False) if took and event.name == "switch-over" else {}
    times = (took.get("appliance", 0.0), left.get("appliance", 0.0))
    figures = replace(
        _figures(event.name, journal, happened, served, found["found"], *times),
        before=active.name,
        after=after.name,
    )
    rounds.figures.append(figures)
    if found["missing"] or figures.found < figures.acknowledged:
        raise StepFailed(f"{found['words']}, of {told}; missing: {'; '.join(found['missing'])}")
    assert pair.verdict is not None
    pair.verdict.require_one_log(happened)
    checked = pair.active().run("/usr/local/sbin/vermilion log check").strip().splitlines()[-1:]
    named = [f"{each} stops {left[each]:.0f} s" for each in reversed(left)]
    named += [f"{each} {took[each]:.0f} s" for each in took]
    parts = f"; of these {', '.join(named)}" if named else ""
    waited = f"whole after {settled:.0f} s more; " if settled > 1 else ""
    return (
        f"{waited}{told}; {remark + '; ' if remark else ''}{after.name} serves, {figures.pause:.1f} s without a"
        f" signature (a person's after {figures.person:.0f} s){parts}; {found['words']};"
        f" log check: {' '.join(checked)}"
    )


def _words(journal: Path) -> Path:
    return journal.with_suffix(".words")


def _wait(work: subprocess.Popen[bytes], journal: Path, since: float, wanted: tuple[int, int], what: str) -> None:
    """Until so much was acknowledged of what was asked for *since* then. Raises :class:`StepFailed` with the last
    troubles of those at work."""
    try:
        eventually(lambda: _enough(journal, since, wanted) or work.poll() is not None, PATIENCE, what)
        if work.poll() is not None:
            raise StepFailed(f"those at work have ended: {_words(journal).read_text(errors='replace')[-1000:]}")
    except StepFailed as failure:
        troubles = journal.with_suffix(".troubles")
        last = troubles.read_text().splitlines()[-4:] if troubles.exists() else []
        raise StepFailed(f"{failure}; the last troubles: {' / '.join(last) or 'none'}") from failure


def _come_home(work: subprocess.Popen[bytes], journal: Path) -> str:
    """Those at work finish what they have begun; what they say. Raises :class:`StepFailed`."""
    journal.with_suffix(".over").touch()
    try:
        status = work.wait(PATIENCE)
    except subprocess.TimeoutExpired as late:
        raise StepFailed(f"those at work did not come home within {PATIENCE:.0f} s") from late
    told = _words(journal).read_text(errors="replace").strip()
    if status:
        raise StepFailed(f"those at work have failed: {told[-1000:]}")
    return told


def _look_up(pair: Pair, journal: Path) -> dict[str, Any]:
    """What of it is there: "found" (how many), "missing" (sentences), "words"."""
    told = pair.errand("tests.ha.load", "look-up", str(pair.company), str(journal), str(pair.folder / "shelf"))
    found: dict[str, Any] = json.loads(told.splitlines()[-1])
    return found


def _judge(event: Event, scene: Scene, after: Node) -> None:
    expected = {"active": scene.active, "standby": scene.standby}.get(event.serves, after)
    if after is not expected:
        raise StepFailed(f"{event.says}: {after.name} serves, and not {expected.name}")


def _enough(journal: Path, since: float, wanted: tuple[int, int]) -> bool:
    told = [each.kind for each in Told.read(journal) if each.asked >= since]
    return told.count("token") >= wanted[0] and told.count("signed") >= wanted[1]


def _figures(
    event: str, journal: Path, happened: float, served: float, found: int, start: float, stop: float
) -> Figures:
    told = Told.read(journal)
    came = sorted(each.came for each in told if each.kind in ("token", "signed"))
    # Who was told nothing between the event and the first acknowledgement waits since the event.
    moments = [happened, *(each for each in came if happened < each <= served)]
    pause = max((later - earlier for earlier, later in itertools.pairwise(moments)), default=0.0)
    person = min((each.came for each in told if each.kind == "signed" and each.asked >= happened), default=served)
    return Figures(event, total(Acknowledged.read(journal)), found, pause, person - happened, start, stop)


def _took(pair: Pair, node: Node, starting: bool = True) -> dict[str, float]:
    """How long its parts took to start on *node*, in their order, or to stop."""
    state = pair.state(node)
    took = {} if state is None else state.took(node.name, starting)
    names = ("volume", "filesystem", "address", "appliance", "front")
    return {each: took[each] for each in names if each in took}


def all_rounds(pair: Pair, count: int, names: str) -> Rounds:
    """*count* rounds, one after another; one that fails ends them."""
    rounds = Rounds(pair)
    if not count:
        return rounds

    rounds.failed += orders.admit(pair)
    for number, event in enumerate(order(count, names), 1):
        say(f"{'':6}{f'round {number}':12}{event.says} …")
        began = time.monotonic()
        try:
            word, told = "ok", play(rounds, number, event)
        except Exception as failure:  # whatever breaks a round: what the others came to is told
            known = isinstance(failure, (StepFailed, AssertionError))
            word, told = "FAIL", str(failure) if known else f"{type(failure).__name__}: {failure}"
            rounds.failed.append(event.name)
        say(f"{word:6}{f'round {number}':12}{time.monotonic() - began:6.1f} s  {told}")
        if word == "FAIL":
            return rounds
    try:
        settled = pair.settle(PATIENCE)
        pair.active().run("systemctl start vermilion-backup.service", patience=PATIENCE)
        say(f"{'':6}{'whole':12}after {settled:.0f} s more; a backup was made after all of it")
    except StepFailed as failure:
        rounds.failed.append("whole")
        say(f"{'FAIL':6}{'whole':12}{failure}")
    return rounds
