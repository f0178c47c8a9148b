"""Files that are complete after a crash, and locks between processes; the kernel releases the locks of a dead
process."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_durably(path: Path, content: bytes, *, mode: int) -> None:
    """Replaces *path* in one step, of that *mode* whatever the umask; content and name are on disk on return."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(descriptor, mode)
        stream.write(content)
        flush(stream)
    fresh.replace(path)
    sync_directory(path.parent)


def new_file(path: Path) -> BinaryIO:
    """Opens the new file *path* to write, mode 0600. Raises FileExistsError when there is one, or a link."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


def flush(stream: BinaryIO) -> None:
    """What was written to *stream* is on disk on return."""
    stream.flush()
    os.fsync(stream.fileno())


def write_private(path: Path, content: bytes) -> None:
    """Writes *content* to the new file *path*, mode 0600, on disk on return; never over an existing one."""
    with new_file(path) as stream:
        stream.write(content)
        flush(stream)


def sync_directory(directory: Path) -> None:
    """The names in *directory* are on disk on return."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def opened_to_read(path: Path) -> Iterator[int]:
    """A descriptor of the file *path*, which somebody else may have put there: no link is followed, no pipe waited
    for. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        yield file
    finally:
        os.close(file)


@contextmanager
def file_lock(lock: Path, *, wait: bool = True) -> Iterator[int]:
    """Holds the file lock *lock* (flock(2)) while entered; gives its descriptor.

    Without *wait* raises BlockingIOError when another process holds it.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


def is_locked(lock: Path) -> bool:
    """Whether somebody holds the file *lock* now."""
    if not lock.exists():
        return False
    try:
        with file_lock(lock, wait=False):
            return False
    except BlockingIOError:
        return True
