"""Gunicorn's settings for ``vermilion-console``; the address is on its command line, or systemd's socket."""

import gc
import os

from appliance.config import load
from appliance.home import Home
from hsm.process import ServiceManager
from webui.shared.worker import PageWorker

_manager = ServiceManager.taken_from(os.environ)
_settings = load(Home.of(os.environ)).console


class ConsoleWorker(PageWorker):
    """The console's."""

    https = _settings.public_url.startswith("https:")


worker_class = ConsoleWorker
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
