"""Gunicorn's settings for ``vermilion-web``; the address is given on its command line."""

import os

from appliance.config import load
from appliance.home import Home

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
