"""One run of the main job, shared: ``vermilion demo`` as a user starts it, in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What one run left: the home, the results, what it said."""

    home: Path
    out: Path
    said: str

    def vermilion(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs the command in this home, speaking English."""
        return vermilion(self.home, *arguments)


def vermilion(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance.cli", "--home", str(home), *map(str, arguments)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    folder = tmp_path_factory.mktemp("demonstration")
    home, out = folder / "home", folder / "out"
    done = vermilion(home, "demo", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    yield Demonstration(home, out, done.stdout)
