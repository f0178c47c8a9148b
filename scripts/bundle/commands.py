"""Running the tools that do the work, with their words in the refusal when they fail."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.bundle.errors import BundleFailed


def run(
    command: Sequence[str], *, within: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """What *command* prints. Raises :class:`BundleFailed` with its last words."""
    try:
        done = subprocess.run(command, cwd=within, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BundleFailed(f"{command[0]} is missing; `scripts/setup bundle` installs it.") from error
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise BundleFailed(f"{command[0]} failed ({done.returncode}); its last words: {words}")
    return done.stdout
