"""The few kernel calls that Python does not offer, by number and by name (Linux only)."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC_UNDER_LOCK = ctypes.PyDLL(None, use_errno=True)
"""Keeps the interpreter's lock, without which nothing that returns twice may be called."""

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_MADV_COLLAPSE = 25
_LARGE_PAGE = 2 * 1024 * 1024
_CAPABILITY_VERSION_3 = 0x20080522
_MS_BIND = 0x1000
_CLONE_NEWNS = 0x0002_0000
_CLONE_NEWIPC = 0x0800_0000
_CLONE_NEWUSER = 0x1000_0000
_CLONE_NEWNET = 0x4000_0000


class _SocketFilter(ctypes.Structure):
    """``struct sock_fprog``: a BPF program of ``length`` instructions, eight bytes each."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def system_call(number: int, *arguments: object) -> int:
    """The raw call; raises OSError with the kernel's errno."""
    return _checked(_LIBC.syscall(ctypes.c_long(number), *arguments))


def fork() -> int:
    """``fork(2)`` without what Python does after it for threads, random numbers and logging: that costs a child
    half a millisecond. Only for a process with a single thread, and a child that needs none of the three."""
    return _checked(_LIBC_UNDER_LOCK.fork())


def gather_memory() -> None:
    """Put this process's own memory into large pages as far as the kernel does that (Linux 6.1 and newer): what
    a fork copies of each is one entry instead of 512. Best effort: a refusal changes nothing but the speed."""
    for start, end in list(_own_memory()):
        first, last = -(-start // _LARGE_PAGE) * _LARGE_PAGE, end // _LARGE_PAGE * _LARGE_PAGE
        if first < last:
            _LIBC.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _MADV_COLLAPSE)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def forbid_dumps_and_tracing() -> None:
    """No core dump, and no other process of the same user may attach."""
    _prctl(_PR_SET_DUMPABLE, 0)


def forbid_new_privileges() -> None:
    """No later exec gains anything; also what seccomp and Landlock ask for first."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def install_filter(program: bytes) -> None:
    """Install the seccomp BPF *program* for the rest of this process's life."""
    instructions = ctypes.create_string_buffer(program, len(program))
    socket_filter = _SocketFilter(len(program) // 8, ctypes.addressof(instructions))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(socket_filter))


def leave_shared_namespaces() -> bool:
    """Move into own user, network, IPC and mount namespaces; False where it is forbidden."""
    result: int = _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC | _CLONE_NEWNS)
    return result == 0


def cover(place: Path, by: Path) -> bool:
    """In an own mount namespace, show the directory *by* at *place*; False where it is forbidden."""
    nothing = ctypes.c_char_p(None)
    result: int = _LIBC.mount(bytes(by), bytes(place), nothing, ctypes.c_ulong(_MS_BIND), nothing)
    return result == 0


def drop_capabilities() -> None:
    """Give up every capability, also those that a new user namespace brought."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    held = (ctypes.c_uint32 * 6)()
    _checked(_LIBC.capget(header, held))
    if any(held):  # who has none may be forbidden to ask for the change
        _checked(_LIBC.capset(header, (ctypes.c_uint32 * 6)()))


def _own_memory() -> Iterator[tuple[int, int]]:
    """Start and end of the heap and of every other writable mapping without a file (proc(5), ``maps``)."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, permissions, _, _, _, *name = line.split()
        if permissions.startswith("rw") and (not name or name == ["[heap]"]):
            start, end = place.split("-")
            yield int(start, 16), int(end, 16)


def _prctl(option: int, *arguments: object) -> None:
    padded = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in arguments]
    padded += [ctypes.c_ulong(0)] * (4 - len(padded))
    _checked(_LIBC.prctl(ctypes.c_int(option), *padded))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
