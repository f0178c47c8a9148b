"""The daemon with a clock that a test sets (the port ``hsm.time_source.Clock``), all else as it is served.

Run as ``python -m tests.conformance.clocked``; the file ``clock.json`` in the home says how far the wall clock is
from the machine's, and whether NTP vouches for it; or that the kernel is asked, for an accuracy that no clock has.
It is read anew with each look, so no restart is needed. Signals set the wall clock of workers that start
afterwards, past this port (:mod:`tests.conformance.boot_clock`).
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hsm.errors import Sentence
from hsm.time_source import ClockReading, DeclaredClock, KernelClock
from tests.authority import RunningAuthority, end, running_authority, start, wait_until_unlocked
from tests.conformance.boot_clock import shift_on_signals

_FILE = "clock.json"


class SetClock:
    """As the kernel's under NTP: forward steps are believed, because who makes them proves the new time."""

    source = "kernel"
    steps_forward = True

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_clock(self) -> ClockReading:
        said = json.loads(self._path.read_text())
        if said.get("kernel"):
            return KernelClock(timedelta()).read_clock()
        now = DeclaredClock().read_clock()
        proven = bool(said["proven"])
        return ClockReading(
            now.wall + said["ahead"], now.boot, proven, Sentence("Synchronised." if proven else "Not.")
        )


@dataclass(frozen=True, slots=True)
class ClockedAuthority:
    """A running authority, and the hands of its clock."""

    authority: RunningAuthority

    def set_clock(self, *, ahead: timedelta = timedelta(), proven: bool = True) -> None:
        """Moves the wall clock to *ahead* of the machine's, at once and for all workers."""
        _write(self.authority.root, ahead, proven)

    def kill_and_start(self) -> None:
        """As after a power cut."""
        self.authority.process.kill()
        self.authority.process.wait()
        wait_until_unlocked(self.authority.root)
        self.authority.process = start(self.authority.root, module=__name__)


@contextmanager
def clocked_authority() -> Iterator[ClockedAuthority]:
    """A fresh home whose authority's clock is right, and proven, until a test sets it."""
    with running_authority() as running:
        end(running.process)
        _write(running.root, timedelta(), proven=True)
        running.process = start(running.root, module=__name__)
        yield ClockedAuthority(running)


def _write(root: Path, ahead: timedelta, proven: bool) -> None:
    new = root / "clock.new"
    new.write_text(json.dumps({"ahead": ahead // timedelta(microseconds=1), "proven": proven}))
    new.replace(root / _FILE)


def _serve() -> None:
    from hsm import cli, daemon  # noqa: PLC0415 - in the daemon alone

    def serve_clocked(*arguments: object) -> None:
        # In the child, after the fork, as the daemon itself does it: PKCS#11 must not be loaded in the parent.
        from hsm.operations import context  # noqa: PLC0415 - see above

        context.clock_of = lambda _settings: SetClock(Path(os.environ["VERMILION_HOME"]) / _FILE)
        served(*arguments)

    served, daemon._serve = daemon._serve, serve_clocked
    shift_on_signals()
    sys.argv = ["vermilion-authority", "serve"]
    cli.main()


if __name__ == "__main__":
    _serve()
