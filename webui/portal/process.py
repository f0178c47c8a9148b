"""The process ``vermilion-web``: gunicorn imports this before it forks; each worker then calls :func:`create`."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from functools import cache
from pathlib import Path
from typing import Final
from wsgiref.types import WSGIApplication

from appliance.api_clients import ApiUsage
from appliance.clock import utc_now
from appliance.config import load
from appliance.confinement.pool import Confinement
from appliance.errors import StorageError
from appliance.home import Home
from appliance.logs import set_up_logging
from appliance.store.database import Database
from appliance.submissions import KeyedRequests
from appliance.wiring import Appliance, open_appliance
from webui.portal.application import create_app
from webui.portal.timestamp_forwarder import TimestampForwarder
from webui.shared.headers import VisitorAddress
from webui.shared.rate_limits import shared_counts

_TO_END: Final = 5.0
"""Seconds for a package that is being made while the process ends; another process makes it later."""


@cache
def shared_confinement(folder: Path) -> Confinement:
    """The confined processes of this process and its forks: gunicorn's parent starts them once for all workers."""
    return Confinement(folder)


def let_requests_be_repeated(home: Home) -> None:
    """Requests of API clients that the portal was at when it ended, on this machine or another, are taken over by
    whoever repeats them. On an appliance alone, where systemd starts it when nothing of the one before is left."""
    if not home.is_managed or not home.database.exists():
        return
    with suppress(StorageError), closing(Database(home.database)) as database:  # its workers say what is wrong
        KeyedRequests(database, utc_now).fail_all()


@cache
def usage_of(home: Home) -> ApiUsage:
    """The counts of this process, one of gunicorn's workers."""
    return ApiUsage(home.pulses)


def _packaging(appliance: Appliance) -> Callable[[], None]:
    """Makes packages of captures beside the pages; what it returns ends that."""
    over = threading.Event()
    packages = appliance.capture_packages
    thread = threading.Thread(
        target=packages.run_until, args=(over, appliance.maintenance), name="capture packages", daemon=True
    )
    thread.start()

    def end() -> None:
        over.set()
        thread.join(_TO_END)

    return end


def create(timestamp_port: int | None = None) -> WSGIApplication:
    """The application for the home that the environment names; closed when the process ends.

    In development, requests for ``/tsa`` are forwarded to the timestamp service at *timestamp_port*; on an
    appliance nginx does that.
    """
    settings = load(Home.of(os.environ)).of_run(os.environ)
    set_up_logging(settings.logs, "vermilion-web")
    stack = ExitStack()
    atexit.register(stack.close)
    confinement = stack.enter_context(shared_confinement(settings.home.cache))
    appliance = stack.enter_context(open_appliance(settings, role="web", confinement=confinement))
    if settings.capture.enabled:
        stack.callback(_packaging(appliance))
    usage = usage_of(settings.home)
    stack.callback(usage.write, at_once=True)
    form_key = settings.home.secret("web.key", os.environ)
    pages = VisitorAddress(create_app(appliance, form_key=form_key, counts=shared_counts(), usage=usage))
    return pages if timestamp_port is None else TimestampForwarder(pages, timestamp_port)
