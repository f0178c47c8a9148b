"""Between the parent and its workers: connections, the PIN and signs of life over a socket pair; turns at logging
in."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hsm.config import PeerRole
from hsm.files import file_lock

_CONNECTION, _UNLOCK, _LOCK, _SIGN_OF_LIFE = b"C", b"U", b"L", b"S"
_MOMENT = struct.Struct("!Q")
_LARGEST = 4096


@dataclass(frozen=True, slots=True)
class AcceptedConnection:
    """A peer's connection that was accepted on the socket of ``role``."""

    role: PeerRole
    socket: socket.socket


@dataclass(frozen=True, slots=True)
class PinChange:
    """The PIN that unlocks, or None to lock; ``moment`` is when this became so (CLOCK_MONOTONIC, nanoseconds).

    That a PIN was refused has the moment of that PIN: it says nothing of one that came later, however long the
    word of it takes. The moment 0 is for a PIN that no other process has.
    """

    pin: str | None = field(repr=False)
    moment: int = 0

    def is_older_than(self, known: PinChange) -> bool:
        """Whether *known* came later; of two of one moment the lock did."""
        return (self.moment, self.pin is None) < (known.moment, known.pin is None)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The parent's question whether the worker still attends to its messages, and the worker's answer."""


Message = AcceptedConnection | PinChange | Heartbeat


def pair() -> tuple[socket.socket, socket.socket]:
    """The parent's and the worker's end; messages keep their bounds."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: Message) -> None:
    """Sends *message*. Raises OSError when the other side is gone."""
    if isinstance(message, AcceptedConnection):
        socket.send_fds(end, [_CONNECTION + message.role.value.encode()], [message.socket.fileno()])
    elif isinstance(message, Heartbeat):
        end.send(_SIGN_OF_LIFE)
    elif message.pin is None:
        end.send(_LOCK + _MOMENT.pack(message.moment))
    else:
        end.send(_UNLOCK + _MOMENT.pack(message.moment) + message.pin.encode())


def receive(end: socket.socket) -> Message | None:
    """The next message; None when the other side has closed. Raises BlockingIOError when there is none yet."""
    data, descriptors, _, _ = socket.recv_fds(end, _LARGEST, 1)
    if not data:
        return None
    kind, rest = data[:1], data[1:]
    if kind == _CONNECTION:
        return AcceptedConnection(PeerRole(rest.decode()), socket.socket(fileno=descriptors[0]))
    if kind == _SIGN_OF_LIFE:
        return Heartbeat()
    (moment,), pin = _MOMENT.unpack_from(rest), rest[_MOMENT.size :].decode()
    return PinChange(pin if kind == _UNLOCK else None, moment)


@dataclass(frozen=True, slots=True)
class LoginTurn:
    """The turn of one process, for as long as it holds the lock."""

    descriptor: int

    @property
    def refused(self) -> int:
        """The moment (see :class:`PinChange`) of the newest PIN that was refused; 0 for none."""
        content = os.pread(self.descriptor, _MOMENT.size, 0)
        return int(_MOMENT.unpack(content)[0]) if len(content) == _MOMENT.size else 0

    def refuse(self, moment: int) -> None:
        """The PIN of *moment* was refused: whoever has it, or an older one, tries it no more in this run."""
        os.pwrite(self.descriptor, _MOMENT.pack(max(moment, self.refused)), 0)


@contextmanager
def login_turn(path: Path) -> Iterator[LoginTurn]:
    """Waits for the lock, and holds it."""
    with file_lock(path) as descriptor:
        yield LoginTurn(descriptor)


def begin_run(path: Path) -> None:
    """Forgets what an earlier run was refused: the PIN may be another one now, and the latch still guards it."""
    with login_turn(path) as turn:
        os.ftruncate(turn.descriptor, 0)
