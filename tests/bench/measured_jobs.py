"""The confined jobs as the bench runs them, under their own names: each tells what its child has used.

``twice/pdf.prepare`` does the same job a second time in the same child and tells what that took: nothing is new to
the process then, so that the difference is what a fresh child pays for copies of its own.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance.confinement.frames import typed
from appliance.confinement.jobs import JOBS, load


@dataclass(frozen=True, slots=True)
class Measured:
    """The plain ``result`` of a job, nanoseconds before it (``start``) and for it (``used``), page ``faults``."""

    result: Any
    start: int
    used: int
    faults: int


def __getattr__(name: str) -> Callable[..., Measured]:
    job = name.removeprefix("twice/")
    if job not in JOBS:
        raise AttributeError(name)
    work = typed(load({job: JOBS[job]})[job])

    def measured(**arguments: Any) -> Measured:
        start = time.process_time_ns()
        if job != name:
            work(**arguments)
        faults, before = _faults(), time.process_time_ns()
        result = work(**arguments)
        used = time.process_time_ns() - before
        return Measured(result, start, used, _faults() - faults)

    return measured


def _faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
