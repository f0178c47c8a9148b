"""What the last drill found, kept for whoever asks how everything stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from appliance.home import Home
from appliance.sharing import file_mode
from hsm import files


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
    fields = {name: getattr(result, name) for name in ("archive", "size", "documents", "contracts", "template")}
    content = {**fields, "values": result.values or {}, "at": int(result.at.timestamp())}
    files.write_durably(home.drill, json.dumps(content, ensure_ascii=False).encode(), mode=file_mode(home.state))


def last_drill_result(home: Home) -> DrillResult | None:
    """What the last drill found; None before the first."""
    try:
        values = json.loads(home.drill.read_bytes())
        return DrillResult(**{**values, "at": datetime.fromtimestamp(values["at"], UTC)})
    except (OSError, ValueError, TypeError, KeyError):
        return None
