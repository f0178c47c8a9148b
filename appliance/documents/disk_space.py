"""Room on the disk for what must go on: signing, timestamps, the log. What is new only comes in beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

from appliance.errors import StorageError

LEAST_FREE = 0.05
"""Below this share of a disk nothing more is taken in."""

MEBIBYTE = 1024 * 1024
LEAST_BYTES = 2048 * MEBIBYTE
"""Below this nothing more is taken in either, on disks that are ten times as large at least."""


def is_full(*, total: int, free: int) -> bool:
    """Whether a disk of *total* bytes with so many *free* takes nothing more in."""
    return free < LEAST_FREE * total or (free < LEAST_BYTES and total >= 10 * LEAST_BYTES)


class DiskSpace:
    """The room on the disk that *place* is on."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def require_space(self, size: int) -> None:
        """Raises :class:`StorageError` when *size* bytes more would leave too little."""
        usage = shutil.disk_usage(self._place)
        if is_full(total=usage.total, free=usage.free - size):
            raise StorageError(
                "Only {free} MiB of the disk are free: nothing new is taken in until the operator has made room. "
                "Signing goes on.",
                free=usage.free // MEBIBYTE,
            )
