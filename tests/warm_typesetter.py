"""Typesets as :mod:`appliance.typesetting.typesetter` does, by copies of one process that has loaded WeasyPrint,
which is more than half of what a page takes. Each copy confines itself before it reads its page."""

from __future__ import annotations

import io
import mimetypes
import os
import socket
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NoReturn

import cbor2

from appliance.confinement import kernel
from appliance.typesetting import program


class WarmTypesetter:
    """Its process starts with the first page, and ends with this one."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._asked: Connection | None = None

    def __call__(self, order: bytes, _patience: float, _nice: int = 0) -> subprocess.CompletedProcess[bytes]:
        with self._turn:
            if self._asked is None:
                self._asked = self._start()
            self._asked.send_bytes(order)
            return subprocess.CompletedProcess([], *cbor2.loads(self._asked.recv_bytes()))

    def _start(self) -> Connection:
        ours, theirs = socket.socketpair()
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LANG": "C.UTF-8"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm_typesetter"],
                stdin=theirs.fileno(),
                env=environment | kernel.landlock_demand(),
                cwd="/",
            )
        return Connection(ours.detach())

    def close(self) -> None:
        if self._asked is not None:
            self._asked.close()
            self._process.wait()


def serve(asked: Connection) -> None:
    """One page after the other: how its process ended, what it wrote, and what it said."""
    while True:
        order = asked.recv_bytes()
        (page, its_page), (said, its_words) = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:
            _set(order, its_page, its_words)
        os.close(its_page)
        os.close(its_words)
        told = [_all_of(page), _all_of(said)]
        asked.send_bytes(cbor2.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), *told]))


def _all_of(descriptor: int) -> bytes:
    with open(descriptor, "rb") as stream:
        return stream.read()


def _set(order: bytes, page: int, words: int) -> NoReturn:
    """What the program does with *order* on its standard input."""
    os.dup2(page, 1)
    os.dup2(words, 2)
    sys.stdin = io.TextIOWrapper(io.BytesIO(order))
    try:
        program.main()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


if __name__ == "__main__":
    mimetypes.knownfiles.clear()  # as the program does before it loads WeasyPrint
    import weasyprint.text.fonts  # noqa: F401

    with suppress(EOFError):
        serve(Connection(os.dup(0)))
