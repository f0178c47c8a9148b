"""``make test-takeover``: the rows of the security model, in development and by the users of a booted machine.

    python -m tests.takeover KEPT

KEPT is the folder of ``tests.machine``. Where no machine can be booted it says so, and development counts alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence

_COUNT = re.compile(r"takeover: (\d+) of (\d+) rows guaranteed")


def main(kept: str) -> int:
    """The exit status: 0 when every row is guaranteed in each place where it was tried."""
    development = _run((sys.executable, "-m", "pytest", "-m", "", "tests/takeover"))
    machine = _run((sys.executable, "-m", "tests.machine", kept, "takeover"), WHERE_POSSIBLE="1")
    _say(f"in development: {_words(development)}; by the users of a booted machine: {_words(machine)}")
    counts = [each for each in (development, machine) if each[1] is not None]
    rows = max((each[1][1] for each in counts if each[1]), default=0)
    _say(f"takeover: {min((each[1][0] for each in counts if each[1]), default=0)} of {rows} rows guaranteed")
    return development[0] or machine[0]


Outcome = tuple[int, tuple[int, int] | None]
"""The exit status, and how many rows are guaranteed of how many; None where none was tried."""


def _run(command: Sequence[str], **more: str) -> Outcome:
    """Shows what *command* prints, as it comes."""
    count = None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **more}) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if found := _COUNT.search(line):
                count = int(found[1]), int(found[2])
    return process.returncode, count


def _words(outcome: Outcome) -> str:
    status, count = outcome
    if count is None:
        return "failed before it was tried" if status else "left out"
    return f"{count[0]} of {count[1]}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
