"""The process ``vermilion-tsa``: what gunicorn loads in each of its workers, after the fork."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime

from appliance.home import Home
from appliance.logs import set_up_logging_at
from appliance.maintenance import Maintenance
from appliance.store.database import Database
from appliance.timestamping import LoopTimestampService, Refusals
from hsm.client import AuthorityClient


def create() -> Callable[[], LoopTimestampService]:
    """What opens the service of the home that the environment names; to be called in the serving loop."""
    home = Home.of(os.environ)
    set_up_logging_at(home, "vermilion-tsa")
    return lambda: _service(home)


def _service(home: Home) -> LoopTimestampService:
    database = Database(home.database)
    maintenance = Maintenance(database, lambda: datetime.now(UTC))
    return LoopTimestampService(
        database,
        AuthorityClient(home.authority_socket("tsa")),
        held=maintenance.under_way,
        refusals=Refusals(home.pulses),
    )
