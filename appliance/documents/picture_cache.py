"""Pictures on disk that can be made again at any time: bounded, the least recently used go first.

Shared by threads and processes: files appear whole or not at all, and who makes one holds its lock, so that the
others wait for it instead of making it too.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from appliance.sharing import file_mode, give_mode, make_directory, open_file

MEBIBYTE = 1024 * 1024
_STRIPES = 64
_KEPT_SHARE = 0.8
"""How much of the bound is left after a cleaning, so that not every new picture starts one."""


class PictureCache:
    """A directory of at most about *most* bytes; keys are lower-case hexadecimal digests."""

    def __init__(self, root: Path, *, most: int = 512 * MEBIBYTE) -> None:
        self._root = root
        self._most = most
        self._written = most  # the first picture of a process looks at what earlier ones left

    def get(self, key: str) -> bytes | None:
        """The picture, which now is the most recently used one; None when it is not there."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep *data*; a full disk is no error, since the picture can be made again."""
        path = self._path(key)
        with suppress(OSError):
            make_directory(path.parent)
            _write(path, data)
            self._clean_sometimes(len(data))

    @contextmanager
    def making(self, key: str) -> Iterator[None]:
        """Only one thread of one process is in here for *key*."""
        locks = self._root / "locks"
        make_directory(locks)
        with os.fdopen(open_file(locks / str(int(key[-4:], 16) % _STRIPES), os.O_RDWR), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def forget(self, prefix: str) -> None:
        """Removes every picture whose key begins with *prefix* (two letters at least)."""
        for path in (self._root / prefix[:2]).glob(f"{prefix}*"):
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / key[:2] / key

    def _clean_sometimes(self, written: int) -> None:
        self._written += written
        if self._written * 16 >= self._most:
            self._written = 0
            self._clean()

    def _clean(self) -> None:
        used = sorted(self._used(), reverse=True)
        total = sum(size for _, size, _ in used)
        if total <= self._most:
            return
        while used and total > self._most * _KEPT_SHARE:
            _, size, path = used.pop()
            total -= size
            path.unlink(missing_ok=True)

    def _used(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size and path of every file, unfinished ones of writers that were killed included."""
        for path in self._root.glob("??/*"):
            with suppress(FileNotFoundError):
                status = path.stat()
                yield status.st_mtime, status.st_size, path


def _write(path: Path, data: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as stream:
        part = Path(stream.name)
        try:
            give_mode(stream.fileno(), file_mode(path.parent))
            stream.write(data)
            stream.flush()
            part.rename(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
