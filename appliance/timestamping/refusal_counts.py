"""Requests that were refused, counted by failInfo (RFC 3161, 2.4.2): each process in a file of its own, which the
watch adds up.

A counter for everybody would cost a lock, or the disk, for each request that somebody sends in vain; and who is
sent nonsense by the thousand must not be kept from work by counting it.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeGuard

from appliance.sharing import make_directory, open_file
from hsm.timestamp import FailInfo

NAMES: Final[Mapping[FailInfo, str]] = {
    FailInfo.BAD_ALG: "badAlg",
    FailInfo.BAD_REQUEST: "badRequest",
    FailInfo.BAD_DATA_FORMAT: "badDataFormat",
    FailInfo.TIME_NOT_AVAILABLE: "timeNotAvailable",
    FailInfo.UNACCEPTED_POLICY: "unacceptedPolicy",
    FailInfo.UNACCEPTED_EXTENSION: "unacceptedExtension",
    FailInfo.ADD_INFO_NOT_AVAILABLE: "addInfoNotAvailable",
    FailInfo.SYSTEM_FAILURE: "systemFailure",
}
"""The names that RFC 3161 gives them."""

OUR_OWN: Final = frozenset({"timeNotAvailable", "systemFailure"})
"""Those that are no client's fault."""

FORGOTTEN = 86400.0
"""Seconds after which a file in which nothing is new is removed; its process makes it again when it has to."""

_PREFIX = "refused-"
_LARGEST = 10_000
_IMPLAUSIBLE = 2**48
"""So many are not refused while a process lives; far below what a column of the database takes."""


class RefusalCounts:
    """What one process has refused. For one thread, that of its loop."""

    def __init__(self, directory: Path | None = None) -> None:
        """Without a *directory* nobody is told."""
        self._counts: Counter[str] = Counter()
        # Not the number of the process alone: another one may have had it, and be counted already.
        name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        self._path = None if directory is None else directory / name

    def count_refusal(self, fail_info: FailInfo) -> None:
        """One more."""
        self._counts[NAMES[fail_info]] += 1

    def write_counts(self) -> None:
        """Leaves the counts for the watch. A disk that takes nothing is another finding's matter."""
        if self._path is None or not self._counts:
            return
        fresh = self._path.with_name(f".{self._path.name}")
        with suppress(OSError):
            make_directory(self._path.parent)
            with os.fdopen(open_file(fresh, os.O_WRONLY | os.O_TRUNC), "w", encoding="ascii") as stream:
                json.dump(self._counts, stream)
            fresh.replace(self._path)


def read_counts(directory: Path) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Every process's name and counts; files in which nothing has been new for a day are removed.

    Whoever may write there is believed as far as numbers go: what is none is left out.
    """
    for path in sorted(directory.glob(f"{_PREFIX}*")):
        with suppress(OSError, ValueError, RecursionError):
            told, age = _told(path)
            yield path.name, {name: count for name in NAMES.values() if _is_count(count := told.get(name))}
            if age > FORGOTTEN:
                path.unlink()


def _told(path: Path) -> tuple[Mapping[str, Any], float]:
    """What the file says, and how many seconds ago. Who may write there may have laid a pipe, a link or a heap of
    brackets there: the watch must not hang or end on it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        told = json.loads(stream.read(_LARGEST))
    return (told if isinstance(told, dict) else {}), time.time() - status.st_mtime


def _is_count(said: object) -> TypeGuard[int]:
    return type(said) is int and 0 <= said < _IMPLAUSIBLE
