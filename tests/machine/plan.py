"""The steps of a run: what each is called, what it needs, in which order they come, and what became of them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import TypeVar

from tests.machine.failure import LeftOut, StepFailed

Bed = TypeVar("Bed")
Act = Callable[[Bed], str]


@dataclass(frozen=True, slots=True)
class Step:
    """``act`` returns its figures in a few words; ``needs`` are the names of steps before it."""

    name: str
    says: str
    act: Callable[..., str]
    needs: tuple[str, ...]


PREPARATIONS = ("debian", "boot")
"""With WHERE_POSSIBLE in the environment these may be impossible: the rest is left out then. They are made of
what is Debian's own; that a bundle cannot be made is a fault of this project."""

STEPS: dict[str, Step] = {}


def step(name: str, *needs: str) -> Callable[[Act[Bed]], Act[Bed]]:
    """Registers a function as the step *name*; the first line of its docstring is what it does."""

    def register(act: Act[Bed]) -> Act[Bed]:
        assert act.__doc__ and set(needs) <= set(STEPS), name
        STEPS[name] = Step(name, act.__doc__.splitlines()[0].rstrip("."), act, needs)
        return act

    return register


def chosen(names: Iterable[str]) -> list[Step]:
    """The steps *names* with all that they need; every step when none is named. Raises KeyError."""
    wanted: set[str] = set()

    def want(name: str) -> None:
        wanted.add(name)
        for need in STEPS[name].needs:
            want(need)

    for name in list(names) or STEPS:
        want(name)
    return [each for each in STEPS.values() if each.name in wanted]


@dataclass(slots=True)
class Outcome:
    """How many steps passed, and which did not."""

    passed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def without(self, needs: Collection[str]) -> str:
        """The first of *needs* that did not pass; empty when all did."""
        return next((each for each in needs if each not in self.passed), "")


def perform(steps: list[Step], bed: object, *, seconds: float = inf) -> Outcome:
    """Does the steps in order; one that failed does not stop those that do not need it. None begins when so many
    *seconds* have passed."""
    outcome, first = Outcome(), time.monotonic()
    for each in steps:
        say(f"{'':6}{each.name:12}{each.says} …")
        began = time.monotonic()
        if began - first > seconds:
            outcome.left_out.append(each.name)
            say(f"none  {each.name:12}left out: {seconds / 60:.0f} minutes are over")
            continue
        word, told = _perform(each, bed, outcome)
        outcome.seconds[each.name] = time.monotonic() - began
        say(f"{word:6}{each.name:12}{outcome.seconds[each.name]:6.1f} s  {told}")
    return outcome


def _perform(each: Step, bed: object, outcome: Outcome) -> tuple[str, str]:
    missing = outcome.without(each.needs)
    if missing:
        outcome.left_out.append(each.name)
        return "none", f"not tried: it needs {missing}"
    try:
        told = each.act(bed)
    except LeftOut as reason:
        outcome.left_out.append(each.name)
        return "none", str(reason)
    except StepFailed as failure:
        preparing = each.name in PREPARATIONS and "WHERE_POSSIBLE" in os.environ
        (outcome.left_out if preparing else outcome.failed).append(each.name)
        return ("none", f"left out: {failure}") if preparing else ("FAIL", str(failure))
    except Exception as failure:  # whatever breaks a step: the others go on, and the machine is taken down
        outcome.failed.append(each.name)
        known = isinstance(failure, AssertionError)
        return "FAIL", str(failure) if known else f"{type(failure).__name__}: {failure}"
    outcome.passed.append(each.name)
    return "ok", told


def say(line: str) -> None:
    """Prints *line* at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
