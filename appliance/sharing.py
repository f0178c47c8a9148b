"""Whose the files are that the appliance's processes make: their user's alone, or their group's too.

On an appliance the portal, the timestamp service and the scheduler run as users of their own and share a few
directories, which are their group's (setgid, group-writable; see ``systemd/tmpfiles.d/vermilion.conf``). What is
made in one of these is the group's, too. Where one process writes and the others only read, the directory is its
own (setgid, not group-writable), and so are the files. Elsewhere, so in every development home, they are private.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

_GROUPS = stat.S_ISGID | stat.S_IWGRP
"""What a shared directory has."""


def is_shared(directory: Path) -> bool:
    """Whether what is made in *directory* is its group's."""
    return directory.stat().st_mode & _GROUPS == _GROUPS


def file_mode(directory: Path) -> int:
    """The mode of a file in *directory*: the group writes, reads or has nothing to do with it, as there."""
    mode = directory.stat().st_mode
    return 0o600 | (0o060 & mode if mode & stat.S_ISGID else 0)


def make_directory(path: Path) -> None:
    """*path* with its parents, where they are missing; several processes may do so at once."""
    if path.is_dir():
        return
    make_directory(path.parent)
    if not is_shared(path.parent):
        path.mkdir(mode=0o700, exist_ok=True)
        return
    path.mkdir(mode=0o770, exist_ok=True)
    made = path.stat()
    if made.st_uid == os.geteuid() and not is_shared(path):  # made under a narrower umask
        path.chmod(stat.S_ISGID | 0o770)


def make_file(path: Path) -> None:
    """*path*, empty where it is missing, with the mode that its directory asks for.

    One that exists is not opened: closing a database file would end the locks that this process has on it (POSIX).
    Raises OSError for a link, which is not followed, and for what is no file.
    """
    mode = file_mode(path.parent)
    with suppress(FileExistsError):
        os.close(open_file(path, os.O_RDWR | os.O_EXCL))
        return
    # Of root too, in a directory where others write: what is looked at is what is changed, and no link leads away.
    here = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(here)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.ELOOP, "it is a link, or no file at all", str(path))
        if stat.S_IMODE(status.st_mode) != mode and status.st_uid == os.geteuid():
            Path(f"/proc/self/fd/{here}").chmod(mode)
    finally:
        os.close(here)


def write_whole(path: Path, data: bytes, *, durable: bool = False, mode: int | None = None) -> None:
    """*path* with *data*, whole or not at all; *durable*: the bytes, not yet the name, survive a power cut.
    *mode*: what it is to have where its directory does not say it."""
    with NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as stream:
        part = Path(stream.name)
        try:
            give_mode(stream.fileno(), file_mode(path.parent) if mode is None else mode)
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
            part.rename(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def open_file(path: Path, flags: int) -> int:
    """A descriptor of *path* (closed by exec), which is made when missing; its owner corrects its mode."""
    mode = file_mode(path.parent)
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, mode)
    give_mode(descriptor, mode)
    return descriptor


def give_mode(descriptor: int, mode: int) -> None:
    """Gives the file of *descriptor* the *mode*, when it has another one and is ours."""
    status = os.fstat(descriptor)
    if stat.S_IMODE(status.st_mode) != mode and status.st_uid == os.geteuid():
        os.fchmod(descriptor, mode)
