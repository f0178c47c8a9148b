"""How far an upgrade has come, on disk before each step is left: a run that was killed goes on from there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from hsm import files


class Step(StrEnum):
    """Named for what has been done."""

    BEGUN = "begun"
    BACKED_UP = "backed up"
    COPIED = "stopped, databases copied"
    MIGRATED = "migrated"
    SWITCHED = "switched"
    DONE = "done"
    TAKEN_BACK = "taken back"


Passing = Callable[[Step], None]


def pass_by(step: Step) -> None:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From which release to which; ``entries`` is the length of the log when the databases were copied,
    ``migrates`` whether a schema changes."""

    before: str
    after: str
    step: Step
    archive: str = ""
    entries: int = 0
    migrates: bool = False

    def has(self, step: Step) -> bool:
        """Whether *step* was done."""
        return list(Step).index(self.step) >= list(Step).index(step)

    @property
    def is_open(self) -> bool:
        """Whether a run was interrupted."""
        return self.step not in (Step.DONE, Step.TAKEN_BACK)


class Journal:
    """``ROOT/upgrade.json``: the last upgrade."""

    def __init__(self, root: Path) -> None:
        self._path = root / "upgrade.json"

    def read(self) -> Upgrade | None:
        """The last upgrade, open or not; None before the first."""
        try:
            values = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        return Upgrade(**{**values, "step": Step(values["step"])})

    def write(self, upgrade: Upgrade) -> Upgrade:
        """Keeps *upgrade*, on disk on return."""
        names = ("before", "after", "step", "archive", "entries", "migrates")
        content = {name: getattr(upgrade, name) for name in names}
        files.write(self._path, json.dumps(content).encode(), mode=0o644)
        return upgrade

    def step(self, upgrade: Upgrade, step: Step) -> Upgrade:
        """*upgrade*, one step on."""
        return self.write(replace(upgrade, step=step))
