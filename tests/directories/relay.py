"""A relay between client and server that stops in the middle: it cuts the connection, or says nothing more."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_CHUNK = 4096


@contextmanager
def relay(to: int, *, after: int, cut: bool) -> Iterator[int]:
    """The port of a relay to the port *to* of this machine. Of each connection it passes on *after* bytes of what
    the server says; then it closes both sides, or, unless *cut*, holds them open in silence."""
    with ExitStack() as open_ones, socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def accept() -> None:
            with suppress(OSError):  # the listening socket is closed in the end
                while True:
                    near = open_ones.enter_context(listening.accept()[0])
                    far = open_ones.enter_context(socket.create_connection(("127.0.0.1", to)))
                    for source, target, most in ((near, far, None), (far, near, after)):
                        threading.Thread(target=_pass_on, args=(source, target, most, cut), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def _pass_on(source: socket.socket, target: socket.socket, most: int | None, cut: bool) -> None:
    passed = 0
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            if most is not None and passed + len(data) > most:
                target.sendall(data[: most - passed])
                break
            target.sendall(data)
            passed += len(data)
        else:
            cut = True
    if cut:
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
