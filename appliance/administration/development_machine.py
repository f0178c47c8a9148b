"""What stands for the machine in development, where everything has one user and no unit: the workflows
themselves."""

from __future__ import annotations

import os

from appliance.administration.systemd_machine import dismiss_alarm, last_drill_outcome, remove_authority_lock
from appliance.clock import utc_now
from appliance.config import Settings
from appliance.errors import StateRefused
from appliance.model.administration import AdminRequestOutcome
from appliance.operations.backup import BackupContext, create_archive
from appliance.operations.backup.creating import ensure_key
from appliance.operations.backup.pruning import prune_archives
from appliance.operations.drill import run_drill


class DevelopmentHost:
    """Does what :class:`appliance.administration.machine.HostOperations` says, as far as there is a machine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def back_up(self) -> AdminRequestOutcome:
        room = BackupContext.without_authority(self._settings, os.environ)
        ensure_key(room)
        archive = create_archive(room, now=utc_now())
        prune_archives(room)
        return AdminRequestOutcome("The backup {name} is made.", {"name": archive.name})

    def drill(self) -> AdminRequestOutcome:
        run_drill(BackupContext.without_authority(self._settings, os.environ), now=utc_now())
        return last_drill_outcome(self._settings)

    def restart(self, service: str) -> AdminRequestOutcome:
        raise _only_on_an_appliance("vermilion up")

    def unlock_and_restart(self) -> AdminRequestOutcome:
        remove_authority_lock(self._settings)
        return AdminRequestOutcome("The lock is taken away: end `vermilion up` and start it again.")

    def restore(self, archive: str, identity: str, *, forget_newer: bool) -> AdminRequestOutcome:
        raise _only_on_an_appliance("vermilion restore")

    def upgrade(self, version: str) -> AdminRequestOutcome:
        raise _only_on_an_appliance("vermilion upgrade")

    def roll_back(self, *, forget_newer: bool) -> AdminRequestOutcome:
        raise _only_on_an_appliance("vermilion rollback")

    def dismiss_alarm(self, unit: str) -> AdminRequestOutcome:
        return dismiss_alarm(self._settings, unit)


def _only_on_an_appliance(command: str) -> StateRefused:
    return StateRefused(
        "This is done on an appliance alone; in development there is `{command}`.", command=command
    )
