"""One run of the main job, shared: ``vermilion demo`` as a user starts it, in a home of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result

from tests.command import called, started


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What one run left: the home, the results, what it said."""

    home: Path
    out: Path
    said: str

    def vermilion(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs the command in this home, speaking English."""
        return started(self.home, *arguments)

    def called(self, *arguments: str | Path) -> Result:
        """The same in this process, for what does not depend on being a program."""
        return called(self.home, *arguments)


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    folder = tmp_path_factory.mktemp("demonstration")
    home, out = folder / "home", folder / "out"
    done = started(home, "demo", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    yield Demonstration(home, out, done.stdout)
