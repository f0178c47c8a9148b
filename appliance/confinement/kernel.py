"""What confined processes ask of the kernel (Linux only), mostly calls that Python does not offer; among them
Landlock, by which a process restricts itself to reading beneath a few directories (Linux 5.13 and newer)."""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from appliance.errors import ConfinementFailed

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_LIBC_UNDER_LOCK = ctypes.PyDLL(None, use_errno=True)
"""Keeps the interpreter's lock, without which nothing that returns twice may be called."""

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_MADV_DONTNEED = 4
_MADV_COLLAPSE = 25
_LARGE_PAGE = 2 * 1024 * 1024
_CAPABILITY_VERSION_3 = 0x20080522
_MS_BIND = 0x1000
_CLONE_NEWNS = 0x0002_0000
_CLONE_NEWIPC = 0x0800_0000
_CLONE_NEWUSER = 0x1000_0000
_CLONE_NEWNET = 0x4000_0000


class SocketFilter(ctypes.Structure):
    """``struct sock_fprog``: a BPF program of ``length`` instructions, eight bytes each. To be made before a fork:
    a child that makes it has 40 page faults more."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    def __init__(self, program: bytes) -> None:
        self._kept = ctypes.create_string_buffer(program, len(program))
        super().__init__(len(program) // 8, ctypes.addressof(self._kept))


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
    for start, end, permissions, name in _mappings():
        first, last = -(-start // _LARGE_PAGE) * _LARGE_PAGE, end // _LARGE_PAGE * _LARGE_PAGE
        if permissions.startswith("rw") and name in {"", "[heap]"} and first < last:
            _LIBC.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _MADV_COLLAPSE)


def let_go_of_files(directory: Path) -> None:
    """Keep nothing in memory of the code that this process maps and of the files in *directory* that it reads:
    whoever goes on reading gets it from the kernel's cache, as each fork does anyway."""
    for start, end, permissions, name in _mappings():
        is_code = permissions == "r-xp" and name.startswith("/")  # nobody writes there, so nothing is lost
        if is_code or (permissions == "r--p" and Path(name).is_relative_to(directory)):
            _LIBC.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def die_with_parent(parent: int = 0) -> None:
    """Have the kernel kill this process when its parent ends. With the parent's process id *parent*, also
    when it ended before this call, of which the kernel tells nothing (PR_SET_PDEATHSIG(2const))."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if parent and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def limit_resources(*, seconds: int, memory: int, files: int, written: int = 0) -> None:
    """At most so many *seconds* of the processor, bytes of *memory*, open *files*, and bytes *written* to a
    file; no core dump."""
    bounds = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_NOFILE: files,
        resource.RLIMIT_FSIZE: written,
        resource.RLIMIT_CORE: 0,
    }
    for kind, bound in bounds.items():
        resource.setrlimit(kind, (bound, bound))


def forbid_dumps_and_tracing() -> None:
    """No core dump, and no other process of the same user may attach."""
    _prctl(_PR_SET_DUMPABLE, 0)


def forbid_new_privileges() -> None:
    """No later exec gains anything; also what seccomp and Landlock ask for first."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def install_filter(program: SocketFilter) -> None:
    """Install the seccomp BPF *program* for the rest of this process's life."""
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


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


def _mappings() -> list[tuple[int, int, str, str]]:
    """Start, end, permissions and file of everything that this process maps (proc(5), ``maps``)."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, permissions, _, _, _, *name = line.split(maxsplit=5)
        start, end = place.split("-")
        found.append((int(start, 16), int(end, 16), permissions, "".join(name)))
    return found


def _prctl(option: int, *arguments: int) -> None:
    _checked(_LIBC.prctl(option, *arguments, *[0] * (4 - len(arguments))))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_QUERY = 1
_PATH_BENEATH = 1
_EXECUTE, _READ_FILE, _READ_DIRECTORY = 1 << 0, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_SOCKET = 1 << 5, 1 << 9
_OF_FILES = 0b0111 | 1 << 14
"""Execute, write, read and truncate: the rights that a single file can have (truncate since version 3)."""
# how many file-system rights each version of the interface knows
_RIGHTS_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
_RIGHTS_NEWEST = 16
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


DEMAND = "VERMILION_CONFINEMENT"
"""The environment variable by which an appliance's units and commands say ``required``: nothing that reads a
stranger's file starts without Landlock. In development it may be missing, with a warning."""


def landlock_demand() -> dict[str, str]:
    """The demand as it stands in this process's environment, to be handed on to one that gets its own."""
    return {DEMAND: os.environ[DEMAND]} if DEMAND in os.environ else {}


def is_landlock_demanded() -> bool:
    """Whether this process is an appliance's."""
    return os.environ.get(DEMAND) == "required"


def landlock_version() -> int:
    """Of the kernel's interface (landlock(7)), from 1; 0 where the kernel has no Landlock or forbids it here."""
    try:
        return system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_QUERY)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise


def require_landlock() -> bool:
    """Whether there is Landlock. Raises :class:`ConfinementFailed` where there is none and it is demanded."""
    if landlock_version() > 0:
        return True
    if is_landlock_demanded():
        raise ConfinementFailed(WITHOUT_LANDLOCK, cause="unavailable", detail="no Landlock")
    return False


WITHOUT_LANDLOCK = (
    "This machine's kernel has no Landlock, so no document is read; start it with landlock"
    " among the modules of lsm=."
)


def restrict_to_reading(directories: Iterable[Path]) -> bool:
    """Allow reading beneath *directories* and nothing else of any file system; no TCP; for this process and its
    children, for good. False where the kernel has no Landlock; raises :class:`ConfinementFailed` where it is
    demanded. Needs no_new_privs first."""
    return _restrict(dict.fromkeys(directories, _READ_FILE | _READ_DIRECTORY))


def restrict_to_programs(
    installed: Iterable[Path], *, writing: Iterable[Path], meeting: Iterable[Path] = ()
) -> bool:
    """The same for what becomes another program: reading and starting beneath *installed*, everything beneath
    *writing* (directories or single files), and only sockets beneath *meeting*."""
    everything = (1 << _RIGHTS_BY_VERSION.get(landlock_version(), _RIGHTS_NEWEST)) - 1
    rights = dict.fromkeys(installed, _EXECUTE | _READ_FILE | _READ_DIRECTORY)
    rights |= dict.fromkeys(meeting, _MAKE_SOCKET | _REMOVE_FILE)
    return _restrict(rights | dict.fromkeys(writing, everything))


def _restrict(rights: Mapping[Path, int]) -> bool:
    if not require_landlock():
        return False
    version = landlock_version()
    ruleset = system_call(_CREATE_RULESET, *_attributes(version), 0)
    try:
        for place, allowed in rights.items():
            with suppress(FileNotFoundError):
                _allow(ruleset, place, allowed)
        system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def _attributes(version: int) -> tuple[object, ctypes.c_size_t]:
    rights = (1 << _RIGHTS_BY_VERSION.get(version, _RIGHTS_NEWEST)) - 1
    network = 0b11 if version >= _NETWORK_SINCE else 0
    scoped = 0b11 if version >= _SCOPES_SINCE else 0
    fields = 3 if scoped else 2 if network else 1
    return ctypes.byref(_Ruleset(rights, network, scoped)), ctypes.c_size_t(8 * fields)


def _allow(ruleset: int, place: Path, allowed: int) -> None:
    parent = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        of_place = allowed if place.is_dir() else allowed & _OF_FILES
        rule = _PathBeneath(of_place, parent)
        system_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
