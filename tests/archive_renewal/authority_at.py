"""``python -m tests.archive_renewal.authority_at FILE …``: the authority, with another clock.

FILE holds by how many seconds that clock is ahead of the machine's; it is read whenever the time is asked for.
The clock is believed when it is set forward, as one is that proves its time. Everything else is the real thing.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from hsm import cli
from hsm.time_source import ClockReading, DeclaredClock

_machine = DeclaredClock.read_clock


def main() -> None:
    """The rest of the command line is the command's."""
    ahead = Path(sys.argv.pop(1))

    def read(clock: DeclaredClock) -> ClockReading:
        reading = _machine(clock)
        return replace(reading, wall=reading.wall + int(ahead.read_text()) * 1_000_000)

    DeclaredClock.read_clock = read  # type: ignore[method-assign]  # the port, plugged in from outside
    DeclaredClock.steps_forward = True
    cli.main()


if __name__ == "__main__":
    main()
