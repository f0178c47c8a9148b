"""Gunicorn's settings for ``vermilion-activation``; the address is on its command line, or systemd's socket."""

import os

from appliance.config import load
from appliance.heartbeats import Heartbeats
from appliance.home import Home
from webui.shared.serving import *  # noqa: F403 - gunicorn reads them here
from webui.shared.worker import PageWorker

_home = Home.of(os.environ)
_settings = load(_home).activation
_pulses = Heartbeats(_home.activation_pulses)


class ActivationWorker(PageWorker):
    """Its loop also shows the health monitor that it lives."""

    https = _settings.public_url.startswith("https:")

    def notify(self) -> None:
        """The loop turns."""
        super().notify()
        _pulses.show("activation")


worker_class = ActivationWorker
threads = _settings.threads
