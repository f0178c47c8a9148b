"""The way to a program that answers one request and ends: systemd starts it behind a socket; in development, where
no such service is, whoever asks starts it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

LONGEST_REASON = 300
"""Characters of what a program, or somebody whom it asked, says about a failure."""


def plain_reason(why: str) -> str:
    """What it said, as one line that can stand in a sentence."""
    return "".join(each if each.isprintable() else " " for each in why[:LONGEST_REASON]).rstrip(". ")


def requested(
    module: str, at: Path, home: Path, deadline: float, *, managed: bool, patience: float = 0.0
) -> contextlib.AbstractContextManager[socket.socket]:
    """A connection with the service behind the socket *at*; where there is none, and the *home* is not
    *managed* by systemd, with *module* as :func:`requested_here`. Raises OSError."""
    if at.is_socket() or managed:
        return requested_by_socket(at, deadline)
    return requested_here(module, home, deadline, patience=patience)


@contextlib.contextmanager
def requested_by_socket(at: Path, deadline: float) -> Iterator[socket.socket]:
    """A connection with the service behind the socket *at*. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(max(0.001, deadline - time.monotonic()))
        stream.connect(str(at))
        yield stream


@contextlib.contextmanager
def requested_here(module: str, home: Path, deadline: float, *, patience: float = 0.0) -> Iterator[socket.socket]:
    """A connection with *module*, started as a program for the home *home*. It ends with the block: by itself
    within *patience* seconds of the connection's end, or it is killed."""
    environment = {
        "VERMILION_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
    }
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = _started(module, environment, theirs.fileno())
        try:
            ours.settimeout(max(0.001, deadline - time.monotonic()))
            yield ours
        finally:
            ours.close()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _started(module: str, environment: Mapping[str, str], stdin: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", module], stdin=stdin, stdout=subprocess.DEVNULL, env=dict(environment)
    )
