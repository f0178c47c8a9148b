"""Running commands, with their last words when they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from tests.machine.failure import StepFailed

LONGEST = 1800.0
"""Seconds for any one command."""


def run(
    command: Sequence[str],
    *,
    check: bool = True,
    patience: float = LONGEST,
    within: str | None = None,
) -> str:
    """What *command* prints, errors included, in the order in which it came. Raises :class:`StepFailed`."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=patience,
            check=False,
            cwd=within,
        )
    except subprocess.TimeoutExpired as error:
        raise StepFailed(f"{command[0]} did not end within {patience:.0f} s") from error
    told = done.stdout.decode("utf-8", "replace")
    if check and done.returncode:
        words = "\n      ".join(told.strip().splitlines()[-12:])
        raise StepFailed(
            f"{' '.join(command)[-200:]} ended with {done.returncode}; its last words:\n      {words}"
        )
    return told
