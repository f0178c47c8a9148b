"""What a capture's browser may not ask of the kernel: what no namespace confines (seccomp, BPF).

Sockets of families without a network namespace (virtual machines' AF_VSOCK reaches the host), the keyrings that a
process inherits, and parts of the kernel that no browser needs. Chromium adds filters of its own.
"""

from __future__ import annotations

import os
import platform
import socket
import struct
from errno import EAFNOSUPPORT, EPERM
from typing import Final, NamedTuple

from appliance.web_capture.model import CaptureFailed

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
