"""``ROOT/releases/VERSION`` is a release, its commands in ``bin/``; ``ROOT/current`` is a link to one.
``ROOT/upgrade.json`` says how far the last upgrade has come, on disk before each step is left: a run that was
killed goes on from there."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from appliance.errors import UpgradeRefused
from appliance.home import Home
from appliance.supervision import inherited
from hsm import files
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
        return self.path.name

    def run(self, home: Home, *arguments: str, patience: float = PATIENCE) -> str:
        """What its ``vermilion`` prints for *arguments*. Raises :class:`UpgradeRefused` when it refuses, or takes
        more than *patience* seconds."""
        command = [str(self.path / "bin/vermilion"), *arguments]
        return run_command(command, {"VERMILION_HOME": str(home.root)}, patience)

    def probe(self, home: Home, commands: Commands) -> None:
        """Raises :class:`UpgradeRefused` unless it serves within the seconds that *commands* gives it."""
        self.run(home, *commands.probe, patience=PATIENCE + commands.wait)

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


def name_release(home: Home, name: str) -> None:
    """*home* belongs to the release *name* from now on, on disk on return: another machine that mounts it starts
    that."""
    files.write_durably(home.release, f"{name}\n".encode(), mode=0o644)


def run_command(command: list[str], more: Mapping[str, str], patience: float = PATIENCE) -> str:
    """What *command* prints. Raises :class:`UpgradeRefused` with its last words when it fails."""
    environment = inherited(os.environ, "CREDENTIALS_DIRECTORY")
    try:
        done = subprocess.run(
            command, env={**environment, **more}, capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired as error:
        late = f"it did not end within {patience:.0f} s"
        raise UpgradeRefused("`{command}` failed: {why}", command=" ".join(command), why=late) from error
    except OSError as error:
        raise UpgradeRefused("`{command}` failed: {why}", command=" ".join(command), why=error) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or [f"status {done.returncode}"]
        raise UpgradeRefused("`{command}` failed: {why}", command=" ".join(command), why=said[-1])
    return done.stdout


@dataclass(frozen=True, slots=True)
class Commands:
    """How services are stopped and started, and a backup is made: command lines, none where nothing is to be done.

    Without ``backup`` the current release's own `vermilion backup create` makes it; ``wait`` is the seconds that a
    release has until it serves. Where the authority is ``attended``, people unlock it after every start: a release
    that waits for them serves, too.
    """

    stop: str = ""
    start: str = ""
    backup: str = ""
    wait: int = 60
    attended: bool = False

    @property
    def probe(self) -> tuple[str, ...]:
        """What a release that was started is asked: the arguments of its ``vermilion``."""
        return ("probe", "--wait", str(self.wait), *(["--attended"] if self.attended else []))

    def do(self, line: str, home: Home) -> None:
        """Runs one of them. Raises :class:`UpgradeRefused`."""
        if line:
            run_command(shlex.split(line), {"VERMILION_HOME": str(home.root)})


class UpgradeStep(StrEnum):
    """Named for what has been done."""

    BEGUN = "begun"
    BACKED_UP = "backed up"
    COPIED = "stopped, databases copied"
    MIGRATED = "migrated"
    SWITCHED = "switched"
    DONE = "done"
    TAKEN_BACK = "taken back"


UpgradeStepHook = Callable[[UpgradeStep], None]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From which release to which; ``entries`` is the length of the log when the databases were copied,
    ``migrates`` whether a schema changes."""

    before: str
    after: str
    step: UpgradeStep
    archive: str = ""
    entries: int = 0
    migrates: bool = False

    @classmethod
    def of(cls, values: dict[str, Any]) -> Upgrade:
        """What :func:`dataclasses.asdict` gave for it, out of JSON. Raises as its fields do."""
        return cls(**{**values, "step": UpgradeStep(values["step"])})

    def has(self, step: UpgradeStep) -> bool:
        return list(UpgradeStep).index(self.step) >= list(UpgradeStep).index(step)

    @property
    def is_open(self) -> bool:
        """Whether a run was interrupted that had changed something."""
        return self.step not in (UpgradeStep.BEGUN, UpgradeStep.DONE, UpgradeStep.TAKEN_BACK)


class UpgradeJournal:
    """``ROOT/upgrade.json``: the last upgrade."""

    def __init__(self, root: Path) -> None:
        self._path = root / "upgrade.json"

    def read_upgrade(self) -> Upgrade | None:
        """The last upgrade, open or not; None before the first."""
        try:
            values = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        return Upgrade.of(values)

    def last_to_go_back_from(self) -> Upgrade:
        """The last upgrade that changed something and was not taken back.

        Raises :class:`UpgradeRefused` when there is none.
        """
        last = self.read_upgrade()
        if last is None or last.step in (UpgradeStep.BEGUN, UpgradeStep.TAKEN_BACK):
            raise UpgradeRefused("There is no upgrade to go back from.")
        return last

    def write_upgrade(self, upgrade: Upgrade) -> Upgrade:
        """Keeps *upgrade*, on disk on return."""
        files.write_durably(self._path, json.dumps(asdict(upgrade)).encode(), mode=0o644)
        return upgrade

    def record_step(self, upgrade: Upgrade, step: UpgradeStep) -> Upgrade:
        """*upgrade*, one step on."""
        return self.write_upgrade(replace(upgrade, step=step))
