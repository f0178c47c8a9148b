"""The process ``vermilion-console``: what gunicorn loads in its worker, after the fork."""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack

from appliance.administration import open_administration
from appliance.clock import utc_now
from appliance.config import load
from appliance.health import Observations
from appliance.home import Home
from appliance.logs import set_up_logging
from hsm.client import AuthorityClient
from webui.console.access import ConsoleParts
from webui.console.application import create_app
from webui.shared.headers import VisitorAddress

CONSOLE_KEY = "console.key"
PATIENCE = 3.0
"""Seconds that a page waits for the authority: it must say that there is no answer while people still look."""


def create() -> VisitorAddress:
    """The application for the home that the environment names; closed when the process ends."""
    settings = load(Home.of(os.environ)).of_run(os.environ)
    set_up_logging(settings.logs, "vermilion-console")
    stack = ExitStack()
    atexit.register(stack.close)
    observations = Observations(settings.home.health)
    stack.callback(observations.close)
    socket = settings.home.authority_socket("console")
    parts = ConsoleParts(
        settings=settings,
        administration=stack.enter_context(open_administration(settings, now=utc_now)),
        observations=observations,
        authority=stack.enter_context(AuthorityClient(socket, timeout=PATIENCE)),
        form_key=settings.home.secret(CONSOLE_KEY, os.environ),
        now=utc_now,
    )
    return VisitorAddress(create_app(parts))
