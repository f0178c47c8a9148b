"""Keeping the memory of a process that holds a PIN to itself (prctl(2), PR_SET_DUMPABLE; getrlimit(2))."""

from __future__ import annotations

import ctypes
import os
import resource

_PR_SET_DUMPABLE = 4


def keep_memory_private() -> None:
    """No core dump, and no other process of the same user may trace this one or read its memory; children too.

    Raises OSError when the kernel refuses.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
