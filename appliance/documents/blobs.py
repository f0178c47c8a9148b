"""Documents stored under their own SHA-256, written once and never changed, and the disk space that must stay
free.

Promise: when :meth:`BlobStore.put` returns, the bytes survive a crash and a power cut. Safe for many threads
and processes at once: the first one writes, and all of them wrote the same bytes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from datetime import datetime
from pathlib import Path

from appliance.errors import NotFound, StorageError
from appliance.sharing import make_directory, write_whole
from hsm.files import sync_directory

_DIGITS = 64


class BlobStore:
    """A directory of blobs, ``ab/abcdef…``; *root* is created when missing."""

    def __init__(self, root: Path) -> None:
        make_directory(root)
        self._root = root
        self._known: set[Path] = set()

    def put(self, data: bytes) -> str:
        """Keep *data* durably; its digest in hex. Raises :class:`StorageError` when the disk does not take it."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        try:
            if _is_there(path):
                self._sync_names(path)  # whoever wrote it may have come no further than its name
            else:
                make_directory(path.parent)
                write_whole(path, data, durable=True)
                self._sync_names(path)
        except OSError as error:
            raise StorageError(
                "The document could not be stored ({why}); free some disk space, then try again.",
                why=os.strerror(error.errno or errno.EIO),
            ) from error
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of *digest*. Raises :class:`NotFound`, or :class:`StorageError` when they were damaged."""
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("There is no document with SHA-256 {digest}.", digest=digest) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise StorageError("The stored document {digest} is damaged; restore it from a backup.", digest=digest)
        return data

    def size(self, digest: str) -> int:
        """How many bytes *digest* has. Raises :class:`NotFound`."""
        try:
            return self._path(digest).stat().st_size
        except FileNotFoundError as error:
            raise NotFound("There is no document with SHA-256 {digest}.", digest=digest) from error

    def remove(self, digest: str, *, untouched_since: datetime) -> bool:
        """Remove the bytes of *digest*, unless somebody put them again after *untouched_since* (aware).

        True when they are not there any more. Set aside first: whoever puts the same bytes meanwhile either has
        touched them, and they come back, or does not find them, and writes them anew.
        """
        path = self._path(digest)
        aside = path.with_name(f".{digest}.part")  # what a crash leaves here, :meth:`sweep` removes
        try:
            path.rename(aside)
        except FileNotFoundError:
            return True
        if not _touched_before(aside, untouched_since):
            aside.rename(path)
            return False
        aside.unlink()
        sync_directory(path.parent)
        return True

    def sweep(self, *, before: datetime) -> int:
        """Remove what writers that were killed left half-written, last touched *before* (aware); how many."""
        leftovers = [part for part in self._root.glob("??/.*.part") if _touched_before(part, before)]
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return len(leftovers)

    def digests_with_prefix(self, number: int, *, untouched_since: datetime) -> list[str]:
        """Of the digests that begin with the byte *number* (a 256th part of all) those that were put last before
        *untouched_since* (aware).
        """
        shelf = self._root / f"{number:02x}"
        kept = [path for path in shelf.glob("*") if len(path.name) == _DIGITS]
        return [path.name for path in kept if _touched_before(path, untouched_since)]

    def _path(self, digest: str) -> Path:
        return self._root / digest[:2] / digest

    def _sync_names(self, path: Path) -> None:
        """Its name is on disk, and that of its directory, which may be younger than the last :meth:`put`."""
        sync_directory(path.parent)
        if path.parent not in self._known:
            sync_directory(self._root)
            self._known.add(path.parent)


def _is_there(path: Path) -> bool:
    """Whether the blob is kept already; that somebody wants it is noted in its time."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _touched_before(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:  # its writer has just finished
        return False


LEAST_FREE = 0.05
"""Below this share of a disk nothing more is taken in."""

MEBIBYTE = 1024 * 1024
LEAST_BYTES = 2048 * MEBIBYTE
"""Below this nothing more is taken in either, on disks that are ten times as large at least."""


def is_full(*, total: int, free: int) -> bool:
    """Whether a disk of *total* bytes with so many *free* takes nothing more in."""
    return free < LEAST_FREE * total or (free < LEAST_BYTES and total >= 10 * LEAST_BYTES)


def require_space(place: Path, size: int) -> None:
    """Raises :class:`StorageError` when *size* bytes more would leave too little on the disk of *place*."""
    usage = shutil.disk_usage(place)
    if is_full(total=usage.total, free=usage.free - size):
        raise StorageError(
            "Only {free} MiB of the disk are free: nothing new is taken in until the operator has made room. "
            "Signing goes on.",
            free=usage.free // MEBIBYTE,
        )
