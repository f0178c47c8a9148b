"""``make test-ha``: two machines become one appliance, and go on when one of them fails.

    python -m tests.ha KEPT [ROUNDS]

KEPT is a folder for what the next run uses again. ``EVENTS="power-active rings"`` in the environment: rounds of
these alone; ``OPERATIONS="switch replace"``: after the rounds, what an operator does by playbooks. The last line
has the figures; the status is 0 when nothing failed.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.ha import probe, rounds
from tests.ha.events import EVENTS
from tests.ha.operations import OPERATIONS, judged
from tests.ha.pair import Pair
from tests.ha.steps import STEPS
from tests.machine.plan import perform, say


def main(kept: str, count: str = "20") -> int:
    """The exit status."""
    names, operations = os.environ.get("EVENTS", ""), os.environ.get("OPERATIONS", "").split()
    for kind, wanted, known in (("event", names.split(), EVENTS), ("operation", operations, OPERATIONS)):
        if unknown := set(wanted) - set(known):
            say(f"test-ha: no {kind} {', '.join(sorted(unknown))}; there are: {' '.join(known)}")
            return 2
    reason = probe.why_not()
    if reason:
        say(f"test-ha: {reason}")
        return 0 if os.environ.get("WHERE_POSSIBLE") else 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("test-ha: ended from outside"))
    Path(kept).mkdir(parents=True, exist_ok=True)
    began, pair = time.monotonic(), Pair(Path(kept), Path(tempfile.mkdtemp(prefix="vermilion-ha-", dir=kept)))
    try:
        outcome = perform(STEPS, pair)
        if outcome.failed:
            say(f"test-ha: failed: {', '.join(outcome.failed)}")
        done = rounds.all_rounds(pair, int(count) if STEPS[-1].name in outcome.passed else 0, names)
        if operations and not outcome.failed and not done.failed:
            outcome.failed += perform([judged(OPERATIONS[each]) for each in operations], pair).failed
        if not outcome.failed and pair.verdict is not None and pair.verdict.forks():
            outcome.failed.append("one log")  # what came up after the last of them was judged
        say(f"test-ha: {done.remarks()}; all in {time.monotonic() - began:.0f} s")
        say(done.last_line())
        if os.environ.get("STAY"):  # for whoever wants to look at what failed
            say(f"test-ha: the house stays until this is ended: {pair.folder}")
            time.sleep(1e6)
    finally:
        pair.close()
    return 1 if outcome.failed or done.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
