"""The sockets, one for each role, and who may connect: asked of the kernel, not of the peer."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from hsm.config import AuthoritySettings, PeerRole

_CREDENTIALS = struct.Struct("3i")
_BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket for one role, with the users who may connect."""

    role: PeerRole
    listening: socket.socket
    allowed: frozenset[int]

    def accept(self) -> tuple[socket.socket, bool] | None:
        """The next connection and whether its peer may use it; None when nobody waits any more."""
        try:
            connection, _ = self.listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        return connection, peer_user(connection) in self.allowed


def peer_user(connection: socket.socket) -> int:
    """The user (numeric id) of the process that connected (unix(7), SO_PEERCRED)."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(raw)[1])


def listen(settings: AuthoritySettings) -> list[Listener]:
    """The listening sockets, one for each role. One that others may use is checked at ``accept``."""
    return [_listen(settings, role) for role in PeerRole]


def _listen(settings: AuthoritySettings, role: PeerRole) -> Listener:
    path = settings.home.socket(role)
    allowed = settings.peers.allowed(role)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    # Bound under another name and moved into place, so that nobody connects before the mode is right.
    fresh = path.with_name(f".{path.name}")
    fresh.unlink(missing_ok=True)
    listening.bind(str(fresh))
    Path(fresh).chmod(0o600 if allowed == {os.getuid()} else 0o666)
    listening.listen(_BACKLOG)
    fresh.rename(path)
    return Listener(role, listening, allowed)
