"""Gunicorn's settings for ``vermilion-activation``; the address is on its command line, or systemd's socket."""

import gc
import os

from appliance.config import load
from appliance.heartbeats import Heartbeats
from appliance.home import Home
from hsm.process import ServiceManager
from webui.shared.worker import PageWorker

_manager = ServiceManager.taken_from(os.environ)
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
workers = 1
threads = _settings.threads
backlog = 64
keepalive = 5
timeout = 60
graceful_timeout = 10
control_socket_disable = True
limit_request_line = 4094
limit_request_fields = 64
forwarder_headers = ""  # no header moves the application to another path
preload_app = False


def on_starting(server: object) -> None:
    """The collector leaves alone what is loaded before the fork: parent and worker share its memory."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: object) -> None:
    """The application is loaded, so its state was found in order; gunicorn's own READY comes before that."""
    _manager.ready()
