"""A lock that lasts: the file that says that somebody locked the authority, so that no restart unlocks it.

Where the PIN is kept for the daemon, whoever starts it again would otherwise undo a lock: one operator, a crash,
a watchdog. The file is there before a lock is answered. It goes when an unlock is activated (by keepers or
officers), or when two persons restart the authority (root takes it away for them); nothing else removes it.
"""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from pathlib import Path

from hsm import files
from hsm.locks import held


class LastingLock:
    """The file *path*. Safe between processes: locking and unlocking take turns, and what locked later stands."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def turn(self) -> AbstractContextManager[None]:
        """Entered by one worker at a time: what is decided inside has the order of the moments taken inside."""
        return held(self._path.with_name("locking.lock"))

    def standing(self) -> bytes | None:
        """The mark of the lock that stands; None where nobody locked. Raises OSError for one that cannot be read,
        which whoever starts takes for a lock."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    @property
    def stands(self) -> bool:
        """Whether somebody locked, and nobody unlocked since."""
        try:
            return self.standing() is not None
        except OSError:
            return True

    def keep(self) -> None:
        """A mark that no other has, on disk on return. Raises OSError."""
        files.write(self._path, secrets.token_hex(16).encode() + b"\n", mode=0o600)

    def end(self, seen: bytes | None) -> None:
        """Takes away the mark that was *seen* when the unlock began; one that was made since stays. Inside a
        :meth:`turn`. Raises OSError."""
        if seen is not None and self.standing() == seen:
            self.take_away()

    def take_away(self) -> None:
        """No lock stands any more: for root, when two persons want that. On disk on return. Raises OSError."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return
        files.sync_directory(self._path.parent)
