"""Which tests one worker takes together, and in what order the workers take them: what takes longest begins first,
so that no worker is left alone with it at the end.

The files of a folder share a home and its processes. A folder that takes too long for one worker goes in parts,
each with a home of its own; files that share nothing with their folder go by themselves. How long a file takes is
read from ``seconds.txt``, which ``pytest --write-seconds`` writes anew for what it has run.
"""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

SECONDS = Path(__file__).with_name("seconds.txt")
"""A line for each file that takes a second or more: seconds, path. Only how they compare matters."""

SEPARATE = frozenset(
    {
        "tests/browser/test_first_contract.py",
        "tests/browser/test_two_companies.py",
        "tests/portal/test_both_sides.py",
        "tests/portal/test_every_pair.py",
        "tests/portal/test_every_route.py",
    }
)
"""Files that go to workers by themselves, as their tests share nothing with those of their folder."""

SINGLE = "tests/browser/test_first_contract.py"
"""The file whose tests share nothing with each other either: they go to workers one by one."""

PART = 75.0
"""Seconds that one part of a folder may take."""

LONG = 20.0
"""Seconds from which something is long: behind the last test of it the shortest waits, not the longest."""

OTHERS = 0.2
"""Seconds for a file that is not listed."""


@cache
def _measured() -> dict[str, float]:
    lines = (line.split() for line in SECONDS.read_text(encoding="utf-8").splitlines())
    return {path: float(seconds) for seconds, path in lines}


@cache
def _parts() -> dict[str, str]:
    """The part to which each listed file of a folder belongs that goes in several; the longest files are dealt out
    first, each to the part that has least. What is not listed is of the first part."""
    folders = defaultdict[str, dict[str, float]](dict)
    for path, seconds in _measured().items():
        if path not in SEPARATE:
            folders[path.rpartition("/")[0]][path] = seconds
    found: dict[str, str] = {}
    for folder, files in folders.items():
        loads = [0.0] * math.ceil(sum(files.values()) / PART)
        for path in sorted(files, key=lambda each: (-files[each], each)):
            part = loads.index(min(loads))
            loads[part] += files[path]
            found[path] = f"{folder}#{part}" if part else folder
    return found


def group(nodeid: str) -> str:
    """The folder, the part of it, the file or the test whose tests one worker takes together."""
    path = nodeid.partition("::")[0]
    if path == SINGLE:
        return nodeid
    return path if path in SEPARATE else _parts().get(path, path.rpartition("/")[0])


def sort_by_seconds(items: list[pytest.Item]) -> None:
    """The longest groups first; the order within a group stays. It is the same in each worker: sums of the same
    numbers in another order may differ in their last digit."""
    total = defaultdict[str, float](float)
    for path, each in dict.fromkeys((item.nodeid.partition("::")[0], group(item.nodeid)) for item in items):
        total[each] += _measured().get(path, OTHERS)
    places = {each: place for place, each in enumerate(sorted(total, key=lambda each: (-total[each], each)))}
    items.sort(key=lambda item: places[group(item.nodeid)])


class LongestFirst(LoadScopeScheduling):  # type: ignore[misc]  # xdist's classes are untyped here
    """Groups go to workers whole, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)

    def _reschedule(self, node: Any) -> None:
        """A worker begins a test when it knows the next one; no group waits behind more than one test, and behind
        a long one the shortest does."""
        left = [each for tests in self.assigned_work[node].values() for each, done in tests.items() if not done]
        if len(left) == 1 and self.workqueue and _measured().get(left[0].partition("::")[0], OTHERS) > LONG:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        if node.shutting_down or not self.workqueue or len(left) <= 1:
            super()._reschedule(node)


class Stopwatch:
    """How long each file takes, its fixtures included; a plugin of whoever distributes."""

    def __init__(self) -> None:
        self._seconds = defaultdict[str, float](float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid.partition("::")[0]] += report.duration

    def pytest_sessionfinish(self) -> None:
        known = _measured() | self._seconds
        lines = [f"{seconds:.1f} {path}" for path, seconds in sorted(known.items()) if seconds >= 1]
        SECONDS.write_text("\n".join(lines) + "\n", encoding="utf-8")
