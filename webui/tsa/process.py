"""The process ``vermilion-tsa``: what gunicorn loads in each of its workers, after the fork."""

from __future__ import annotations

import logging
import os
import sys

from appliance.home import Home
from appliance.store.database import Database
from appliance.timestamping import LoopTimestampService
from hsm.client import AuthorityClient
from webui.tsa.asgi import AsgiTimestamps


def create() -> AsgiTimestamps:
    """The application for the home that the environment names."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    return AsgiTimestamps(lambda: _service(Home.of(os.environ)))


def _service(home: Home) -> LoopTimestampService:
    return LoopTimestampService(Database(home.database), AuthorityClient(home.authority_socket("tsa")))
