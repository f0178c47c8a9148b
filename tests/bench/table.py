"""The figures as a table for people and as JSON for comparisons between releases."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.measure import Figure

LIBRARIES = ("cryptography", "python-pkcs11", "pyhanko", "gunicorn", "flask", "pysqlite3", "pypdfium2")


def machine() -> dict[str, Any]:
    """What the figures were measured on; they mean nothing without it."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "system_sqlite": sqlite3.sqlite_version,
        "openssl": subprocess.run(
            ["openssl", "version"], capture_output=True, text=True, check=False
        ).stdout.strip(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def write(figures: Sequence[Figure], folder: Path) -> None:
    """Write ``results.json`` and ``results.md`` into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    where = machine()
    content = {"machine": where, "figures": [figure.to_json() for figure in figures]}
    (folder / "results.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    (folder / "results.md").write_text(as_markdown(figures, where))


def as_markdown(figures: Sequence[Figure], where: dict[str, Any]) -> str:
    """The table with floors beside our figures; ``ratio`` is ours over the floor (inverted for durations)."""
    lines = [
        "# Measured",
        "",
        f"{where['processor']}, {where['cores']} cores, kernel {where['kernel']}, Python {where['python']}, "
        f"{where['openssl']}; {where['measured_at']}. Medians; `make bench` measures it again.",
        "",
        "| work | ours | target | floor | ratio | met |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
        *(_row(figure) for figure in figures),
        "",
    ]
    return "\n".join(lines)


def _row(figure: Figure) -> str:
    met = {True: "yes", False: "**no**", None: ""}[figure.met()]
    sign = "≤" if figure.smaller_is_better else "≥"
    target = "" if figure.target is None else f"{sign} {_number(figure.target)}"
    floor = "" if figure.floor is None else f"{_number(figure.floor)} ({figure.floor_of})"
    notes = [figure.note] if figure.note else []
    notes += [f"{size}: {_number(value)}" for size, value in figure.growth.items()]
    work = figure.work + (f" — {'; '.join(notes)}" if notes else "")
    return f"| {work} | {_number(figure.value)} {figure.unit} | {target} | {floor} | {_ratio(figure)} | {met} |"


def _ratio(figure: Figure) -> str:
    if not figure.floor or not figure.value:
        return ""
    ratio = figure.floor / figure.value if figure.smaller_is_better else figure.value / figure.floor
    return f"{ratio:.2f}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
