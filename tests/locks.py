"""Who holds a lock, asked of the kernel: whoever tries a lock has it for a moment, and others find it taken."""

from __future__ import annotations

import os
from pathlib import Path


def holders_of(lock: Path) -> frozenset[int]:
    """The processes that have locked the file (``flock``); nobody where there is no such file."""
    if not lock.exists():
        return frozenset()
    found = lock.stat()
    wanted = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    lines = [line.split() for line in Path("/proc/locks").read_text("ascii").splitlines()]
    return frozenset(int(each[4]) for each in lines if each[5] == wanted and each[1] == "FLOCK")
