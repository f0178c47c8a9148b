"""Where the appliance keeps its things: one directory, ``$VERMILION_HOME``, a property for each place in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ConfigurationError
from hsm.settings import INTERRUPTED_ROLLBACK, Place

ROLES = ("web", "tsa", "scheduler", "operator", "console", "backup", "activation")
"""The callers that the authority tells apart, each by a socket of its own."""


def role_of_command() -> str:
    """As whom a command asks the authority how it is: root by its own socket, and the user who diagnoses and backs
    up by that for backups, since root's also ends PIN custodians."""
    return "operator" if os.geteuid() == 0 else "backup"


@dataclass(frozen=True, slots=True)
class Home:
    """The directory ``root`` (absolute) and the places of what lies in it."""

    root: Path

    settings = Place("config/appliance.toml")
    """The appliance's settings; the authority's own lie beside them in :attr:`authority_settings`."""
    authority_settings = Place("config/authority.toml")
    """The settings of the authority, which reads no others."""
    calendars = Place("config/calendars")
    """Calendar files of the enterprise's own, which count instead of those that come along."""
    rules = Place("config/review")
    """The folder of the enterprise's own rules of the content check (``*.yaml``), over those of the package."""
    agreement = Place("config/agreement")
    """The enterprise's own agreement on electronic signing, ``zh.md`` and ``en.md``, where it has one."""
    policy = Place("config/policy.toml")
    """The enterprise's policy: what contracts need before they are signed."""
    secrets = Place("secrets")
    """The directory of secrets, mode 0700; in development only."""
    setup_code = Place("secrets/setup.code")
    """The one-time code by which the first officer registers, mode 0600; in development only."""
    database = Place("state/vermilion.db")
    """The appliance's one database."""
    timestamp_spool = Place("timestamps")
    """What the timestamp service has issued, until the log has it; on an appliance it alone writes there."""
    scheduler_lock = Place("state/scheduler.lock")
    """The lock that only one scheduler holds."""
    directory_lock = Place("state/directory.lock")
    """The lock that only one synchronisation with a directory holds."""
    administration = Place("administration/administration.db")
    """The administration's own database: a restore of ``state`` leaves administrators and journal alone."""
    confirmed = Place("confirmed")
    """What root has confirmed of administrators' keys and acts; on an appliance root alone writes there."""
    performed = Place("performed")
    """Which acts of two administrators the scheduler has performed; on an appliance it alone writes there."""
    state = Place("state")
    """Database and documents, and what else has to last."""
    interrupted_restore = Place(".restoring.json")
    """The journal of a restore while it puts things in their places."""
    upgrade_copies = Place(".before-upgrade")
    """The databases from before the last upgrade, each of its own user."""
    interrupted_rollback = Place(INTERRUPTED_ROLLBACK)
    """What a rollback puts back, while it does: nothing starts then."""
    drill = Place("state/drill.json")
    """What the last drill found."""
    last_backup = Place("state/backup.json")
    """What came of the last try to make a backup."""
    health = Place("health/health.db")
    """The database of the health monitor. Beside ``state``, which the console never sees."""
    provisioned = Place("config/provisioned.json")
    """The digests of what the provisioning laid down, on an appliance."""
    cluster_settings = Place("config/cluster.toml")
    """Which two machines serve together, on each of them; where it is missing, one machine serves alone."""
    cluster_history = Place("cluster/history.jsonl")
    """Which machine served when, and why: on the volume that both share, where root alone writes."""
    gate = Place("gate")
    """What the gate before the authority's start keeps: its refusals, and the newest checkpoint that it saw here;
    on an appliance it alone writes there."""
    log_lost = Place("confirmed/log-lost.json")
    """Up to which size each witness knows entries that are lost, as root has accepted."""
    blobs = Place("state/blobs")
    """The documents, stored by digest."""
    release = Place("release")
    """The name of the release that everything here belongs to, one line; on an appliance, and after an upgrade. Of
    two machines with one appliance, the one that mounts the volume starts that release."""
    cache = Place("cache")
    """What can be made again at any time, such as typefaces taken out of collections."""
    trust = Place("trust")
    """The public anchors: ``ca.pem``, ``chain.pem``, ``log.vkey``."""
    log_key = Place("trust/log.vkey")
    """The public key that checkpoints are signed with."""
    people = Place("people")
    """The software authenticators of the demonstration's people, mode 0700."""
    logs = Place("log")
    """What the processes say, one file each, in development."""
    run = Place("run")
    """The sockets of running processes."""
    activation_requests = Place("activation")
    """What people are to be shown by the activation service, a file for each act, for some minutes."""
    converter = Place("run/convert.sock")
    """The socket of the service that converts word processors' files, on an appliance."""
    directory_socket = Place("run/directory.sock")
    """The socket of the service that asks the directory and the identity provider, on an appliance."""
    capture_socket = Place("run/capture.sock")
    """The socket of the service that captures web pages, on an appliance."""
    live_socket = Place("run/live/views.sock")
    """Where the scheduler lets the portal show a page to somebody who logs in; on an appliance those two alone
    get there."""
    alarms = Place("run/alarms")
    """A file for each service that failed, on an appliance."""
    pulses = Place("run/pulses")
    """The signs of life of the processes that answer people."""
    activation_pulses = Place("run/activation")
    """Those of the activation service, which on an appliance shares no other directory with anybody."""
    tsa_pulses = Place("run/timestamps")
    """Those of the timestamp service, with its counts of refusals; on an appliance it alone writes there."""
    clearance = Place("run/clearance/timestamps.json")
    """Whether timestamps may be issued now, as the scheduler says; on an appliance it alone writes there."""
    served_port = Place("run/port")
    """The portal's port of the ``vermilion up`` that serves this home now; in development only."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Home:
        """The home that *environment* names in ``VERMILION_HOME``; ``./var`` when it names none."""
        return cls(Path(environment.get("VERMILION_HOME") or "var").absolute())

    @property
    def is_managed(self) -> bool:
        """Whether settings and places are provisioning's, as on an appliance: ``config`` is a link there."""
        return (self.root / "config").is_symlink()

    @property
    def cluster_state(self) -> Path:
        """What root's probe last saw of the two machines: in a directory of its own beside that of the sockets."""
        return self._cluster_run / "state.json"

    def cluster_refusal(self, request_id: str) -> Path:
        """Why the switch-over that an admin request asked for was not begun."""
        return self._cluster_run / f"refused-{request_id}.json"

    @property
    def _cluster_run(self) -> Path:
        return self.run.resolve().with_name("vermilion-cluster")

    def authority_socket(self, role: str) -> Path:
        """The authority's socket for *role*, one of :data:`ROLES`."""
        return self.run / f"authority-{role}.sock"

    def optional_secret(self, name: str, environment: Mapping[str, str]) -> bytes | None:
        """The secret *name*, or None where there is none. Raises as :meth:`secret` for one that cannot be used."""
        there = (Path(environment.get("CREDENTIALS_DIRECTORY") or self.secrets) / name).exists()
        return self.secret(name, environment) if there else None

    def secret(self, name: str, environment: Mapping[str, str]) -> bytes:
        """The secret *name* without its line end: from systemd's credentials where it gave some, else from a file.

        Raises ConfigurationError when it is missing, empty, or a file that others may read.
        """
        credentials = environment.get("CREDENTIALS_DIRECTORY")
        path = (Path(credentials) if credentials else self.secrets) / name
        try:
            mode, value = path.stat().st_mode, path.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise ConfigurationError(
                "The secret {path} cannot be read: {why}.", path=path, why=error.strerror
            ) from error
        if not credentials and stat.S_IMODE(mode) & 0o077:
            raise ConfigurationError("Others may read the secret {path}; set its mode to 0600.", path=path)
        if not value:
            raise ConfigurationError("The secret {path} is empty.", path=path)
        return value


def make_directory(path: Path, mode: int = 0o700) -> Path:
    """*path*, made with its parents when missing, with exactly *mode*."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    return path
