"""Between the parent and one worker: connections down, the PIN and signs of life both ways, over a socket pair."""

from __future__ import annotations

import array
import socket
import struct
from dataclasses import dataclass, field

from hsm.config import PeerRole

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
class SignOfLife:
    """The parent's question whether the worker still attends to its messages, and the worker's answer."""


Message = AcceptedConnection | PinChange | SignOfLife


def pair() -> tuple[socket.socket, socket.socket]:
    """The parent's and the worker's end; messages keep their bounds."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: Message) -> None:
    """Sends *message*. Raises OSError when the other side is gone."""
    if isinstance(message, AcceptedConnection):
        handed = array.array("i", [message.socket.fileno()])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handed)]
        end.sendmsg([_CONNECTION + message.role.value.encode()], rights)
    elif isinstance(message, SignOfLife):
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
        return SignOfLife()
    (moment,), pin = _MOMENT.unpack_from(rest), rest[_MOMENT.size :].decode()
    return PinChange(pin if kind == _UNLOCK else None, moment)
