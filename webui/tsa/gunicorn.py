"""Gunicorn's settings for ``vermilion-tsa``; the address is given on its command line, or by systemd's socket.

An event loop in each worker instead of threads: half-open connections cost nothing but a socket, and HTTP is
read by a parser in C (docs/decisions/0008-event-loop-for-timestamps.md). One worker keeps the authority's workers
busy; with more, whichever accepts first would have most connections.
"""

import gc
import os

from hsm.process import ServiceManager

manager = ServiceManager.taken_from(os.environ)
"""The worker tells it READY; gunicorn's own READY would come before anything is loaded."""

worker_class = "webui.tsa.process.TimestampWorker"
workers = 1
worker_connections = 2000
backlog = 512
timeout = 60
graceful_timeout = 10
control_socket_disable = True
preload_app = False


def on_starting(server: object) -> None:
    """The worker's code is loaded, so the collector leaves it alone: parent and worker share its memory."""
    gc.collect()
    gc.freeze()
