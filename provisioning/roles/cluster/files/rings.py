"""Whether two machines reach each other in both rings, and how far apart their clocks are: UDP, a datagram and its answer.

    rings.py serve SECONDS ADDRESS...    answers with the time of this machine, on these addresses
    rings.py ask FROM=TO...              asks from an address of this machine one of the other; JSON on standard output"""

import json
import selectors
import socket
import sys
import time

PORT = 5407


def bound(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    return made


def serve(seconds, addresses):
    waiting = selectors.DefaultSelector()
    for address in addresses:
        waiting.register(bound(address, PORT), selectors.EVENT_READ)
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            asked, whence = key.fileobj.recvfrom(64)
            key.fileobj.sendto(asked + b" %.6f" % time.time(), whence)


def ask(whence, to, seconds=20.0):
    """What the clock over there says more than this one, in seconds, by the fastest of some answers; None without any."""
    best = None
    with bound(whence, 0) as asking:
        asking.settimeout(1)
        end, answers = time.monotonic() + seconds, 0
        while time.monotonic() < end and answers < 5:
            sent, began = time.time(), time.monotonic()
            question = b"%.6f" % sent
            try:
                asking.sendto(question, (to, PORT))
                answer = asking.recvfrom(64)[0].split()
            except OSError:
                time.sleep(0.2)
                continue
            took = time.monotonic() - began
            if answer[0] == question:
                answers += 1
                fresh = (took, float(answer[1]) - sent - took / 2)
                best = min(best, fresh) if best else fresh
    return best and round(best[1], 3)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(float(sys.argv[2]), sys.argv[3:])
    else:
        pairs = [each.partition("=")[::2] for each in sys.argv[2:]]
        print(json.dumps([{"from": whence, "to": to, "ahead": ask(whence, to)} for whence, to in pairs]))
