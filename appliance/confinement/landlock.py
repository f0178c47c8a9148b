"""Landlock: a process restricts itself to reading beneath a few directories (Linux 5.13 and newer)."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from appliance.confinement import kernel

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


def restrict_to_reading(directories: Iterable[Path]) -> bool:
    """Allow reading beneath *directories* and nothing else of any file system; no TCP; for this process and its
    children, for good. False where the kernel has no Landlock. Needs no_new_privs first."""
    return _restrict(dict.fromkeys(directories, _READ_FILE | _READ_DIRECTORY))


def restrict_to_programs(
    installed: Iterable[Path], *, writing: Iterable[Path], meeting: Iterable[Path] = ()
) -> bool:
    """The same for what becomes another program: reading and starting beneath *installed*, everything beneath
    *writing* (directories or single files), and only sockets beneath *meeting*."""
    everything = (1 << _RIGHTS_BY_VERSION.get(_version(), _RIGHTS_NEWEST)) - 1
    rights = dict.fromkeys(installed, _EXECUTE | _READ_FILE | _READ_DIRECTORY)
    rights |= dict.fromkeys(meeting, _MAKE_SOCKET | _REMOVE_FILE)
    return _restrict(rights | dict.fromkeys(writing, everything))


def _restrict(rights: Mapping[Path, int]) -> bool:
    version = _version()
    if version == 0:
        return False
    ruleset = kernel.system_call(_CREATE_RULESET, *_attributes(version), 0)
    try:
        for place, allowed in rights.items():
            with suppress(FileNotFoundError):
                _allow(ruleset, place, allowed)
        kernel.system_call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def _version() -> int:
    try:
        return kernel.system_call(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_QUERY)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise


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
        kernel.system_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
