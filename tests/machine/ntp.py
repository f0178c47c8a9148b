"""An NTP server (RFC 5905) that tells this machine's time: the house's time source for a machine under test.

    python -m tests.machine.ntp [ADDRESS]

It claims to be synchronised by a clock of its own (stratum 1), which is a lie that only a test may tell.
"""

from __future__ import annotations

import socket
import struct
import sys
import time

PORT = 123
SINCE_1900 = 2_208_988_800
SERVER = (4 << 3) | 4
"""Version 4, mode 4; no leap second announced."""


def stamp(moment: float) -> int:
    """*moment* (Unix seconds) as 32 bits of seconds since 1900 and 32 of their fraction."""
    return int((moment + SINCE_1900) * 2**32)


BEGAN = time.time() - time.monotonic()


def now() -> float:
    """Unix seconds, as this machine had them when it began: should its clock be set meanwhile, those of the
    machines that it emulates go on as they were."""
    return BEGAN + time.monotonic()


def answer(query: bytes, received: float) -> bytes:
    """The reply to *query* (48 bytes), which came at *received*."""
    sent_by_client = struct.unpack_from("!Q", query, 40)[0]
    head = struct.pack("!BBbbII4s", SERVER, 1, query[2], -20, 0, 66, b"TEST")
    return head + struct.pack("!QQQQ", stamp(received), sent_by_client, stamp(received), stamp(now()))


def serve(address: str = "127.0.0.1") -> None:
    """Answers until it is ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, PORT))
        while True:
            query, client = server.recvfrom(1024)
            if len(query) >= 48:
                server.sendto(answer(query, now()), client)


if __name__ == "__main__":
    serve(*sys.argv[1:])
