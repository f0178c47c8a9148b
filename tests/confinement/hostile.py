"""Jobs that do what hostile input might make a parser do; run only inside the confinement under test."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import cbor2

from appliance.errors import DocumentRefused

JOBS = {
    name: f"tests.confinement.hostile:{name}"
    for name in (
        "echo", "refuse", "raise_error", "segfault", "bomb", "recurse", "sleep", "spin", "flood", "not_cbor",
        "connect", "unix_socket", "execute", "fork", "write_file", "read_file", "read_library", "trace",
        "kill_parent", "signal_by_descriptor", "speak", "say", "many_values",
        "descriptors", "identity", "raise_limits", "half_an_answer", "read_environment",
    )
}  # fmt: skip


def echo(value: Any) -> Any:
    return value


def refuse(size: int) -> None:
    raise DocumentRefused("too-large", "The document has {size} bytes.", size=size)


def raise_error() -> None:
    raise AssertionError("deep inside a library")


def segfault() -> None:
    ctypes.string_at(0)


def bomb() -> int:
    inflater = zlib.decompressobj()
    zeros = zlib.compress(bytes(64 << 20))
    return len(b"".join([inflater.decompress(zeros)] * 200))


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1) + 1


def sleep() -> None:
    time.sleep(60)


def spin() -> None:
    while True:
        pass


def flood(size: int) -> bytes:
    return bytes(size)


def not_cbor() -> object:
    return object()


def connect() -> None:
    socket.create_connection(("127.0.0.1", 22), timeout=1)


def unix_socket() -> None:
    socket.socket(socket.AF_UNIX)


def execute() -> None:
    subprocess.run(["/bin/true"], check=True)


def fork() -> None:
    os.fork()


def write_file(path: str) -> None:
    Path(path).write_bytes(b"x")


def read_file(path: str) -> bytes:
    return Path(path).read_bytes()


def read_library() -> int:
    return len(Path(os.__file__).read_bytes())


def trace(process: int) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, process, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return 0


def kill_parent(process: int) -> None:
    os.kill(process, 0)


def signal_by_descriptor(process: int) -> None:
    """The kernel sends signals for descriptors, too: F_SETOWN says to whom, F_SETSIG which (fcntl(2))."""
    own = descriptors()[-1]
    fcntl.fcntl(own, fcntl.F_SETOWN, process)


def speak() -> None:
    """Write on every standard stream."""
    for number in range(3):
        with suppress(OSError):
            os.write(number, b"spoken by a hostile document\n")


def say(answer: Any) -> None:
    """Answer with CBOR of our own, past the code that would have made it."""
    payload = cbor2.dumps(answer)
    os.write(descriptors()[-1], struct.pack(">Q", len(payload)) + payload)
    os._exit(0)


def many_values() -> None:
    """An answer of few bytes and four million objects."""
    payload = b"\xa1\x66result\x9a" + struct.pack(">I", 1 << 22) + b"\x80" * (1 << 22)
    left = struct.pack(">Q", len(payload)) + payload
    while left:
        left = left[os.write(descriptors()[-1], left) :]
    os._exit(0)


def descriptors() -> list[int]:
    found = []
    for number in range(64):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def identity() -> int:
    return os.getpid()


def raise_limits() -> None:
    import resource  # noqa: PLC0415 - a hostile job may import what it likes

    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def half_an_answer() -> None:
    for number in descriptors():
        if number > 2:
            os.write(number, b"\x00\x00\x00\x00\x00\x00\xff\xffhalf")
    os._exit(0)


def read_environment() -> list[str]:
    return sorted(os.environ)
