"""``ROOT/releases/VERSION`` is a release, its commands in ``bin/``; ``ROOT/current`` is a link to one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import UpgradeRefused
from appliance.home import Home
from hsm.files import sync_directory

PATIENCE = 600.0
"""Seconds that one command of a release has; a migration may rebuild large tables."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """The newest schema that a release knows: of the database, and of the authority's store."""

    database: int
    authority: int


@dataclass(frozen=True, slots=True)
class Release:
    """One release, at ``path``."""

    path: Path

    @property
    def name(self) -> str:
        """Its version."""
        return self.path.name

    def run(self, home: Home, *arguments: str) -> str:
        """What its ``vermilion`` prints for *arguments*. Raises :class:`UpgradeRefused` when it refuses."""
        command = [str(self.path / "bin/vermilion"), *arguments]
        return run_command(command, {"VERMILION_HOME": str(home.root)})

    def schemas(self, home: Home) -> Schemas:
        """What it knows. Raises :class:`UpgradeRefused` when it does not even start."""
        try:
            values = json.loads(self.run(home, "release", "--json"))
            return Schemas(int(values["schema"]), int(values["authority_schema"]))
        except (ValueError, KeyError, TypeError) as error:
            raise UpgradeRefused("Release {name} does not say what it is.", name=self.name) from error


class Releases:
    """The directory *root*."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, name: str) -> Release:
        """The release *name*. Raises :class:`UpgradeRefused` when it is not there, or is no release."""
        path = self.root / "releases" / name
        if Path(name).name != name or not os.access(path / "bin/vermilion", os.X_OK):
            raise UpgradeRefused("There is no release {name} in {path}.", name=name, path=self.root / "releases")
        return Release(path)

    def current(self) -> Release:
        """The one that runs. Raises :class:`UpgradeRefused` when the link leads nowhere."""
        try:
            return self.get((self.root / "current").readlink().name)
        except OSError as error:
            raise UpgradeRefused("{path} is no link to a release.", path=self.root / "current") from error

    def switch(self, release: Release) -> None:
        """Makes *release* the current one, in one step; on disk on return."""
        fresh = self.root / ".current"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("releases") / release.name)
        fresh.rename(self.root / "current")
        sync_directory(self.root)


def run_command(command: list[str], more: Mapping[str, str]) -> str:
    """What *command* prints. Raises :class:`UpgradeRefused` with its last words when it fails."""
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR", "CREDENTIALS_DIRECTORY")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    try:
        done = subprocess.run(
            command, env={**environment, **more}, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UpgradeRefused("`{command}` failed: {why}", command=" ".join(command), why=error) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or [f"status {done.returncode}"]
        raise UpgradeRefused("`{command}` failed: {why}", command=" ".join(command), why=said[-1])
    return done.stdout
