"""The process ``vermilion-web``: what gunicorn loads in each of its workers, after the fork."""

from __future__ import annotations

import atexit
import os
from collections.abc import MutableMapping
from contextlib import ExitStack
from typing import Any

from flask import Flask

from appliance.config import Settings, load
from appliance.home import Home
from appliance.ledger import LogAnswers, Tiles
from appliance.logs import set_up_logging
from appliance.maintenance import Maintenance
from appliance.store.database import Database
from appliance.timestamping import LoopTimestampService, Refusals
from appliance.verification import report
from appliance.wiring import Appliance, open_appliance, utc_now
from hsm.client import AuthorityClient
from webui.portal import uploads
from webui.portal.application import create_app
from webui.portal.bridge import Bridge, Receive, Send, is_path
from webui.portal.parts import PortalParts
from webui.tsa.asgi import AsgiTimestamps

TIMESTAMPS = "/tsa"


class Portal:
    """The portal's ASGI callable: ``/tsa`` is the timestamp service's, all else is Flask's."""

    def __init__(self, pages: Bridge, timestamps: AsgiTimestamps) -> None:
        self._pages = pages
        self._timestamps = timestamps

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] != "http":
            await self._timestamps(scope, receive, send)
        elif is_path(scope, TIMESTAMPS):
            await self._timestamps.serve(scope, receive, send)
        else:
            await self._pages.serve(scope, receive, send)


def create() -> Portal:
    """The application for the home that the environment names; closed when the process ends."""
    settings = load(Home.of(os.environ)).of_run(os.environ)
    set_up_logging(settings.logs, "vermilion-web")
    stack = ExitStack()
    atexit.register(stack.close)
    pages = _pages(settings, stack.enter_context(open_appliance(settings, role="web")))
    bridge = Bridge(pages, threads=settings.web.threads, room=uploads.BodyLimit(pages))
    return Portal(bridge, AsgiTimestamps(lambda: _timestamps(settings.home)))


def _pages(settings: Settings, appliance: Appliance) -> Flask:
    return create_app(
        PortalParts(
            appliance=appliance,
            log=LogAnswers(appliance.proofs, Tiles(appliance.database)),
            form_key=settings.home.secret("web.key", os.environ),
            reports=report,
        )
    )


def _timestamps(home: Home) -> LoopTimestampService:
    database = Database(home.database)
    maintenance = Maintenance(database, utc_now)
    return LoopTimestampService(
        database,
        AuthorityClient(home.authority_socket("tsa")),
        held=maintenance.under_way,
        refusals=Refusals(home.pulses),
    )
