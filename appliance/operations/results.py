"""What came of the last backup and of the last drill, kept for whoever asks how everything stands and may not look
at the archives."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from appliance.home import Home
from appliance.sharing import file_mode
from hsm import files
from hsm.errors import RefusalError


@dataclass(frozen=True, slots=True)
class BackupOutcome:
    """The try at ``at`` (aware) made ``archive``, or failed: ``template`` with its values says why."""

    at: datetime
    archive: str = ""
    template: str = ""
    values: dict[str, Any] | None = None

    @property
    def made(self) -> bool:
        """Whether there is a new archive."""
        return not self.template

    @classmethod
    def from_error(cls, at: datetime, error: RefusalError) -> BackupOutcome:
        """A try that ended with *error*."""
        values = {name: value if isinstance(value, int) else str(value) for name, value in error.values.items()}
        return cls(at, template=error.template, values=values)


def save_backup_outcome(home: Home, outcome: BackupOutcome) -> None:
    """Replaces what was kept; on disk on return."""
    _save(home, home.last_backup, outcome)


def last_backup_outcome(home: Home) -> BackupOutcome | None:
    """What came of the last try; None before the first."""
    return _load(BackupOutcome, home.last_backup)


@dataclass(frozen=True, slots=True)
class DrillResult:
    """What the last drill found at ``at`` (aware): ``template`` with its values is what was wrong, or empty.

    ``size`` is the log's, ``documents`` were decrypted, ``contracts`` verified."""

    archive: str
    at: datetime
    size: int = 0
    documents: int = 0
    contracts: int = 0
    template: str = ""
    values: dict[str, Any] | None = None

    @property
    def passed(self) -> bool:
        """Whether the backup can be relied on."""
        return not self.template


def save_drill_result(home: Home, result: DrillResult) -> None:
    """Replaces what was kept; on disk on return."""
    _save(home, home.drill, result)


def last_drill_result(home: Home) -> DrillResult | None:
    """What the last drill found; None before the first."""
    return _load(DrillResult, home.drill)


R = TypeVar("R", BackupOutcome, DrillResult)


def _save(home: Home, path: Path, result: BackupOutcome | DrillResult) -> None:
    content = {**asdict(result), "values": result.values or {}, "at": int(result.at.timestamp())}
    files.write_durably(path, json.dumps(content, ensure_ascii=False).encode(), mode=file_mode(home.state))


def _load(kind: type[R], path: Path) -> R | None:
    try:
        values = json.loads(path.read_bytes())
        return kind(**{**values, "at": datetime.fromtimestamp(values["at"], UTC)})
    except (OSError, ValueError, TypeError, KeyError):
        return None
