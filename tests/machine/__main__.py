"""``make test-appliance``: a bare machine becomes an appliance, and is judged from outside.

    python -m tests.machine KEPT [STEP]...

KEPT is a folder for what the next run uses again. With STEPs only these are done, and what they need. The last
line has the figures; the status is 0 when every step passed or was left out for a reason that it says.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import tests.machine.steps  # noqa: F401  # registers them
from tests.machine import probe
from tests.machine.bed import Bed
from tests.machine.plan import STEPS, Outcome, chosen, perform, say


def main(kept: str, *names: str) -> int:
    """The exit status."""
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        say(f"test-appliance: no step {', '.join(unknown)}; there are: {' '.join(STEPS)}")
        return 2
    reason = probe.why_not()
    if reason:
        say(f"test-appliance: {reason}")
        return 0 if os.environ.get("WHERE_POSSIBLE") else 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("test-appliance: ended from outside"))
    began = time.monotonic()
    Path(kept).mkdir(parents=True, exist_ok=True)
    bed = Bed(Path(kept), Path(tempfile.mkdtemp(prefix="vermilion-machine-", dir=kept)))
    try:
        outcome = perform(chosen(names), bed, seconds=60 * float(os.environ.get("MINUTES", "inf")))
    finally:
        bed.close()
    say(_figures(outcome, bed, time.monotonic() - began))
    return 1 if outcome.failed else 0


def _figures(outcome: Outcome, bed: Bed, seconds: float) -> str:
    parts = [f"{len(outcome.passed)} steps passed, {len(outcome.failed)} failed"]
    if outcome.failed:
        parts.append(f"({', '.join(outcome.failed)})")
    if outcome.left_out:
        parts.append(f"; left out: {', '.join(outcome.left_out)}")
    first = (
        f"; bare metal to first signed contract: {bed.to_first_contract:.0f} s" if bed.to_first_contract else ""
    )
    return f"test-appliance: {' '.join(parts)}{first}; all in {seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
