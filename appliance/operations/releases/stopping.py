"""Stopping everything: a command that stops services may return while they are still ending."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from appliance.errors import UpgradeRefused
from appliance.home import Home
from hsm.config import AuthorityHome
from hsm.files import file_lock

PATIENCE = 120.0
"""Seconds in which a process has ended that was told to."""


class ServiceCommands(Protocol):
    """What :class:`appliance.operations.releases.Commands` has."""

    @property
    def stop(self) -> str:
        """The command line that stops everything."""

    @property
    def start(self) -> str:
        """The command line that starts everything."""

    @property
    def probe(self) -> tuple[str, ...]:
        """What a release is asked once it was started."""

    def do(self, line: str, home: Home) -> None:
        """Runs a command line."""


def stop_services(home: Home, services: ServiceCommands, patience: float = PATIENCE) -> None:
    """Returns when neither the authority nor the scheduler of *home* runs any more; the others end before these.

    Raises :class:`UpgradeRefused` when one still does after *patience* seconds. Without a command nothing stops.
    """
    if not services.stop:
        return
    services.do(services.stop, home)
    deadline = time.monotonic() + patience
    for name, lock in (("scheduler", home.scheduler_lock), ("authority", AuthorityHome(home.root).single)):
        while _is_held(lock):
            if time.monotonic() >= deadline:
                raise UpgradeRefused(
                    "The {name} in {home} was told to end and still runs; end it and run this again.",
                    name=name,
                    home=home.root,
                )
            time.sleep(0.1)


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        with file_lock(lock, wait=False):
            return False
    except BlockingIOError:
        return True
