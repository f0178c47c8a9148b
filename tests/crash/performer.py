"""A process that takes one act through its steps and kills itself at a named point.

Run as ``python -m tests.crash.performer HOME ACT CONTRACT PARTY WAYPOINT``. Each act that was acknowledged, which
means that the call returned, is printed as a line at once; whatever is printed must be there afterwards.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from appliance.config import load
from appliance.contracts.waypoints import Waypoint
from appliance.home import Home
from appliance.wiring import Appliance, open_appliance
from tests.world import activations_for


def main(home: str, act: str, contract: str, party: str, waypoint: str) -> None:
    def passing(reached: Waypoint) -> None:
        if reached.name == waypoint:
            os.kill(os.getpid(), signal.SIGKILL)

    with open_appliance(load(Home(Path(home))), role="web", passing=passing) as appliance:
        appliance.workshop.text(appliance.contracts.document(appliance.contracts.get(contract)))  # warm
        acknowledge("ready")
        if act == "sign":
            sign(appliance, contract, party)
        else:
            appliance.sealing.seal_off(contract)
            acknowledge("sealed")


def sign(appliance: Appliance, contract: str, party: str) -> None:
    prepared = appliance.cycle.prepare(contract, party)
    acknowledge("prepared")
    appliance.cycle.sign(prepared.id, activations_for(appliance, prepared.act))
    acknowledge("signed")
    appliance.cycle.complete(prepared.id)
    acknowledge("completed")


def acknowledge(act: str) -> None:
    sys.stdout.write(f"{act}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
