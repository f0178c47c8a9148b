"""The authority's process: its messages to the service manager, and memory that other processes cannot read."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
from collections.abc import MutableMapping
from contextlib import suppress

_ADDRESS = "NOTIFY_SOCKET"


class ServiceManager:
    """The notification socket of systemd; without one it does nothing. Safe over ``fork``; never raises."""

    def __init__(self, address: str | None) -> None:
        self._address = address.replace("@", "\0", 1) if address and address.startswith("@") else address

    @classmethod
    def taken_from(cls, environment: MutableMapping[str, str]) -> ServiceManager:
        """The one that *environment* names; removes it from there, so that neither libraries nor children notify
        for us."""
        return cls(environment.pop(_ADDRESS, None))

    def ready(self) -> None:
        """The service is ready (``Type=notify``)."""
        self._send("READY=1")

    def alive(self) -> None:
        """A check has just succeeded (``WatchdogSec=``)."""
        self._send("WATCHDOG=1")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        # A manager that does not listen ends us when it misses the word: nothing is to be done here.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.connect(self._address)
            line.sendall(state.encode())


_PR_SET_DUMPABLE = 4


def keep_memory_private() -> None:
    """No core dump, and no other process of the same user may trace this one or read its memory; children too.

    Raises OSError when the kernel refuses.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
