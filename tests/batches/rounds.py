"""``python -m tests.batches.rounds HOME ORGANISATION KILLS SEED``: the rounds of the scheduler, in a process that
is killed (-9) so many times at random moments, and goes on each time; the last one ends by itself.

What is killed is a fork of one that has the appliance open, which is quicker than to start anew. Clients of the
API reach the ORGANISATION.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from appliance.acting_client import ClientReach
from appliance.config import load
from appliance.home import Home
from appliance.wiring import Appliance, open_appliance
from appliance.writing import MergeRounds

LONGEST = 1.5
"""Seconds after which a process is killed at the latest."""


def rounds_of(appliance: Appliance, organisation: str) -> MergeRounds:
    """Those of an appliance where each client reaches *organisation*."""
    return MergeRounds(
        appliance.database,
        appliance.writing.templates,
        (appliance.drafting, appliance.sending),
        appliance.now,
        lambda client: ClientReach(client, frozenset({organisation})),
    )


def main(root: str, organisation: str, kills: str, seed: str) -> int:
    chance, died = random.Random(int(seed)), 0  # noqa: S311 -- no secret
    with open_appliance(load(Home(Path(root)))) as appliance:
        appliance.confinement.start()
        while died < int(kills):
            child = _forked(appliance, organisation)
            time.sleep(chance.uniform(0.05, LONGEST))
            os.kill(child, signal.SIGKILL)
            if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:  # it was done already
                break
            died += 1
        last = os.waitstatus_to_exitcode(os.waitpid(_forked(appliance, organisation), 0)[1])
    sys.stdout.write(f"{died}\n")
    return last


def _forked(appliance: Appliance, organisation: str) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            rounds = rounds_of(appliance, organisation)
            while rounds.run_round():
                pass
            status = 0
        finally:
            os._exit(status)
    return child


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
