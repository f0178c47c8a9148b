"""Gunicorn's settings for ``vermilion-console``; the address is on its command line, or systemd's socket."""

import os

from appliance.config import load
from appliance.home import Home
from webui.shared.serving import *  # noqa: F403 - gunicorn reads them here
from webui.shared.worker import PageWorker

_settings = load(Home.of(os.environ)).console


class ConsoleWorker(PageWorker):
    """The console's."""

    https = _settings.public_url.startswith("https:")


worker_class = ConsoleWorker
threads = _settings.threads
