"""A lock that lasts: the file that says that somebody locked the authority, so that no restart unlocks it.

Where the PIN is kept for the daemon, whoever starts it again would otherwise undo a lock: one operator, a crash,
a watchdog. The file is there before a lock is answered. It goes when an unlock is activated (by PIN custodians or
officers), or when two persons restart the authority (root takes it away for them); nothing else removes it.
"""

from __future__ import annotations

import secrets
from contextlib import AbstractContextManager
from pathlib import Path

from hsm import files
from hsm.files import file_lock


class LastingAuthorityLock:
    """The file *path*. Safe between processes: locking and unlocking take turns, and what locked later stands."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exclusive(self) -> AbstractContextManager[None]:
        """Entered by one worker at a time: what is decided inside has the order of the moments taken inside."""
        return file_lock(self._path.with_name("locking.lock"))

    def current_mark(self) -> bytes | None:
        """The mark of the lock that stands; None where nobody locked. Raises OSError for one that cannot be read,
        which whoever starts takes for a lock."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    @property
    def is_locked(self) -> bool:
        """Whether somebody locked, and nobody unlocked since."""
        try:
            return self.current_mark() is not None
        except OSError:
            return True

    def set_mark(self) -> None:
        """A mark that no other has, on disk on return. Raises OSError."""
        files.write_durably(self._path, secrets.token_hex(16).encode() + b"\n", mode=0o600)

    def clear_mark(self, seen: bytes | None) -> None:
        """Takes away the mark that was *seen* when the unlock began; one that was made since stays. Inside a
        :meth:`turn`. Raises OSError."""
        if seen is not None and self.current_mark() == seen:
            self.remove_file()

    def remove_file(self) -> None:
        """No lock stands any more: for root, when two persons want that. On disk on return. Raises OSError."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return
        files.sync_directory(self._path.parent)
