"""A wall clock that was set, without setting the machine's: the boot clock is moved instead, for some processes.

Whoever sets the wall clock back an hour leaves the boot clock where it is, so the two drift apart by an hour. A
time namespace (time_namespaces(7)) moves the boot clock of the processes in it, which is the same distance; the
machine's own clock, which is everybody's, stays untouched.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path

HOUR = 3600
STEP, UNDO = signal.SIGUSR1, signal.SIGUSR2
_CLONE_NEWTIME = 0x80


def shift_boot_clock(seconds: int) -> None:
    """For the children that this process will fork: a boot clock *seconds* ahead. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWTIME) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    Path("/proc/self/timens_offsets").write_text(f"boottime {seconds} 0\n")


def shift_on_signals() -> None:
    """:data:`STEP` sets the wall clock back an hour for the children of this process from now on, :data:`UNDO` on
    again."""
    signal.signal(STEP, lambda *_: shift_boot_clock(HOUR))
    signal.signal(UNDO, lambda *_: shift_boot_clock(0))


def why_not() -> str:
    """Why this machine lets nobody have a time namespace; empty when it does."""
    tried = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import shift_boot_clock; shift_boot_clock(1)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return tried.stderr.strip().rpartition("\n")[2] if tried.returncode else ""
