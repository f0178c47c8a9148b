"""Gunicorn's settings for ``vermilion-web``; the address is given on its command line, or by systemd's socket."""

import gc
import importlib
import os

from appliance.config import load
from appliance.heartbeats import Heartbeats
from appliance.home import Home
from webui.shared import serving
from webui.shared.rate_limits import shared_counts
from webui.shared.serving import *  # noqa: F403 - gunicorn reads them here
from webui.shared.worker import PageWorker

_home = Home.of(os.environ)
_settings = load(_home).web
_pulses = Heartbeats(_home.pulses)


class PortalWorker(PageWorker):
    """Its loop also shows the health monitor that it lives, and what it has counted."""

    https = _settings.public_url.startswith("https:")

    def notify(self) -> None:
        super().notify()
        _pulses.show("web")
        importlib.import_module("webui.portal.process").usage_of(_home).write()


worker_class = PortalWorker
workers = _settings.workers
threads = _settings.threads
worker_connections = 1000
backlog = 256
keepalive = 30
timeout = 120


def on_starting(server: object) -> None:  # type: ignore[no-redef]  # in place of what all have
    """Lets requests be repeated that an end cut off. Starts the confined processes, loads the pages' code and
    makes the memory for rate limits before the fork: the workers share all of it. The garbage collector rests
    meanwhile: to look at all that is loaded again and again takes a tenth of a second."""
    gc.disable()
    process = importlib.import_module("webui.portal.process")
    process.let_requests_be_repeated(_home)
    process.shared_confinement(_home.cache).start()
    shared_counts()
    serving.on_starting(server)
    gc.enable()
