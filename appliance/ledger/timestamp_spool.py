"""The timestamp service's own storage: what it issued is here before the token is given out, until the log has it.

A spool is a directory of files to which lines are only appended. Each line is one commit: the first half of the
SHA-256 of the rest (32 hex digits), a space, and a JSON array of ``[time, serial, digest]``, one for each token
(:class:`~appliance.ledger.entry.TimestampEntry`). A process never appends to a file that another one began, nor to
one after a failure. So only the last line of a file can be half-written, and nobody has been told of what is in
that one: whatever stands before it was on disk when it was begun.

Reading needs no right to write, and neither trusts nor waits for the writer: whoever has taken over the timestamp
service can write any bytes here. Therefore this is no SQLite: its readers share memory with the writer, map it
writable, and are killed (SIGBUS) when the writer cuts it (docs/decisions/0046-timestamps-apart.md).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from appliance.errors import SpoolDamaged, StorageError
from appliance.ledger.entry import TimestampEntry
from appliance.sharing import file_mode, give_mode, make_directory
from hsm.files import opened_to_read, sync_directory
from hsm.intents import instant
from hsm.timestamp import IssuedToken

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes after which the next file is begun, so that what the log has can be removed."""

MOST_IN_LINE = 2_000
"""Tokens in one line."""

LARGEST_LINE = 512 * 1024
"""Bytes of a line, its end included: more than :data:`MOST_IN_LINE` tokens have."""

MOST_FILES = 10_000
"""Files that are looked at. The writer begins one when it starts, for each 64 MiB, and after each failure; that
there are more is no work of ours, or a disk that has been full for long."""

_NAME = re.compile(r"[0-9]{12}-[0-9a-f]{16}")
_TIME = re.compile(r"2[0-9]{3}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z")
_SERIAL, _DIGEST = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")
_CHECK = 32


class TimestampSpool:
    """The writer's side, for one thread. The file begins with the first token."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: int | None = None
        self._size = 0

    def append(self, tokens: Sequence[IssuedToken]) -> None:
        """Writes *tokens*; on disk on return. Raises :class:`StorageError` when they are not, or not for sure."""
        entries = [TimestampEntry.of(token) for token in tokens]
        for start in range(0, len(entries), MOST_IN_LINE):
            try:
                self._write(_line(entries[start : start + MOST_IN_LINE]))
            except OSError as error:
                self.close()  # what came of the write is not known: nothing may follow it in this file
                raise StorageError(
                    "Timestamps cannot be written into {path}: {why}.",
                    path=self._directory,
                    why=error.strerror or error,
                ) from error

    def close(self) -> None:
        """Ends the file; the next token begins another one."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, line: bytes) -> None:
        if self._file is None or self._size + len(line) > LARGEST_FILE:
            self.close()
            self._file, self._size = _begin_file(self._directory), 0
        if os.write(self._file, line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fdatasync(self._file)
        self._size += len(line)


def _begin_file(directory: Path) -> int:
    """A new file, locked as long as it is written to; its name is on disk on return."""
    make_directory(directory)
    path = directory / f"{int(time.time()):012d}-{secrets.token_hex(8)}"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    file, mode = os.open(path, flags, 0o600), file_mode(directory)
    try:
        give_mode(file, mode)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.stat()  # somebody who tidies up may have been faster than the lock
        sync_directory(directory)
    except BaseException:
        os.close(file)
        raise
    return file


def _line(entries: Sequence[TimestampEntry]) -> bytes:
    rows = [[instant(each.at), f"{each.serial:040x}", each.digest] for each in entries]
    content = json.dumps(rows, separators=(",", ":")).encode()
    return _check_of(content) + b" " + content + b"\n"


def _check_of(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest()[:_CHECK].encode()


@dataclass(frozen=True, slots=True)
class SpoolBatch:
    """What one read of a file gave; ``end`` is where the next one begins."""

    entries: Sequence[TimestampEntry]
    end: int


def spool_files(directory: Path) -> list[Path]:
    """The files of the spool, the oldest first, at most :data:`MOST_FILES`; none where there is no spool yet.

    Raises :class:`StorageError`.
    """
    try:
        with os.scandir(directory) as found:
            names = [each.name for each in islice(found, MOST_FILES)]
        return [directory / name for name in sorted(names) if _NAME.fullmatch(name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError("{path} cannot be read: {why}.", path=directory, why=error.strerror) from error


def require_few_files(directory: Path) -> None:
    """Raises :class:`SpoolDamaged` when *directory* has so many files that not all are looked at."""
    with suppress(FileNotFoundError), os.scandir(directory) as found:
        if next(islice(found, MOST_FILES, None), None) is not None:
            template = "{path} has more than {most} files; the others are not looked at."
            raise SpoolDamaged(template, path=directory, most=MOST_FILES)


def read_spool(path: Path, position: int, *, most: int = MOST_IN_LINE) -> SpoolBatch:
    """The next tokens in the file *path* from the byte *position* on, the beginning of a line; none at its end.
    Lines are taken whole: as many as have *most* tokens together, and one at least.

    A line that is not whole counts as not yet written while it is the last one. Raises :class:`SpoolDamaged` for
    any other that is no line of ours, and for what is no file.
    """
    try:
        with opened_to_read(path) as file:
            data, size = os.pread(file, LARGEST_LINE, position), os.fstat(file).st_size
    except FileNotFoundError:  # the log has all of it, and it was removed just now
        return SpoolBatch([], position)
    except OSError as error:
        raise SpoolDamaged("{path} cannot be read: {why}.", path=path, why=error.strerror) from error
    *lines, rest = data.split(b"\n")
    entries, end = list[TimestampEntry](), position
    for line in lines:
        found = _entries_of(line)
        is_last = end + len(line) + 1 >= size
        if found is None and not entries and not is_last:
            raise _damaged(path, end)
        if found is None or (entries and len(entries) + len(found) > most):
            break
        entries += found
        end += len(line) + 1
    if not lines and len(rest) == LARGEST_LINE:
        raise _damaged(path, end)
    return SpoolBatch(entries, end)


def waiting_since(directory: Path, fed: Callable[[str], int]) -> datetime | None:
    """The time of the oldest token that the log does not have; *fed* tells up to where it has a file. None when it
    has all. Raises as :func:`spool_files`, :func:`require_few_files` and :func:`read_spool`."""
    files = spool_files(directory)
    require_few_files(directory)
    batches = (read_spool(path, fed(path.name), most=1) for path in files)
    return min((batch.entries[0].at for batch in batches if batch.entries), default=None)


def count_waiting(directory: Path, fed: Callable[[str], int]) -> int:
    """How many tokens the log does not have. Raises as :func:`waiting_since`."""
    count = 0
    for path in spool_files(directory):
        batch = read_spool(path, fed(path.name))
        while batch.entries:
            count += len(batch.entries)
            batch = read_spool(path, batch.end)
    return count


def remove_fed(directory: Path, fed: Mapping[str, int]) -> None:
    """Removes the files that nobody writes to any more and that the log has; *fed*: up to where it has each.

    What is damaged stays, for people to look at.
    """
    for path in spool_files(directory):
        with suppress(SpoolDamaged, OSError), opened_to_read(path) as file:
            if _is_ours_alone(file) and not read_spool(path, fed.get(path.name, 0)).entries:
                path.unlink()


def _is_ours_alone(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _entries_of(line: bytes) -> list[TimestampEntry] | None:
    """What *line*, without its end, says; None when it is not whole, or none of ours."""
    content = line[_CHECK + 1 :]
    if line[: _CHECK + 1] != _check_of(content) + b" ":
        return None
    try:
        rows = json.loads(content)
        return [_entry_of(*row) for row in rows] if isinstance(rows, list) and rows else None
    except (ValueError, TypeError, RecursionError):
        return None


def _entry_of(at: str, serial: str, digest: str) -> TimestampEntry:
    """Raises ValueError or TypeError for what does not have exactly the form that the log's entries have."""
    if not (_TIME.fullmatch(at) and _SERIAL.fullmatch(serial) and _DIGEST.fullmatch(digest)):
        raise ValueError
    return TimestampEntry(int(serial, 16), datetime.fromisoformat(at), digest)


def _damaged(path: Path, position: int) -> SpoolDamaged:
    return SpoolDamaged(
        "{path} has no timestamps in their form at byte {position}; what follows there is not in the log.",
        path=path,
        position=position,
    )
