"""``python -m tests.batches.rounds HOME KILLS SEED [PART LONGEST]``: the rounds of the scheduler over batches of
contracts, or another PART of the appliance, in a process that is killed (-9) so many times at random moments,
after LONGEST seconds at the latest, and goes on each time; the last one ends by itself.

What is killed is a fork of one that has the appliance open, which is quicker than to start anew.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from appliance.config import load
from appliance.home import Home
from appliance.wiring import Appliance, open_appliance

LONGEST = 1.5
"""Seconds after which a process is killed at the latest."""


def main(root: str, kills: str, seed: str, part: str = "merge_rounds", longest: str = f"{LONGEST}") -> int:
    chance, died = random.Random(int(seed)), 0  # noqa: S311 -- no secret
    with open_appliance(load(Home(Path(root)))) as appliance:
        appliance.confinement.start()
        while died < int(kills):
            child = _forked(appliance, part)
            time.sleep(chance.uniform(0.05, float(longest)))
            os.kill(child, signal.SIGKILL)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:  # it was done already
                break
            died += 1
        last = os.waitstatus_to_exitcode(os.waitpid(_forked(appliance, part), 0)[1])
    sys.stdout.write(f"{died}\n")
    return last


def _forked(appliance: Appliance, part: str) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            while getattr(appliance, part).run_round():
                pass
            status = 0
        finally:
            os._exit(status)
    return child


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
