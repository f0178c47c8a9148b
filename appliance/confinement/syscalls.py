"""The system calls that a confined job may make; every other one fails with EPERM.

An allow-list: reading, memory, time, and writing to descriptors that are already open. No sockets, no programs, no
processes or threads, no tracing, and files only opened for reading.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile

import pyseccomp

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

_NOT_READING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC
_OPENING = {"open": 1, "openat": 2}
_DESCRIPTOR_COMMANDS = (
    fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC, fcntl.F_GETFD, fcntl.F_SETFD, fcntl.F_GETFL, fcntl.F_SETFL,
)  # fmt: skip
"""Of fcntl(2) not F_SETOWN and F_SETSIG, by which the kernel sends signals to other processes."""


def program() -> bytes:
    """The filter as a BPF program, to be made once and installed in every child."""
    rules = pyseccomp.SyscallFilter(defaction=pyseccomp.ERRNO(errno.EPERM))
    for name in ALLOWED:
        _allow(rules, name)
    for name, flags in _OPENING.items():
        _allow(rules, name, pyseccomp.Arg(flags, pyseccomp.MASKED_EQ, _NOT_READING, os.O_RDONLY))
    for command in _DESCRIPTOR_COMMANDS:
        _allow(rules, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    # sending only on the one connected socket: no destination address
    _allow(rules, "sendto", pyseccomp.Arg(4, pyseccomp.EQ, 0))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _allow(rules: pyseccomp.SyscallFilter, name: str, *conditions: pyseccomp.Arg) -> None:
    try:
        number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), name)
    except (OSError, ValueError):
        return  # no such call on this architecture
    if number >= 0:
        rules.add_rule(pyseccomp.ALLOW, number, *conditions)
