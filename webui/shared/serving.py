"""What gunicorn's settings of the portal, the console and the activation service have alike: each begins with
these, and sets again what is different there.
"""

import gc
import os

from hsm.process import ServiceManager

_manager = ServiceManager.taken_from(os.environ)

workers = 1
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
    """The garbage collector leaves alone what is loaded before the fork: parent and workers share its memory, and
    marking objects writes to them."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: object) -> None:
    """The application is loaded, so its state was found in order; gunicorn's own READY comes before that."""
    _manager.ready()
