"""Gunicorn's settings for ``vermilion-web``; the address is given on its command line, or by systemd's socket."""

import gc
import importlib
import os

from appliance.config import load
from appliance.confinement.immortal import immortalise
from appliance.home import Home
from hsm.service_manager import ServiceManager

_manager = ServiceManager.taken_from(os.environ)

worker_class = "webui.portal.worker.Worker"
workers = load(Home.of(os.environ)).web.workers
asgi_loop = "asyncio"
http_parser = "python"
asgi_lifespan = "on"
worker_connections = 1000
backlog = 256
keepalive = 30
timeout = 120
graceful_timeout = 10
control_socket_disable = True
limit_request_line = 4094
limit_request_fields = 64
preload_app = False


def on_starting(server: object) -> None:
    """Loads the pages' code before the fork, and makes it immortal: counting references would copy all of it into
    each worker. Two workers then take 130 MB, parent included, instead of 194."""
    importlib.import_module("webui.portal.process")
    gc.collect()
    immortalise()
    gc.freeze()


def post_worker_init(worker: object) -> None:
    """The application is loaded, so its state was found in order; gunicorn's own READY comes before that."""
    _manager.ready()
