"""What came of the last backup and of the last drill, kept for whoever asks how everything stands and may not look
at the archives."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from appliance.sharing import file_mode
from hsm import files
from hsm.errors import RefusalError


@dataclass(frozen=True, slots=True)
class BackupOutcome:
    """The try at ``at`` (aware) to make ``archive``, or why it failed: ``template`` with its values."""

    archive: str
    at: datetime
    template: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return not self.template

    @classmethod
    def from_error(cls, archive: str, at: datetime, error: RefusalError) -> Self:
        return cls(archive, at, error.template, error.plain_values())

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What is kept in the file *path* of a home; None before the first try."""
        try:
            values = json.loads(path.read_bytes())
            return cls(**{**values, "at": datetime.fromtimestamp(values["at"], UTC)})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def save(self, path: Path) -> None:
        """Replaces what is kept there; on disk on return."""
        content = json.dumps({**asdict(self), "at": int(self.at.timestamp())}, ensure_ascii=False)
        files.write_durably(path, content.encode(), mode=file_mode(path.parent))


@dataclass(frozen=True, slots=True)
class DrillResult(BackupOutcome):
    """What the drill at ``at`` found in ``archive``: ``size`` is the log's, ``documents`` were decrypted,
    ``contracts`` verified."""

    size: int = 0
    documents: int = 0
    contracts: int = 0
