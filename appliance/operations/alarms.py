"""Services that failed and whose alarm no operator has taken back yet (``systemd/vermilion-alarm@.service``)."""

from __future__ import annotations

from pathlib import Path

from appliance.operations.finding import Finding

OURSELVES = "vermilion-diagnose.service"
"""Its failure only says what the other findings say."""


def alarms(folder: Path) -> list[Finding]:
    """One finding for each alarm in *folder*, a file named like the unit, with time and result in its one line."""
    raised = [path for path in sorted(folder.glob("*")) if path.name != OURSELVES]
    return [_raised(path) for path in raised] or [Finding("alarms", True, "No service has failed.")]


def _raised(path: Path) -> Finding:
    when, _, result = path.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
    return Finding(
        "alarms",
        False,
        "{unit} failed at {when} ({result}). See `journalctl -u {unit}`; when it is dealt with, remove {path}.",
        {"unit": path.name, "when": when, "result": result, "path": path},
    )
