"""Resident memory of all processes of the appliance together, after some work."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from hsm.timestamp import build_request, order_for
from tests.bench.load import post_repeatedly
from tests.bench.measure import Figure
from tests.bench.stage import descendants, founded_home, serving
from tests.bench.timestamps import PORT


def figures() -> list[Figure]:
    """Proportional set size, so that pages which processes share count once."""
    with founded_home() as settings:
        there = replace(settings, web=replace(settings.web, port=PORT))
        with serving(there):
            request = build_request(order_for(hashlib.sha256(b"bench").digest()))
            post_repeatedly(f"http://127.0.0.1:{PORT}/tsa", request, seconds=2)
            total = resident_megabytes()
    return [Figure("whole appliance, resident", "MB", total, target=600.0, smaller_is_better=True)]


def resident_megabytes(*, ourselves: bool = False) -> float:
    """Of all that this process has started; and, if so wished, of itself."""
    counted = descendants(os.getpid()) | ({os.getpid()} if ourselves else set())
    return sum(map(_proportional, counted)) / 1024


def _proportional(pid: int) -> int:
    """KiB of one process; 0 when it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
