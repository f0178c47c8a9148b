"""Ports for the programs that tests start.

A port that the kernel hands out may be handed out again, to any outgoing connection, before the program that it
was meant for listens. These ports lie below the range from which the kernel chooses, and no two workers share any.
"""

from __future__ import annotations

import itertools
import os
import random
import socket
from contextlib import ExitStack

FIRST = 12_000
"""The first port of the first worker; the kernel's own begin at 32,768 (ip_local_port_range)."""

EACH = 2_000
"""How many ports one worker has."""

WORKERS = 10

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
_offsets = itertools.count(random.SystemRandom().randrange(EACH))


def free_port(row: int = 1) -> int:
    """A port of the loopback interface that nothing listens on, as are the *row* - 1 ports after it.

    None is given twice in succession, so that several can be asked for before the first is used.
    """
    while True:
        port = FIRST + _worker * EACH + next(_offsets) % EACH
        wanted = range(port, port + row)
        with ExitStack() as held:
            try:
                for each in wanted:
                    held.enter_context(socket.socket()).bind(("127.0.0.1", each))
            except OSError:
                continue
        for _ in wanted[1:]:
            next(_offsets)
        return port
