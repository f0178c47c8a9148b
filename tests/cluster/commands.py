"""The programs of Pacemaker, Corosync and DRBD: installed ones, or what `scripts/setup test` has unpacked."""

from __future__ import annotations

import platform
import shutil
import tempfile
from pathlib import Path

import pytest

_SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
_UNPACKED = Path(__file__).parents[2] / ".venv/pacemaker/usr"


def _environment() -> dict[str, str]:
    if shutil.which("crm_simulate", path=_SBIN) or not _UNPACKED.is_dir():
        return {"PATH": _SBIN}
    return {
        "PATH": f"{_SBIN}:{_UNPACKED}/sbin:{_UNPACKED}/lib/drbd",
        "LD_LIBRARY_PATH": f"{_UNPACKED}/lib/{platform.machine()}-linux-gnu:{_UNPACKED}/lib",
        "CIB_shadow_dir": tempfile.gettempdir(),
        "PCMK_schema_directory": str(_UNPACKED / "share/pacemaker"),
    }


ENVIRONMENT = _environment()
"""In it they are found, and find what is theirs."""


def tool(name: str) -> pytest.MarkDecorator:
    """What needs this program is skipped where it could not be had."""
    found = shutil.which(name, path=ENVIRONMENT["PATH"])
    return pytest.mark.skipif(found is None, reason=f"{name} could not be fetched: scripts/setup test")
