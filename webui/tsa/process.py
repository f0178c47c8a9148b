"""The process ``vermilion-tsa``: what gunicorn loads in each of its workers, after the fork."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from appliance.home import Home
from appliance.maintenance import Maintenance
from appliance.store.database import Database
from appliance.timestamping import LoopTimestampService
from hsm.client import AuthorityClient


def create() -> Callable[[], LoopTimestampService]:
    """What opens the service of the home that the environment names; to be called in the serving loop."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    return lambda: _service(Home.of(os.environ))


def _service(home: Home) -> LoopTimestampService:
    database = Database(home.database)
    maintenance = Maintenance(database, lambda: datetime.now(UTC))
    return LoopTimestampService(
        database, AuthorityClient(home.authority_socket("tsa")), held=maintenance.under_way
    )
