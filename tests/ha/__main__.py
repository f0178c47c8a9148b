"""``make test-ha``: two machines become one appliance, and go on when one of them fails."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.ha.pair import Pair
from tests.ha.steps import STEPS
from tests.machine.plan import perform, say


def main(kept: str, *names: str) -> int:
    """The exit status."""
    Path(kept).mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("test-ha: ended from outside"))
    pair = Pair(Path(kept), Path(tempfile.mkdtemp(prefix="vermilion-ha-", dir=kept)))
    try:
        outcome = perform([each for each in STEPS if not names or each.name in names], pair)
        if os.environ.get("STAY"):
            say(f"stays in {pair.folder}")
            time.sleep(1e6)
    finally:
        pair.close()
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
