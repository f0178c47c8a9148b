"""``python -m tests.api MINUTES [SEED]``: any requests, to one operation and one after another, for so long. Each
round of five minutes has another seed, a process and a world of its own, so that neither memory nor the database
grows without end."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from typing import Final

import pytest

ROUND: Final = 300
"""Seconds."""


def main(minutes: str = "60", seed: str = "") -> int:
    """Exit status 0 when nothing failed. With *seed* the first round begins with that seed: it sends the same to
    each operation, but which links it follows is left to chance."""
    end = time.monotonic() + float(minutes) * 60
    failed, number = [], int(seed) if seed else secrets.randbelow(1_000_000_000)
    while (left := end - time.monotonic()) > 0:
        sys.stdout.write(f"SEED={number}, {left / 60:.0f} minutes left\n")
        sys.stdout.flush()
        seconds = str(max(1, min(ROUND, round(left))))
        asked = ["-q", "-rP", "-p", "no:cacheprovider", "tests/api/test_any_request.py", "-k", "test_everything"]
        environment = {**os.environ, "API_SECONDS": seconds, "API_SEED": str(number)}
        done = subprocess.run([sys.executable, "-m", "pytest", *asked], env=environment, check=False)
        failed += [number] if done.returncode else []
        if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            break  # it could not even begin
        number += 1
    sys.stdout.write(f"failed: {', '.join(f'SEED={each}' for each in failed) or 'nothing'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
