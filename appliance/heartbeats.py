"""Signs of life of processes that answer people: a file for each, touched by the loop that serves them.

A worker that ended and one that hangs both stop touching, and nobody has to reach them over their sockets.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from appliance.sharing import make_directory, open_file

FORGOTTEN = 3600.0
"""Seconds after which the file of a process that is no more is removed."""


class Heartbeats:
    """The signs of life in *directory*, which the processes share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def show(self, service: str) -> None:
        """This process, of *service*, is alive now. A disk that takes no sign is another finding's matter."""
        path = self._directory / f"{service}-{os.getpid()}"
        with suppress(OSError):
            try:
                os.utime(path)
            except FileNotFoundError:
                make_directory(self._directory)
                os.close(open_file(path, os.O_WRONLY))

    def alive(self, service: str, *, within: float) -> int:
        """How many processes of *service* have shown a sign *within* so many seconds."""
        now, count = time.time(), 0
        for path in self._directory.glob(f"{service}-*"):
            with suppress(OSError):
                age = now - path.stat().st_mtime
                count += age < within
                if age > FORGOTTEN:
                    path.unlink()
        return count
