"""What only root does on an appliance, and what stands for it in development."""

from __future__ import annotations

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
