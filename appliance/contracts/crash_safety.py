"""What makes a signature safe when a process dies: failpoints for the tests, and leases of processes.

The failpoints are the named points of the signing cycle at which the tests try a crash. Whoever runs a step is
given a :data:`FailpointHook` and calls it between two durable states; in production it is
:func:`ignore_failpoint`.

A lease is a name and a file that its process keeps locked (``flock``). The kernel releases the lock when the
process ends, however it ends, so another one can tell at once that nobody will finish the claimed intents.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from appliance.sharing import make_directory, open_file


class Failpoint(StrEnum):
    """Each is named after what has just been done; the next step has not begun."""

    REVISION_PREPARED = "revision prepared, intent not yet on disk"
    INTENT_PERSISTED = "intent on disk"
    INTENT_CLAIMED = "intent claimed, authority not yet asked"
    CMS_RECEIVED = "authority has signed, CMS only in memory"
    CMS_PERSISTED = "CMS on disk, not yet timestamped"
    TIMESTAMP_RECEIVED = "timestamp issued, only in memory"
    TIMESTAMP_PERSISTED = "timestamped CMS on disk"
    RESULT_VERIFIED = "embedded and verified, not yet stored"
    RESULT_STORED = "bytes stored, completion not yet committed"
    COMPLETION_WRITTEN = "completion written, transaction still open"
    COMPLETION_COMMITTED = "completion committed, not yet acknowledged"
    ARCHIVE_PREPARED = "validation data and document timestamp prepared"
    ARCHIVE_STAMPED = "document timestamp issued, only in memory"
    ARCHIVE_STORED = "archived bytes stored, not yet committed"
    ARCHIVE_COMMITTED = "contract completed, not yet acknowledged"


FailpointHook = Callable[[Failpoint], None]


def ignore_failpoint(failpoint: Failpoint) -> None:
    """Does nothing."""


class ProcessLeases:
    """The leases of one appliance; *directory* is shared by its processes. Thread-safe, and safe over fork."""

    def __init__(self, directory: Path) -> None:
        make_directory(directory)
        self._directory = directory
        self._guard = threading.Lock()
        self._process: int | None = None
        self._name = ""
        self._descriptor = -1

    def own_lease(self) -> str:
        """The name of this process, alive for as long as the process is."""
        with self._guard:
            if self._process != os.getpid():
                self._enter()
            return self._name

    def is_held(self, name: str | None) -> bool:
        """True while the process of that name runs. The file of one that ended is removed."""
        if name is None or "/" in name:
            return False
        if name == self._name and self._process == os.getpid():
            return True
        path = self._directory / name
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _enter(self) -> None:
        if self._descriptor >= 0:  # inherited over fork: the lock is the parent's, the copy must not keep it
            os.close(self._descriptor)
        self._name = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._descriptor = open_file(self._directory / self._name, os.O_RDWR | os.O_EXCL)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._process = os.getpid()
