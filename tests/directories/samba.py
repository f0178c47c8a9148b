"""Samba as a domain controller, of Debian's packages, in namespaces of its own: its ports are fixed."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.directories.authority import Pair

_INSIDE = Path(__file__).with_name("inside.py")
_UNPACKED = Path(__file__).parents[2] / ".venv/samba/usr"
_UNSHARE = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


@dataclass(frozen=True, slots=True)
class Domain:
    """A running domain controller: its ports out here for ``ldap`` (StartTLS) and ``ldaps``."""

    ldap: int
    ldaps: int


@cache
def _why_not() -> str:
    """Why there can be no domain here; empty where there can."""
    if not _UNPACKED.joinpath("sbin/samba").exists() and not Path("/usr/sbin/samba").exists():
        return "Samba is in Debian's packages samba-ad-dc and samba-ad-provision, and not here"
    if os.geteuid() != 0:
        return "Samba takes fixed ports, in a network of its own, which root alone can make"
    done = subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "this machine gives nobody a network of their own"


def require_samba() -> None:
    """Skips the test where there can be no domain."""
    if why := _why_not():
        pytest.skip(why)


@contextmanager
def samba(folder: Path, pair: Pair) -> Iterator[Domain]:
    """A domain as ``inside.py`` makes it, secure by *pair*."""
    folder.mkdir()
    overlay = str(_UNPACKED) if _UNPACKED.joinpath("sbin/samba").exists() else ""
    with _listening() as plain, _listening() as secure, (folder / "samba.log").open("wb") as log:
        numbers = [plain.fileno(), secure.fileno()]
        command = [*_UNSHARE, "/usr/bin/python3", "-P", str(_INSIDE), overlay, str(folder / "domain")]
        command += [str(pair.certificate), str(pair.key), *map(str, numbers)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, pass_fds=numbers)
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said == b"ready\n", (folder / "samba.log").read_text()
            yield Domain(plain.getsockname()[1], secure.getsockname()[1])
        finally:
            process.kill()  # and with it all that is inside
            process.communicate()


def _listening() -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen()
    return made
