"""Between the parent and one worker: connections down, and the PIN both ways, over a private socket pair."""

from __future__ import annotations

import array
import socket
from dataclasses import dataclass, field

from hsm.config import Role

_CONNECTION, _UNLOCK, _LOCK = b"C", b"U", b"L"
_LARGEST = 4096


@dataclass(frozen=True, slots=True)
class Connection:
    """A peer's connection that was accepted on the socket of ``role``."""

    role: Role
    socket: socket.socket


@dataclass(frozen=True, slots=True)
class PinChange:
    """The PIN that unlocks, or None to lock."""

    pin: str | None = field(repr=False)


Message = Connection | PinChange


def pair() -> tuple[socket.socket, socket.socket]:
    """The parent's and the worker's end; messages keep their bounds."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(end: socket.socket, message: Message) -> None:
    """Sends *message*. Raises OSError when the other side is gone."""
    if isinstance(message, Connection):
        handed = array.array("i", [message.socket.fileno()])
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handed)]
        end.sendmsg([_CONNECTION + message.role.value.encode()], rights)
    elif message.pin is None:
        end.send(_LOCK)
    else:
        end.send(_UNLOCK + message.pin.encode())


def receive(end: socket.socket) -> Message | None:
    """The next message; None when the other side has closed. Raises BlockingIOError when there is none yet."""
    data, descriptors, _, _ = socket.recv_fds(end, _LARGEST, 1)
    if not data:
        return None
    kind, rest = data[:1], data[1:].decode()
    if kind == _CONNECTION:
        return Connection(Role(rest), socket.socket(fileno=descriptors[0]))
    return PinChange(rest if kind == _UNLOCK else None)
