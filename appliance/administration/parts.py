"""What actions are performed with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from appliance.administration.administrators import Administrators
from appliance.administration.machine import HostOperations
from appliance.config import Settings
from appliance.errors import StateRefused
from appliance.model.administration import AdminRequest
from hsm.client import AuthorityClient

if TYPE_CHECKING:  # the console shall not load all that signing needs
    from appliance.wiring import Appliance


@dataclass(frozen=True, slots=True)
class ActionContext:
    """The collaborators of whoever performs, and the ``act`` that is performed. ``opened`` is the appliance in the
    scheduler's process, ``machine`` gives the machine itself where root performs; elsewhere they are None."""

    settings: Settings
    administrators: Administrators
    authority: AuthorityClient
    now: Callable[[], datetime]
    opened: Appliance | None = None
    machine: Callable[[], HostOperations] | None = None
    act: AdminRequest | None = None

    @property
    def appliance(self) -> Appliance:
        """Contracts, mail, the log. Raises :class:`StateRefused` in a process that has none of it."""
        if self.opened is None:
            raise StateRefused("This is done by the scheduler alone.")
        return self.opened

    @property
    def host(self) -> HostOperations:
        """The machine itself. Raises :class:`StateRefused` in a process that may not touch it."""
        if self.machine is None:
            raise StateRefused("This is done by the steward alone.")
        return self.machine()
