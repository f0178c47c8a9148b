"""How far an upgrade has come, on disk before each step is left: a run that was killed goes on from there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from hsm import files


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


def no_hook(step: UpgradeStep) -> None:
    """Go on."""


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

    def has(self, step: UpgradeStep) -> bool:
        """Whether *step* was done."""
        return list(UpgradeStep).index(self.step) >= list(UpgradeStep).index(step)

    @property
    def is_open(self) -> bool:
        """Whether a run was interrupted."""
        return self.step not in (UpgradeStep.DONE, UpgradeStep.TAKEN_BACK)


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
        return Upgrade(**{**values, "step": UpgradeStep(values["step"])})

    def write_upgrade(self, upgrade: Upgrade) -> Upgrade:
        """Keeps *upgrade*, on disk on return."""
        names = ("before", "after", "step", "archive", "entries", "migrates")
        content = {name: getattr(upgrade, name) for name in names}
        files.write_durably(self._path, json.dumps(content).encode(), mode=0o644)
        return upgrade

    def record_step(self, upgrade: Upgrade, step: UpgradeStep) -> Upgrade:
        """*upgrade*, one step on."""
        return self.write_upgrade(replace(upgrade, step=step))
