"""What a performer does to itself at a failpoint: it dies, its disk fails, an answer is broken off."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pyseccomp

from appliance.wiring import Appliance
from hsm import protocol


def die(_appliance: Appliance) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail_to_sync(_appliance: Appliance) -> None:
    """From now on, in every thread, nothing reaches the disk: fsync and fdatasync give EIO."""
    _refuse(errno.EIO, ["fsync", "fdatasync"])


def fail_to_write(_appliance: Appliance) -> None:
    """From now on no file takes anything: ENOSPC for all but standard output, and sockets, which send."""
    _refuse(errno.ENOSPC, ["write", "writev", "pwrite64", "pwritev"], pyseccomp.Arg(0, pyseccomp.GT, 2))


def _refuse(number: int, calls: list[str], *conditions: pyseccomp.Arg) -> None:
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    rules.set_attr(pyseccomp.Attr.CTL_TSYNC, 1)
    for call in calls:
        rules.add_rule(pyseccomp.ERRNO(number), call, *conditions)
    rules.load()


def lose_the_reply(appliance: Appliance) -> None:
    """The authority gets the next request and answers; not a byte of the answer arrives."""
    _cut(appliance, 0)


def break_off_the_reply(appliance: Appliance) -> None:
    """The next answer ends in the middle of its frame."""
    _cut(appliance, protocol.HEADER + 20)


def _cut(appliance: Appliance, after: int) -> None:
    """Puts a relay into this thread's connection that takes one request there, and *after* bytes back."""
    appliance.authority.status()
    line = appliance.authority._local.line  # as if the network did it: no door leads here
    ours, theirs = socket.socketpair()
    ours.settimeout(line.socket.gettimeout())
    authority, line.socket = line.socket, ours
    threading.Thread(target=_relay, args=(theirs, authority, after), daemon=True).start()


def _relay(client: socket.socket, authority: socket.socket, after: int) -> None:
    with client, authority, suppress(OSError):
        request = bytearray()
        while len(request) < protocol.HEADER or len(request) < protocol.HEADER + protocol.length(request):
            request += client.recv(65536)
        authority.sendall(request)
        answer = authority.recv(65536)  # it has been made, whatever becomes of it
        client.sendall(answer[:after])


SELF_INFLICTED: dict[str, Callable[[Appliance], None]] = {
    "kill": die,
    "fsync fails": fail_to_sync,
    "writes fail": fail_to_write,
    "reply lost": lose_the_reply,
    "reply broken off": break_off_the_reply,
}
