"""A process that sends the codes that wait, as the scheduler does: ``python -m tests.guests.text_sender HOME``."""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.config import load
from appliance.home import Home
from appliance.jobs.__main__ import code_delivery
from appliance.wiring import open_appliance


def main() -> None:
    settings = load(Home(Path(sys.argv[1])))
    with open_appliance(settings, role="scheduler") as appliance:
        delivery = code_delivery(settings, appliance)
        assert delivery is not None
        delivery.recover_interrupted()
        delivery.deliver_due()


if __name__ == "__main__":
    main()
