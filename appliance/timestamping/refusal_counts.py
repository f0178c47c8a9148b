"""Refused requests, counted by failInfo (RFC 3161, 2.4.2): each process has a file.

The health monitor adds them up.

A common counter would cost a lock or a write to disk for each refused request.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeGuard

from appliance.sharing import make_directory, open_file, opened_to_read
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

FORGOTTEN = 86400.0
"""Seconds after which a file in which nothing is new is removed; its process makes it again when it has to."""

MOST_FILES = 1_000
"""Files that are looked at: their writer is not trusted, and could make any number."""

_PREFIX = "refused-"
_NAME = re.compile(_PREFIX + r"[0-9]{1,10}-[0-9a-f]{1,8}")
_LARGEST = 10_000
_IMPLAUSIBLE = 2**48
"""So many are not refused while a process lives; far below what a column of the database takes."""


class RefusalCounts:
    """What one process has refused. For one thread, that of its loop."""

    def __init__(self, directory: Path | None = None) -> None:
        """Without a *directory* nothing is written."""
        self._counts: Counter[str] = Counter()
        # Not the number of the process alone: another one may have had it, and be counted already.
        name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        self._path = None if directory is None else directory / name

    def count_refusal(self, fail_info: FailInfo) -> None:
        self._counts[NAMES[fail_info]] += 1

    def write_counts(self) -> None:
        """Writes the counts for the health monitor. Another check reports a disk that takes nothing."""
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

    What is not a plausible number is left out, and so is a file of another name, which need not even be text.
    """
    for path in _files(directory):
        with suppress(OSError, ValueError, RecursionError):
            counts, age = _read_file(path)
            yield path.name, {name: count for name in NAMES.values() if _is_count(count := counts.get(name))}
            if age > FORGOTTEN:
                path.unlink()


def _files(directory: Path) -> list[Path]:
    with suppress(OSError), os.scandir(directory) as found:
        names = [each.name for each in islice(found, MOST_FILES)]
        return [directory / name for name in sorted(names) if _NAME.fullmatch(name)]
    return []


def _read_file(path: Path) -> tuple[Mapping[str, Any], float]:
    """What the file says, and how many seconds ago. A pipe, a link or deeply nested JSON must not hang or
    end the health monitor."""
    with opened_to_read(path) as file:
        counts, written = json.loads(os.read(file, _LARGEST)), os.fstat(file).st_mtime
    return (counts if isinstance(counts, dict) else {}), time.time() - written


def _is_count(said: object) -> TypeGuard[int]:
    return type(said) is int and 0 <= said < _IMPLAUSIBLE
