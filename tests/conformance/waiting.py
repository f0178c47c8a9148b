"""Waiting for what comes to hold sooner or later, with a limit that only a failure reaches."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.authority import RunningAuthority


def eventually(holds: Callable[[], object], *, seconds: float = 60) -> None:
    """Returns once *holds* gives something true; fails after *seconds*."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


def workers_of(authority: RunningAuthority) -> list[int]:
    """The process ids of the authority's workers."""
    pid = authority.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
