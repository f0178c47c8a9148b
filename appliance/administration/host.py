"""The machine as root sees it: systemd's units on an appliance, with the workflows that need everything stopped;
in development, where everything has one user and no unit, the workflows themselves."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

from appliance.administration.switch_over import wait_for_outcome
from appliance.clock import utc_now
from appliance.config import Settings
from appliance.errors import ApplianceError, NotFound, PreconditionRefused, StateRefused, StorageError
from appliance.model.administration import AdminRequestOutcome
from appliance.operations.backup import BackupArchive, BackupContext, create_archive
from appliance.operations.backup.archives import BackupArchives
from appliance.operations.backup.checking import prune_archives
from appliance.operations.backup.creating import ensure_key
from appliance.operations.drill import run_drill
from appliance.operations.releases import (
    PlaybookReleases,
    ProvisionedReleases,
    losses_accepted_before,
    newly_accepted,
)
from appliance.operations.restore import RestoreOrder, restore_archive
from appliance.operations.results import DrillResult
from hsm.config import AuthorityHome
from hsm.home import LastingAuthorityLock

TARGET = "vermilion.target"
PATIENCE = 6 * 3600.0
_UNIT = re.compile(r"vermilion-[A-Za-z0-9@_.:\\-]{1,200}\.(service|timer|socket)")
"""Instances of units too, such as `vermilion-convert@3-1042-0.service`; never a way into another directory."""


class HostOperations:
    """What is done to the machine itself; here in development, without units. Each method does its work before it
    returns, and raises :class:`ApplianceError` when it could not be done."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def back_up(self) -> AdminRequestOutcome:
        """A backup, now."""
        context = BackupContext.without_authority(self._settings, os.environ)
        ensure_key(context)
        archive = create_archive(context, now=utc_now())
        prune_archives(context)
        return AdminRequestOutcome("The backup {name} is made.", {"name": archive.name})

    def drill(self) -> AdminRequestOutcome:
        """The newest backup is opened and verified."""
        run_drill(BackupContext.without_authority(self._settings, os.environ), now=utc_now())
        return last_drill_outcome(self._settings)

    def restart(self, service: str) -> AdminRequestOutcome:
        """The *service* ends and starts again. An authority that somebody locked is locked again."""
        raise _only_on_an_appliance("vermilion up")

    def unlock_and_restart(self) -> AdminRequestOutcome:
        """The authority ends and starts again with the PIN that is kept, although somebody locked it."""
        remove_authority_lock(self._settings)
        return AdminRequestOutcome("The lock is taken away: end `vermilion up` and start it again.")

    def restore(self, archive: str, identity: str, *, forget_newer: bool) -> AdminRequestOutcome:
        """Everything stops, the backup *archive* takes the place of the home (put aside), everything starts."""
        raise _only_on_an_appliance("vermilion restore")

    def upgrade(self, version: str) -> AdminRequestOutcome:
        """Another release becomes the current one, or the one that serves goes on."""
        raise _only_on_an_appliance("vermilion upgrade")

    def roll_back(self, *, forget_newer: bool) -> AdminRequestOutcome:
        """The release before the last upgrade, again."""
        raise _only_on_an_appliance("vermilion rollback")

    def switch_over(self, request_id: str, *, drill: bool) -> AdminRequestOutcome:
        """The other machine of the cluster begins to serve, for the admin request *request_id*. This process is
        ended with everything else here, unless it is refused."""
        raise StateRefused("This is done on an appliance of two machines alone.")

    def dismiss_alarm(self, unit: str) -> AdminRequestOutcome:
        """The alarm that *unit* raised is dealt with. Raises :class:`PreconditionRefused` for what is no unit of
        ours."""
        if not _UNIT.fullmatch(unit):
            raise PreconditionRefused("{unit} is no unit of Vermilion.", unit=unit)
        try:
            (self._settings.home.alarms / unit).unlink()
        except FileNotFoundError as error:
            raise NotFound("There is no alarm of {unit}.", unit=unit) from error
        return AdminRequestOutcome("The alarm of {unit} is taken back.", {"unit": unit})


class SystemdHost(HostOperations):
    """An appliance: *systemctl* is the program that asks systemd, *provisioned* what root has put here for changes
    of release."""

    def __init__(
        self, settings: Settings, provisioned: ProvisionedReleases, *, systemctl: str = "systemctl"
    ) -> None:
        super().__init__(settings)
        self._systemctl = systemctl
        self._releases = PlaybookReleases(provisioned, lambda unit: self._do("start", unit))

    def back_up(self) -> AdminRequestOutcome:
        self._do("start", "vermilion-backup.service")
        newest = BackupArchives(self._settings.backups).newest()
        return AdminRequestOutcome("The backup {name} is made.", {"name": newest.name if newest else ""})

    def drill(self) -> AdminRequestOutcome:
        self._do("start", "vermilion-drill.service")
        return last_drill_outcome(self._settings)

    def restart(self, service: str) -> AdminRequestOutcome:
        self._do("restart", f"vermilion-{service}.service")
        return AdminRequestOutcome("The service {service} has started again.", {"service": service})

    def unlock_and_restart(self) -> AdminRequestOutcome:
        remove_authority_lock(self._settings)
        return self.restart("authority")

    def restore(self, archive: str, identity: str, *, forget_newer: bool) -> AdminRequestOutcome:
        found: BackupArchive = BackupArchives(self._settings.backups).get(archive)
        order = RestoreOrder(found, Path(identity), aside=True, forget_newer=forget_newer, key=None)
        if self._settings.home.cluster_settings.exists():
            # Pacemaker is out of the steward's reach, and would start what it finds stopped.
            raise StateRefused(
                "This machine is a node of a cluster: restore by `install --cluster INVENTORY --playbook"
                " cluster_restore`; nothing was changed."
            )
        self._run(shlex.split(self._stop), "stop", TARGET)
        try:
            done = restore_archive(self._settings.home, order, now=utc_now())
        finally:
            self._do("start", TARGET)
        size = done.verified.log.size if done else 0
        return AdminRequestOutcome(
            "The backup {name} is restored: log of size {size} checked.", {"name": archive, "size": size}
        )

    def upgrade(self, version: str) -> AdminRequestOutcome:
        done = self._releases.upgrade(version)
        template = "Release {after} is the current one; the backup from before is {archive}."
        return AdminRequestOutcome(template, {"after": done.after, "archive": done.archive})

    def roll_back(self, *, forget_newer: bool) -> AdminRequestOutcome:
        lost_before = losses_accepted_before(self._settings.home)
        done = self._releases.roll_back(forget_newer=forget_newer)
        if known := newly_accepted(self._settings.home, lost_before):
            return AdminRequestOutcome(
                "Release {before} is the current one again. Witnesses may have cosigned up to {known} entries of"
                " this log; what is missing of them is accepted as lost. Tell the auditors.",
                {"before": done.before, "known": known},
            )
        return AdminRequestOutcome("Release {before} is the current one again.", {"before": done.before})

    def switch_over(self, request_id: str, *, drill: bool) -> AdminRequestOutcome:
        unit = f"vermilion.switch-over@{'drill' if drill else 'over'}-{request_id}.service"
        # Not waited for by a child, whose end would look like a failure just before this process is ended.
        self._run([self._systemctl, "start", "--no-block", unit], "start", unit)
        return wait_for_outcome(self._settings.home, request_id, still_runs=lambda: self._is_active(unit))

    @property
    def _stop(self) -> str:
        """With every part: a stop of the target alone returns while its services are still ending."""
        parts = f"$({self._systemctl} show --property ConsistsOf --value {TARGET})"
        return f"sh -c '{self._systemctl} stop {TARGET} {parts}'"

    def _do(self, verb: str, unit: str) -> None:
        self._run([self._systemctl, verb, unit], verb, unit)

    def _is_active(self, unit: str) -> bool:
        command = [self._systemctl, "is-active", unit]
        told = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return told.stdout.strip() in ("active", "activating", "deactivating", "reloading")

    def _run(self, command: list[str], verb: str, unit: str) -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired as error:
            raise StateRefused(
                "{unit} has not ended after {hours} hours.", unit=unit, hours=int(PATIENCE / 3600)
            ) from error
        if done.returncode != 0:
            raise StateRefused(
                "systemd could not {verb} {unit}; `journalctl -u {unit}` says why.", verb=verb, unit=unit
            )


def remove_authority_lock(settings: Settings) -> None:
    """The lock of the authority does not last over the next start. Raises :class:`StorageError`."""
    try:
        LastingAuthorityLock(AuthorityHome(settings.home.root).lasting_lock).remove_file()
    except OSError as error:
        raise StorageError(
            "The lock of the authority cannot be taken away: {why}.", why=error.strerror or error
        ) from error


def last_drill_outcome(settings: Settings) -> AdminRequestOutcome:
    """What the last drill found. Raises :class:`ApplianceError` with its sentence when it failed."""
    last = DrillResult.load(settings.home.drill)
    if last is None:
        raise StateRefused("The drill has left no result.")
    if not last.passed:
        raise ApplianceError(last.template, **last.values)
    template = (
        "Drill with {archive}. Entries of the log that were checked: {size}; documents opened: {documents}; signed"
        " contracts verified: {contracts}."
    )
    counts = {"size": last.size, "documents": last.documents, "contracts": last.contracts}
    return AdminRequestOutcome(template, {"archive": last.archive, **counts})


def _only_on_an_appliance(command: str) -> StateRefused:
    return StateRefused(
        "This is done on an appliance alone; in development there is `{command}`.", command=command
    )
