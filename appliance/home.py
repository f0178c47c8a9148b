"""Where the appliance keeps its things: one directory, ``$VERMILION_HOME``, a property for each place in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import ConfigurationError

ROLES = ("web", "tsa", "scheduler", "operator", "console", "backup")
"""The callers that the authority tells apart, each by a socket of its own."""


@dataclass(frozen=True, slots=True)
class Home:
    """The directory ``root`` (absolute) and the names of what lies in it."""

    root: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Home:
        """The home that *environment* names in ``VERMILION_HOME``; ``./var`` when it names none."""
        return cls(Path(environment.get("VERMILION_HOME") or "var").absolute())

    @property
    def is_managed(self) -> bool:
        """Whether settings and places are provisioning's, as on an appliance: ``config`` is a link there."""
        return (self.root / "config").is_symlink()

    @property
    def settings(self) -> Path:
        """The appliance's settings; the authority's own lie beside them in :attr:`authority_settings`."""
        return self.root / "config/appliance.toml"

    @property
    def authority_settings(self) -> Path:
        """The settings of the authority, which reads no others."""
        return self.root / "config/authority.toml"

    @property
    def calendars(self) -> Path:
        """Calendar files of the enterprise's own, which count instead of those that come along."""
        return self.root / "config/calendars"

    @property
    def rules(self) -> Path:
        """The folder of the enterprise's own rules of the content check (``*.yaml``), over those of the
        package.
        """
        return self.root / "config/review"

    @property
    def agreement(self) -> Path:
        """The enterprise's own agreement on electronic signing, ``zh.md`` and ``en.md``, where it has one."""
        return self.root / "config/agreement"

    @property
    def policy(self) -> Path:
        """The enterprise's policy: what contracts need before they are signed."""
        return self.root / "config/policy.toml"

    @property
    def secrets(self) -> Path:
        """The directory of secrets, mode 0700; in development only."""
        return self.root / "secrets"

    @property
    def setup_code(self) -> Path:
        """The one-time code by which the first officer registers, mode 0600; in development only."""
        return self.secrets / "setup.code"

    @property
    def database(self) -> Path:
        """The appliance's one database."""
        return self.root / "state/vermilion.db"

    @property
    def scheduler_lock(self) -> Path:
        """The lock that only one scheduler holds."""
        return self.root / "state/scheduler.lock"

    @property
    def administration(self) -> Path:
        """The administration's own database: a restore of ``state`` leaves administrators and journal alone."""
        return self.root / "administration/administration.db"

    @property
    def confirmed(self) -> Path:
        """What root has confirmed of administrators' keys and acts; on an appliance root alone writes there."""
        return self.root / "confirmed"

    @property
    def performed(self) -> Path:
        """Which acts of two administrators the scheduler has performed; on an appliance it alone writes there."""
        return self.root / "performed"

    @property
    def state(self) -> Path:
        """Database and documents, and what else has to last."""
        return self.root / "state"

    @property
    def interrupted_restore(self) -> Path:
        """The journal of a restore while it puts things in their places."""
        return self.root / ".restoring.json"

    @property
    def drill(self) -> Path:
        """What the last drill found."""
        return self.root / "state/drill.json"

    @property
    def last_backup(self) -> Path:
        """What came of the last try to make a backup."""
        return self.root / "state/backup.json"

    @property
    def health(self) -> Path:
        """The database of the watch: how everything stands. Beside ``state``, which the console never sees."""
        return self.root / "health/health.db"

    @property
    def provisioned(self) -> Path:
        """The digests of what the provisioning laid down, on an appliance."""
        return self.root / "config/provisioned.json"

    @property
    def blobs(self) -> Path:
        """The documents, stored by digest."""
        return self.root / "state/blobs"

    @property
    def cache(self) -> Path:
        """What can be made again at any time, such as typefaces taken out of collections."""
        return self.root / "cache"

    @property
    def trust(self) -> Path:
        """The public anchors: ``ca.pem``, ``chain.pem``, ``log.vkey``."""
        return self.root / "trust"

    @property
    def people(self) -> Path:
        """The software authenticators of the demonstration's people, mode 0700."""
        return self.root / "people"

    @property
    def logs(self) -> Path:
        """What the processes say, one file each, in development."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """The sockets of running processes."""
        return self.root / "run"

    @property
    def converter(self) -> Path:
        """The socket of the service that converts word processors' files, on an appliance."""
        return self.run / "convert.sock"

    @property
    def alarms(self) -> Path:
        """A file for each service that failed, on an appliance."""
        return self.run / "alarms"

    @property
    def pulses(self) -> Path:
        """The signs of life of the processes that answer people."""
        return self.run / "pulses"

    @property
    def served_port(self) -> Path:
        """The portal's port of the ``vermilion up`` that serves this home now; in development only."""
        return self.run / "port"

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


def write_private(path: Path, content: bytes) -> None:
    """Writes *content* to the new file *path*, mode 0600, on disk on return; never over an existing one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
