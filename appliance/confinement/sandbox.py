"""How processes are confined: the zygote once, then every child more strictly.

1. zygote: own user, network, IPC and mount namespaces where allowed; no capabilities; no new privileges; Landlock.
2. child: dies with the zygote, cannot be traced or dumped, resource limits, seccomp.

The filter of system calls is an allow-list, every other call fails with EPERM: reading, memory, time, and writing
to descriptors that are already open. No sockets, no programs, no processes or threads, no tracing, and files only
opened for reading.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pyseccomp

from appliance.confinement import kernel
from appliance.confinement.jobs import ConfinementLimits
from appliance.confinement.kernel import SocketFilter

_NOWHERE, _STANDARD_ERROR = 1, 2
"""The pool starts the zygote with standard input and output from and to nowhere."""
FIRST = 500
"""Of 1000: how much sooner than others of its size."""

_PACKAGES = Path(__file__).resolve().parents[2]


def enclose_zygote(cache: Path) -> None:
    """Walls that all children inherit. The process must have a single thread."""
    _go_first()
    kernel.leave_shared_namespaces()
    kernel.forbid_new_privileges()
    kernel.restrict_to_reading(_readable(cache))
    kernel.drop_capabilities()


def enclose_child(keep: int, zygote: int, limits: ConfinementLimits, program: SocketFilter) -> None:
    """Confines a child before its first untrusted byte: only descriptor *keep* and the standard ones stay open,
    and it ends with its parent, the process *zygote*."""
    kernel.die_with_parent(zygote)
    kernel.forbid_dumps_and_tracing()
    os.dup2(_NOWHERE, _STANDARD_ERROR)  # what was the service's own log until here
    os.closerange(3, keep)
    os.closerange(keep + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    kernel.limit_resources(seconds=limits.cpu, memory=limits.memory, files=limits.files)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    kernel.forbid_new_privileges()
    kernel.install_filter(program)


def _go_first() -> None:
    """Where memory runs out, the reader of a stranger's file ends, not who serves everybody (proc(5))."""
    place = Path("/proc/self/oom_score_adj")
    with suppress(OSError):  # without it the kernel goes by size
        place.write_text(str(max(FIRST, int(place.read_text()))))


def _readable(cache: Path) -> list[Path]:
    """Interpreter, libraries, fonts, this code, the cache: what a lazy import or a font look-up may need."""
    system = [Path(name) for name in ("/usr", "/lib", "/lib64", "/etc/fonts")]
    return [*system, Path(sys.prefix), Path(sys.base_prefix), _PACKAGES / "appliance", _PACKAGES / "hsm", cache]


_NAMES = """
    read readv pread64 preadv write writev recvfrom close close_range lseek fstat stat lstat newfstatat statx
    access faccessat faccessat2 readlink readlinkat getcwd getdents64 dup poll ppoll select pselect6
    mmap munmap mremap mprotect madvise brk mincore
    futex futex_waitv get_robust_list set_robust_list rseq membarrier sched_yield sched_getaffinity restart_syscall
    rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time
    getpid gettid getppid getuid geteuid getgid getegid getrandom getrusage getrlimit sysinfo uname
    exit exit_group
"""
ALLOWED = frozenset(_NAMES.split())

_CLONE_THREAD = 0x0001_0000
_NOT_READING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC
_OPENING = {"open": 1, "openat": 2}
_DESCRIPTOR_COMMANDS = (
    fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL,
)  # fmt: skip
"""Of fcntl(2) not F_SETOWN and F_SETSIG, by which the kernel sends signals to other processes."""


_AS_TREE = 2
"""The kernel asks the program about every call that there is when it is installed; of a list that takes longer."""
_SOCKET_CALLS = frozenset({"recvfrom", "sendto"})


def seccomp_program() -> SocketFilter:
    """The filter as a BPF program, to be made once and installed in every child."""
    rules = _reading_rules(ALLOWED)
    # sending only on the one connected socket: no destination address
    _allow(rules, "sendto", pyseccomp.Arg(4, pyseccomp.EQ, 0))
    return _exported(rules)


def threaded_seccomp_program() -> SocketFilter:
    """The same for a program that needs threads, and no socket at all: no process is made and none becomes
    another program. ``clone3``, whose flags a filter cannot see, is unknown here: libc takes ``clone``."""
    rules = _reading_rules(ALLOWED - _SOCKET_CALLS)
    _allow(rules, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD))
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    return _exported(rules)


def _reading_rules(names: Iterable[str]) -> pyseccomp.SyscallFilter:
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(errno.EPERM))
    rules.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, _AS_TREE)
    for name in names:
        _allow(rules, name)
    for name, flags in _OPENING.items():
        _allow(rules, name, pyseccomp.Arg(flags, pyseccomp.MASKED_EQ, _NOT_READING, os.O_RDONLY))
    for command in _DESCRIPTOR_COMMANDS:
        _allow(rules, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    return rules


def _exported(rules: pyseccomp.SyscallFilter) -> SocketFilter:
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return SocketFilter(file.read())


def _allow(rules: pyseccomp.SyscallFilter, name: str, *conditions: pyseccomp.Arg) -> None:
    try:
        number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), name)
    except (OSError, ValueError):
        return  # no such call on this architecture
    if number >= 0:
        rules.add_rule(pyseccomp.ALLOW, number, *conditions)
