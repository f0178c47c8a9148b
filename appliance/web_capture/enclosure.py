"""The browser of one capture, alone in namespaces of its own (bubblewrap).

It has its own users, processes, network, IPC, host name and mounts: the system's programs and fonts to read, and
an empty home in memory. Its network has a loopback interface and nothing else. A listener is made there and handed
out (``listening.py``), so that the proxy outside accepts what the browser connects. Chromium's own sandbox goes on
working within. What is writable is in memory and has a size.

What no namespace confines is refused by a filter (seccomp, BPF): sockets of families without a network
namespace (virtual machines' AF_VSOCK reaches the host), the keyrings that a process inherits, and parts of the
kernel that no browser needs. Chromium adds filters of its own.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import socket
import struct
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from errno import EAFNOSUPPORT, EPERM
from pathlib import Path
from typing import Final, NamedTuple

from appliance.language.sizes import MEGABYTE
from appliance.web_capture.model import CaptureFailed

PORT: Final = 3128
"""Of the proxy, in the browser's own network."""
_HOME: Final = "/home/capture"
_LISTENING: Final = Path(__file__).with_name("listening.py")
_MEMORY_FILES: Final = 512 * MEGABYTE
"""Bytes of each file system in memory."""
_BROWSERS: Final = ("chromium-headless-shell", "chromium")
_HIGH: Final = 30
"""Descriptors from here on are in nobody's way: 3 and 4 are DevTools'."""
_COMPLAINTS: Final = 64 * 1024
"""Bytes that everything inside together can write as its standard error."""
_START: Final = 20.0
"""Seconds until the browser's namespaces are there."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A running browser: its process, its listener for the proxy, and the two ends of DevTools' pipe."""

    process: subprocess.Popen[bytes]
    listener: socket.socket
    reading: int
    writing: int
    command: tuple[str, ...]

    def end(self) -> None:
        """Ends it with everything in it: bubblewrap's first process takes all others along."""
        with suppress(OSError):
            self.process.kill()
        self.process.wait()
        for descriptor in (self.reading, self.writing):
            with suppress(OSError):
                os.close(descriptor)
        self.listener.close()


def browser() -> str:
    """The path of Debian's Chromium. Raises :class:`CaptureFailed` where there is none."""
    for name in _BROWSERS:
        found = shutil.which(name, path="/usr/bin:/bin")
        if found:
            return found
    raise CaptureFailed("There is no browser on this machine; install the package chromium-headless-shell.")


def enclose(arguments: tuple[str, ...]) -> Enclosure:
    """Starts Chromium with *arguments*. Raises :class:`CaptureFailed` where it cannot be confined: it never runs
    unconfined."""
    walls = _walls()
    ours, theirs = socket.socketpair()
    asked, written = os.pipe()
    read, answered = os.pipe()
    calls, complaints = filter_file(), _complaints()
    low = (theirs.detach(), asked, answered, calls)
    high = [fcntl.fcntl(each, fcntl.F_DUPFD, _HIGH) for each in low]
    for each in low:
        os.close(each)
    command = (*walls, "--seccomp", str(high[3]), "--", *_within(high[:3], arguments))
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints, pass_fds=high
        )
        for each in high:
            os.close(each)
        try:
            listener = _received(ours)
        except (OSError, IndexError) as error:
            process.kill()
            process.wait()
            os.close(written)
            os.close(read)
            said = os.pread(complaints, 2000, 0).rstrip(b"\0").decode("utf-8", "replace").strip()
            why = said or "nothing was said"
            raise CaptureFailed("The browser could not be confined ({why}).", why=why[:300]) from error
        finally:
            ours.close()
    finally:
        os.close(complaints)
    return Enclosure(process, listener, read, written, command)


def _complaints() -> int:
    """A file in memory that cannot grow: who is inside holds it open, and could fill a disk by it."""
    made = os.memfd_create("complaints", os.MFD_ALLOW_SEALING)
    os.ftruncate(made, _COMPLAINTS)
    fcntl.fcntl(made, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return made


def _received(ours: socket.socket) -> socket.socket:
    ours.settimeout(_START)
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    return socket.socket(fileno=descriptors[0])


def _walls() -> tuple[str, ...]:
    """bubblewrap's arguments, see bwrap(1)."""
    found = shutil.which("bwrap", path="/usr/bin:/bin")
    if found is None:
        raise CaptureFailed("The browser cannot be confined on this machine; install the package bubblewrap.")
    memory = ("--size", str(_MEMORY_FILES), "--tmpfs")
    return (
        found, "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "capture",
        "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv",
        "--setenv", "HOME", _HOME, "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8",
        "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
        "--symlink", "usr/lib64", "/lib64", "--ro-bind", "/etc/fonts", "/etc/fonts",
        "--ro-bind-try", "/etc/alternatives", "/etc/alternatives",
        "--dev", "/dev", "--proc", "/proc", *memory, "/tmp", *memory, _HOME,  # noqa: S108 - the browser's own
        *memory, "/dev/shm", "--ro-bind", "/proc/sys", "/proc/sys",  # noqa: S108 - whose owner may be who runs this
        "--ro-bind", str(_LISTENING), "/listening.py", "--remount-ro", "/dev", "--remount-ro", "/",
    )  # fmt: skip


def _within(descriptors: list[int], arguments: tuple[str, ...]) -> tuple[str, ...]:
    """What runs inside: the listener is made by Debian's own Python, which then becomes the browser."""
    return (
        "/usr/bin/python3", "-I", "-S", "/listening.py", str(PORT), *map(str, descriptors), browser(), *arguments,
    )  # fmt: skip


_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
"""BPF: load a word at a place, compare with a constant, end."""
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Places in ``struct seccomp_data``; the lower half of an argument comes first on these machines."""
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_OTHER_CALLS: Final = 0x40000000
"""System calls from here on are those of x32."""
_FAMILIES: Final = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK)


class _Machine(NamedTuple):
    architecture: int
    socket: int
    refused: tuple[int, ...]
    """add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd, io_uring_setup, kexec_load."""


_MACHINES: Final = {
    "x86_64": _Machine(0xC000003E, 41, (248, 249, 250, 321, 298, 323, 425, 246)),
    "aarch64": _Machine(0xC00000B7, 198, (217, 218, 219, 280, 241, 282, 425, 104)),
}


def filter_program(machine: str | None = None) -> bytes:
    """The filter as bubblewrap takes it (``--seccomp``), for *machine* (default: this one). Raises
    :class:`CaptureFailed` for one whose calls are not known here."""
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        raise CaptureFailed("The browser cannot be confined on this kind of processor.")
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, known.architecture),
        (_RETURN, 0, 0, _REFUSE | EPERM),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for comparison, value in ((_AT_LEAST, _OTHER_CALLS), *((_EQUAL, each) for each in known.refused)):
        steps += [(comparison, 0, 1, value), (_RETURN, 0, 0, _REFUSE | EPERM)]
    steps += [(_EQUAL, 1, 0, known.socket), (_RETURN, 0, 0, _ALLOW), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
    for family in _FAMILIES:
        steps += [(_EQUAL, 0, 1, family), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _REFUSE | EAFNOSUPPORT))
    return b"".join(struct.pack("=HBBI", *each) for each in steps)


def filter_file() -> int:
    """A descriptor from which :func:`filter_program` is read."""
    made = os.memfd_create("filter")
    os.write(made, filter_program())
    os.lseek(made, 0, os.SEEK_SET)
    return made
