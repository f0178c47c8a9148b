"""Turns at logging in, one process at a time; the file that is locked says which PIN of this run was refused."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MOMENT = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class LoginTurn:
    """The turn of one process, for as long as it holds the lock."""

    descriptor: int

    @property
    def refused(self) -> int:
        """The moment (see :class:`hsm.control.PinChange`) of the newest PIN that was refused; 0 for none."""
        content = os.pread(self.descriptor, _MOMENT.size, 0)
        return int(_MOMENT.unpack(content)[0]) if len(content) == _MOMENT.size else 0

    def refuse(self, moment: int) -> None:
        """The PIN of *moment* was refused: whoever has it, or an older one, tries it no more in this run."""
        os.pwrite(self.descriptor, _MOMENT.pack(max(moment, self.refused)), 0)


@contextmanager
def login_turn(path: Path) -> Iterator[LoginTurn]:
    """Waits for the lock, and holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield LoginTurn(descriptor)
    finally:
        os.close(descriptor)


def begin_run(path: Path) -> None:
    """Forgets what an earlier run was refused: the PIN may be another one now, and the latch still guards it."""
    with login_turn(path) as turn:
        os.ftruncate(turn.descriptor, 0)
