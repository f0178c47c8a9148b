"""What stands for the machine in development, where everything has one user and no unit: the workflows
themselves."""

from __future__ import annotations

import os

from appliance.administration.systemd_machine import alarm_taken_back, drilled, lock_taken_away
from appliance.config import Settings
from appliance.errors import StateRefused
from appliance.model.administration import AdminRequestOutcome
from appliance.operations.backup import Workroom, create
from appliance.operations.backup.creating import ensure_key
from appliance.operations.backup.pruning import prune
from appliance.operations.drill import drill
from appliance.wiring import utc_now


class DevelopmentMachine:
    """Does what :class:`appliance.administration.machine.Machine` says, as far as there is a machine."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def back_up(self) -> AdminRequestOutcome:
        room = Workroom.at_rest(self._settings, os.environ)
        ensure_key(room)
        archive = create(room, now=utc_now())
        prune(room)
        return AdminRequestOutcome("The backup {name} is made.", {"name": archive.name})

    def drill(self) -> AdminRequestOutcome:
        drill(Workroom.at_rest(self._settings, os.environ), now=utc_now())
        return drilled(self._settings)

    def restart(self, service: str) -> AdminRequestOutcome:
        raise _only_on_an_appliance("vermilion up")

    def unlock_and_restart(self) -> AdminRequestOutcome:
        lock_taken_away(self._settings)
        return AdminRequestOutcome("The lock is taken away: end `vermilion up` and start it again.")

    def restore(self, archive: str, identity: str, *, forget_newer: bool) -> AdminRequestOutcome:
        raise _only_on_an_appliance("vermilion restore")

    def upgrade(self, version: str) -> AdminRequestOutcome:
        raise _only_on_an_appliance("vermilion upgrade")

    def roll_back(self, *, forget_newer: bool) -> AdminRequestOutcome:
        raise _only_on_an_appliance("vermilion rollback")

    def take_alarm_back(self, unit: str) -> AdminRequestOutcome:
        return alarm_taken_back(self._settings, unit)


def _only_on_an_appliance(command: str) -> StateRefused:
    return StateRefused(
        "This is done on an appliance alone; in development there is `{command}`.", command=command
    )
