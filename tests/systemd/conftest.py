"""A machine's root directory with our units, systemd's own, and programs at the places that the units name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
KINDS = ("service", "socket", "timer", "target", "slice")


def unit_files() -> list[Path]:
    return sorted(path for kind in KINDS for path in UNITS.glob(f"*.{kind}"))


def programs() -> set[str]:
    """What the units start."""
    texts = (path.read_text(encoding="utf-8") for path in UNITS.glob("*.service"))
    return {program for text in texts for program in re.findall(r"^Exec\w+=[-+!]*(\S+)", text, re.MULTILINE)}


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("machine")
    ours = root / "etc/systemd/system"
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    ours.mkdir(parents=True)
    for path in unit_files():
        shutil.copy(path, ours)
    for folder in UNITS.glob("*.d"):
        shutil.copytree(folder, ours / folder.name)
    for program in programs():
        place = root / program.removeprefix("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("#!/bin/true\n")
        place.chmod(0o755)
    return root
