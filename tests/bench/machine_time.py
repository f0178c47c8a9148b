"""Processor time of everything that a measurement starts, processes that have ended included.

A control group counts it exactly (the kernel's documentation, ``cgroup-v1/cpuacct`` and ``cgroup-v2``). Who may
not make one gets the ticks of the whole machine (proc(5), ``/proc/stat``): those count whatever process runs when
the clock strikes, also processes that have nothing to do with us: of use only while nothing else runs.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

_GROUPS = Path("/sys/fs/cgroup")
MILLISECONDS_A_TICK = 1000 / os.sysconf("SC_CLK_TCK")


class Ticks(NamedTuple):
    """Ticks of all cores since the machine started: those that were not idle, and all of them."""

    busy: int
    all: int


def processor_ticks() -> Ticks:
    """What all processes of this machine have used."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return Ticks(sum(ticks) - ticks[3] - ticks[4], sum(ticks))


def used_milliseconds() -> float:
    """What this process and all that it started since the first call have used; compare two calls."""
    return _counter()()


@cache
def _counter() -> Callable[[], float]:
    for parent, file, unit in ((_GROUPS / "cpuacct", "cpuacct.usage", 1e6), (_GROUPS, "cpu.stat", 1e3)):
        group = parent / f"vermilion-bench-{os.getpid()}"
        if not (parent / "cgroup.procs").exists():
            continue
        try:
            group.mkdir()
            _join(group)
        except OSError:
            continue
        atexit.register(_leave, group)
        return lambda: float((group / file).read_text().removeprefix("usage_usec").split()[0]) / unit
    return lambda: processor_ticks().busy * MILLISECONDS_A_TICK


def _join(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


def _leave(group: Path) -> None:
    with suppress(OSError):
        _join(group.parent)
        group.rmdir()
