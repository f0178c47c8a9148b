"""Landlock: a process restricts itself to reading beneath a few directories (Linux 5.13 and newer)."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from appliance.confinement import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_QUERY = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIRECTORY = 1 << 2, 1 << 3
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
    version = _version()
    if version == 0:
        return False
    ruleset = kernel.system_call(_CREATE_RULESET, *_attributes(version), 0)
    try:
        for directory in directories:
            with suppress(FileNotFoundError):
                _allow_reading(ruleset, directory)
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


def _allow_reading(ruleset: int, directory: Path) -> None:
    parent = os.open(directory, os.O_PATH | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        rule = _PathBeneath(_READ_FILE | _READ_DIRECTORY, parent)
        kernel.system_call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
