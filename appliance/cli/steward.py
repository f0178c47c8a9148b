"""``vermilion steward``: root's side of the console, started by systemd when somebody rings
(vermilion-steward.socket)."""

from __future__ import annotations

import os
import socket

import click

from appliance.administration import Process, open_administration
from appliance.administration.action import ExecutedBy
from appliance.administration.steward import serve_requests
from appliance.cli.program import Context
from appliance.config import load
from appliance.wiring import utc_now

STEWARD = Process("operator", frozenset({ExecutedBy.PRIVILEGED_HELPER}))
IDLE = 5.0
"""Seconds after the last act after which the process ends; the next ring starts it again."""

_FIRST_PASSED = 3
"""The first descriptor that systemd passes (sd_listen_fds(3))."""


@click.command("steward")
@click.pass_obj
def command(context: Context) -> None:
    """Perform the acts whose ids come in by the socket that systemd passed; end when none comes any more."""
    if os.environ.get("LISTEN_FDS") != "1" or os.environ.get("LISTEN_PID") != str(os.getpid()):
        raise click.UsageError("systemd starts this, with one socket.")
    with (
        socket.socket(fileno=_FIRST_PASSED) as listener,
        open_administration(load(context.home), now=utc_now, process=STEWARD) as administration,
    ):
        serve_requests(listener, administration.executor.execute_request, idle=IDLE)
