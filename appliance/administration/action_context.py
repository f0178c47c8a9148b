"""What actions are performed with, and what only root does on the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from appliance.administration.administrators import Administrators
from appliance.config import Settings
from appliance.errors import StateRefused
from appliance.model.administration import AdminRequest
from hsm.client import AuthorityClient

if TYPE_CHECKING:  # the console shall not load all that signing needs
    from appliance.wiring import Appliance
from typing import Protocol

from appliance.model.administration import AdminRequestOutcome

AUTHORITY = "authority"
SERVICES = (AUTHORITY, "web", "tsa", "scheduler", "console")
"""The services that can be started again, by their names without ``vermilion-``."""


class HostOperations(Protocol):
    """Each method does its work before it returns. Raises :class:`ApplianceError` when it could not be done."""

    def back_up(self) -> AdminRequestOutcome:
        """A backup, now."""

    def drill(self) -> AdminRequestOutcome:
        """The newest backup is opened and verified."""

    def restart(self, service: str) -> AdminRequestOutcome:
        """One of :data:`SERVICES` ends and starts again. An authority that somebody locked is locked again."""

    def unlock_and_restart(self) -> AdminRequestOutcome:
        """The authority ends and starts again with the PIN that is kept, although somebody locked it."""

    def restore(self, archive: str, identity: str, *, forget_newer: bool) -> AdminRequestOutcome:
        """Everything stops, the backup *archive* takes the place of the home (put aside), everything starts."""

    def upgrade(self, version: str) -> AdminRequestOutcome:
        """Another release becomes the current one, or the one that serves goes on."""

    def roll_back(self, *, forget_newer: bool) -> AdminRequestOutcome:
        """The release before the last upgrade, again."""

    def dismiss_alarm(self, unit: str) -> AdminRequestOutcome:
        """The alarm that *unit* raised is dealt with."""


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
