"""The privileged helper (``vermilion-steward``): root's side of the console. It is told the id of a request alone.

It looks the request up itself, in the administration's database; what is not to be performed, not root's to do, or
not what could have been decided is refused there. Whoever has taken the console over can write that database, too:
what bounds the harm are the few things that :class:`appliance.administration.host.HostOperations` does
(see docs/decisions/0022-administration.md).
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.config import Settings
from appliance.errors import ApplianceError, StateRefused

if TYPE_CHECKING:
    from appliance.administration.host import HostOperations

SOCKET = "steward.sock"
LONGEST_ID = 12
RELEASES = Path("/opt/vermilion")
_ID = re.compile(rb"[0-9a-f]{12}\n?")
_PATIENCE = 10.0


def notify_privileged_helper(path: Path, request_id: str) -> None:
    """Tells the helper behind the socket *path* that there is *request_id*. Raises :class:`StateRefused`."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PATIENCE)
            line.connect(str(path))
            line.sendall(request_id.encode() + b"\n")
    except OSError as error:
        raise StateRefused(
            "The steward does not answer ({why}); see `systemctl status vermilion-steward.socket`.",
            why=error.strerror or str(error),
        ) from error


def serve_requests(listener: socket.socket, perform: Callable[[str], object], *, idle: float) -> int:
    """Performs what is asked for, one after the other, until nobody asked for *idle* seconds; how many were asked.

    What is not an id of ours is not answered at all.
    """
    asked = 0
    listener.settimeout(idle)
    while True:
        try:
            line, _ = listener.accept()
        except TimeoutError:
            return asked
        with line:
            line.settimeout(_PATIENCE)
            try:
                said = line.recv(LONGEST_ID + 2, socket.MSG_WAITALL)
            except OSError:
                said = b""
        if _ID.fullmatch(said):
            asked += 1
            _performed(perform, said.decode().strip())


def _performed(perform: Callable[[str], object], request_id: str) -> None:
    """Refusals are the request's outcome, or say that it is none of ours; the next one is attended to."""
    try:
        perform(request_id)
    except ApplianceError as error:
        os.write(2, f"{request_id}: {error}\n".encode())


def host_of(settings: Settings) -> HostOperations:
    """The machine that *settings* belong to: systemd's, where the provisioning made the home."""
    # Imported here: only who performs loads what backups and releases need.
    from appliance.administration.host import HostOperations, SystemdHost  # noqa: PLC0415
    from appliance.operations.releases import ProvisionedReleases, Releases  # noqa: PLC0415

    if not settings.home.is_managed:
        return HostOperations(settings)
    return SystemdHost(
        settings, ProvisionedReleases(Releases(RELEASES), settings.home.settings.parent / "settings.yml")
    )
