"""The command ``vermilion``, speaking English: as a program, and called in the process of the tests.

A start of the program takes most of a second, and one of its confined processes as long. Each verb is started once
as people start it; what else depends on its arguments and files alone is called.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from appliance.cli import main
from appliance.confinement.pool import Confinement
from tests.world import shared_confinement


def started(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What the program did with *arguments*."""
    command = [sys.executable, "-m", "appliance.cli", "--home", str(home), *map(str, arguments)]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


def called(home: Path, *arguments: str | Path) -> Result:
    """The same without a process of its own, and with the confined processes that all tests share. Raises what it
    lets out, which people would see as a traceback."""
    runner, enter = CliRunner(env={"LC_ALL": "C.UTF-8"}), Confinement.__enter__

    def entered(own: Confinement) -> Confinement:
        shared = shared_confinement()
        return shared if own._jobs <= shared._jobs else enter(own)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Confinement, "__enter__", entered)
        return runner.invoke(main, ["--home", str(home), *map(str, arguments)], catch_exceptions=False)
