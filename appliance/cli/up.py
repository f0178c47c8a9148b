"""``vermilion up``: the whole appliance on this machine's loopback interface, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import click

from appliance.cli.program import Context
from appliance.config import PORT_OF_RUN, load
from appliance.demonstration.founding import found
from appliance.errors import SupervisionFailed
from appliance.home import Home
from appliance.supervision import Supervisor, services
from hsm.client import AuthorityClient


@click.command("up")
@click.option(
    "--port", type=click.IntRange(1, 65533), help="The portal's port instead of the one in the settings."
)
@click.pass_obj
def command(context: Context, port: int | None) -> None:
    """Serve the portal, the timestamp authority and the log until Ctrl-C; a new home is set up first."""
    say = context.speech.say
    environment = services.inherited(os.environ)
    found(context.home, say=say, environment=environment, port=port)
    settings = load(context.home)
    if port is not None and port != settings.web.port:
        settings, environment = settings.at_port(port), {**environment, PORT_OF_RUN: str(port)}
    for wanted in (settings.web.port, settings.web.port + services.TSA_PORT_ABOVE, settings.console.port):
        _require_free(wanted)
    with _ending() as asked, Supervisor(services.services(settings, environment), say=say) as supervisor:
        say("Vermilion serves on {address} (Ctrl-C ends it)", address=settings.web.public_url)
        say("The operator's console is on {address}", address=settings.console.public_url)
        if _waits_for_officer(context.home):
            say(
                "The first officer registers at {address} with the code in {path}",
                address=f"{settings.web.public_url}/setup",
                path=context.home.setup_code,
            )
        supervisor.watch(until=lambda: bool(asked))
        say("ending …")
    say("everything has ended")


def _waits_for_officer(home: Home) -> bool:
    """Whether the code that founding left has not been used yet."""
    if not home.setup_code.exists():
        return False
    with AuthorityClient(home.authority_socket("operator")) as authority:
        return authority.appointment().codes > 0


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SupervisionFailed(
                "Port {port} is taken; end what uses it, or choose another with PORT=… or --port.", port=port
            ) from error


@contextmanager
def _ending() -> Iterator[list[int]]:
    """A list that holds the signal by which somebody asked for the end, once they did."""
    asked: list[int] = []
    before = {
        number: signal.signal(number, lambda received, frame: asked.append(received))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
