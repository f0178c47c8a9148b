"""Gunicorn's settings for ``vermilion-tsa``; the address is given on its command line.

An event loop in each worker instead of threads: half-open connections cost nothing but a socket, and a request
needs less than half of a thread pool's processor time (docs/decisions/0008-event-loop-for-timestamps.md). One
worker keeps the authority's workers busy; with more, whichever accepts first would have most connections.
"""

worker_class = "webui.tsa.worker.Worker"
workers = 1
asgi_loop = "asyncio"
http_parser = "python"
asgi_lifespan = "on"
worker_connections = 2000
backlog = 512
keepalive = 75
timeout = 60
graceful_timeout = 10
control_socket_disable = True
limit_request_line = 4094
limit_request_fields = 50
preload_app = False
