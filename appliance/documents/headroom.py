"""Room on the disk for what must go on: signing, timestamps, the log. What is new only comes in beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

from appliance.errors import StorageError

LEAST_FREE = 0.05
"""Share of the disk below which nothing new is taken in, however much that is."""

MEBIBYTE = 1024 * 1024


class Headroom:
    """The disk that *place* is on, of which *reserve* bytes, and :data:`LEAST_FREE`, stay free."""

    def __init__(self, place: Path, *, reserve: int) -> None:
        self._place = place
        self._reserve = reserve

    def require(self, size: int) -> None:
        """Raises :class:`StorageError` when *size* bytes more would leave less than that."""
        usage = shutil.disk_usage(self._place)
        if usage.free - size < max(self._reserve, LEAST_FREE * usage.total):
            raise StorageError(
                "Only {free} MiB of the disk are free: nothing new is taken in until the operator has made room. "
                "Signing goes on.",
                free=usage.free // MEBIBYTE,
            )
