"""What processes count for the health monitor, each in a file of its own, which it adds up.

A common counter would cost a lock or a write to disk for each thing that is counted.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeGuard

from appliance.sharing import make_directory, open_file
from hsm.files import opened_to_read

FORGOTTEN = 86400.0
"""Seconds after which a file in which nothing is new is removed; its process goes on in another one."""

MOST_FILES = 1_000
"""Files that are looked at: their writer is not trusted, and could make any number."""

_REST: Final = r"[0-9]{1,10}-[0-9a-f]{1,8}"
_IMPLAUSIBLE = 2**48
"""So many are not counted while a process lives; far below what a column of the database takes."""


class ProcessCounts:
    """What one process has counted, by name. Thread-safe. The names of its files begin with *prefix*; without a
    *directory* nothing is written."""

    def __init__(self, prefix: str, directory: Path | None) -> None:
        self._prefix = prefix
        self._directory = directory
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._written: Counter[str] = Counter()
        self._path: Path | None = None

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._counts[name] += count

    def names(self) -> int:
        """How many names there are."""
        return len(self._counts)

    def knows(self, name: str) -> bool:
        return name in self._counts

    def write(self) -> None:
        """Writes what is new for the health monitor. Another check reports a disk that takes nothing."""
        with self._lock, suppress(OSError):
            if self._directory is None or self._counts == self._written:
                return
            make_directory(self._directory)
            if self._path is None or not self._path.exists():
                # What an earlier file said is added up by now. Another process may have had the same number.
                self._counts -= self._written
                self._written = Counter()
                self._path = self._directory / f"{self._prefix}{os.getpid()}-{secrets.token_hex(4)}"
            fresh = self._path.with_name(f".{self._path.name}")
            with os.fdopen(open_file(fresh, os.O_WRONLY | os.O_TRUNC), "w", encoding="ascii") as stream:
                json.dump(self._counts, stream)
            fresh.replace(self._path)
            self._written = self._counts.copy()


def files_of(prefix: str, directory: Path) -> list[str]:
    """The names of the files that there are. Raises OSError when that cannot be said."""
    with suppress(FileNotFoundError), os.scandir(directory) as found:
        kind = re.compile(re.escape(prefix) + _REST)
        return sorted(name for name in (each.name for each in islice(found, MOST_FILES)) if kind.fullmatch(name))
    return []


def read_counts(directory: Path, files: list[str], *, largest: int) -> Iterator[tuple[str, Mapping[str, int]]]:
    """The name of each of *files* and what it has counted; those in which nothing has been new for a day are
    removed, of one that is larger than *largest* bytes nothing is believed.

    What is not a plausible number is left out.
    """
    for name in files:
        path = directory / name
        with suppress(OSError, ValueError, RecursionError):
            counts, age = _read_file(path, largest)
            yield name, {key: count for key, count in counts.items() if _is_count(count)}
            if age > FORGOTTEN:
                path.unlink()


def _read_file(path: Path, largest: int) -> tuple[Mapping[str, Any], float]:
    """What the file says, and how many seconds ago. A pipe, a link or deeply nested JSON must not hang or
    end the health monitor."""
    with opened_to_read(path) as file:
        counts, written = json.loads(os.read(file, largest)), os.fstat(file).st_mtime
    return (counts if isinstance(counts, dict) else {}), time.time() - written


def _is_count(said: object) -> TypeGuard[int]:
    return type(said) is int and 0 <= said < _IMPLAUSIBLE
