"""Which process works at an intent, and whether it still runs.

A lease is a name and a file that its process keeps locked (``flock``). The kernel releases the lock when the
process ends, however it ends, so another one can tell at once that nobody will finish the claimed intents.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
from pathlib import Path

from appliance.sharing import make_directory, open_file


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
