"""``vermilion up``: the whole appliance on this machine's loopback interface. ``vermilion init``: only its
home."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from appliance.cli.founding import found_home, give_accounts_for_trying
from appliance.cli.program import Context, Terminal
from appliance.config import PORT_OF_RUN, TSA_PORT_ABOVE, Settings, load
from appliance.demonstration.new_home import NewHome, zone_of_machine
from appliance.errors import SupervisionFailed
from appliance.home import Home
from appliance.policy import PRESETS
from appliance.supervision import Supervisor, inherited, services
from hsm.client import AuthorityClient


@click.command("up")
@click.option(
    "--port", type=click.IntRange(1, 65533), help="The portal's port instead of the one in the settings."
)
@click.option(
    "--organisation",
    metavar="ORG",
    default=None,
    help="Whose appliance a new home is, without the demonstration's people.",
)
@click.option(
    "--policy",
    type=click.Choice(PRESETS),
    default=None,
    help="The policy that a new home begins with; asked for at a terminal.",
)
@click.option("--url", default="", help="The address that people type, such as https://sign.example.com.")
@click.pass_obj
def up_command(context: Context, port: int | None, organisation: str | None, url: str, policy: str | None) -> None:
    """Serve the portal, the timestamp authority and the log until Ctrl-C; a new home is set up first.

    With --organisation it is that organisation's, and its first officers register in the portal; otherwise it is
    the demonstration's.
    """
    if url and organisation is None:
        raise click.UsageError(context.terminal.translated("--url takes --organisation."))
    if policy and organisation is None:
        raise click.UsageError(context.terminal.translated("--policy takes --organisation."))
    say = context.terminal.say
    environment = inherited(os.environ)
    wanted = None
    if organisation is not None:
        preset = policy or _ask_policy(context)
        wanted = NewHome(organisation, url, context.terminal.language, zone_of_machine(), preset=preset)
    found_home(context.home, say=say, environment=environment, port=port, wanted=wanted)
    give_accounts_for_trying(context.home)
    settings = load(context.home)
    if port is not None and port != settings.web.port:
        settings, environment = settings.at_port(port), {**environment, PORT_OF_RUN: str(port)}
    web = settings.web.port
    for each in (web, web + TSA_PORT_ABOVE, settings.console.port, settings.activation.port):
        _require_free(each)
    with (
        _ending() as asked,
        _served(context.home, settings.web.port),
        Supervisor(services(settings, environment), say=say) as supervisor,
    ):
        _print_first_steps(context.terminal, settings)
        supervisor.watch(until=lambda: bool(asked))
        say("ending …")
    say("everything has ended")


WHAT_PRESETS_ARE = {
    "bank": "identity checks, authority, review, two custodians; partners verified or with own certificates",
    "state-owned": "the same duties; contracts are kept for 30 years",
    "law-firm": "identity of outside signers, and authority, are on file; no review",
    "small-company": "nothing is demanded but a passkey; everything can be switched on later",
}


def _ask_policy(context: Context) -> str:
    """The preset for a new home, as somebody at a terminal chooses; empty, the defaults, where nobody is asked."""
    if context.home.settings.exists() or not sys.stdin.isatty():
        return ""
    question = "Which policy does the appliance begin with? It can be changed later in {policy}."
    return context.terminal.choose(question, WHAT_PRESETS_ARE, policy=context.home.policy)


def _print_first_steps(speech: Terminal, settings: Settings) -> None:
    """Where people go, what becomes of mail, and how the first of them come."""
    say, home = speech.say, settings.home
    say("Vermilion serves on {address} (Ctrl-C ends it)", address=settings.web.public_url)
    say("This appliance is that of {organisation}.", organisation=settings.organisation.name)
    say("The operator's console is on {address}", address=settings.console.public_url)
    say("People confirm what they sign on {address}", address=settings.activation.public_url)
    if settings.mail.configured:
        say("Mail goes through {host}, port {port}.", host=settings.mail.host, port=settings.mail.port)
    else:
        say(
            "No mail server is set ([mail] in {path}): nothing is sent, and links are passed on by hand.",
            path=home.settings,
        )
    if waiting := _codes_left(home):
        codes = home.setup_code.read_text(encoding="utf-8").split()
        say(
            "The first officers register at {address}, each with one of the codes in {path}: {codes}"
            " (not yet used: {count})",
            address=f"{settings.web.public_url}/setup",
            path=home.setup_code,
            codes="  ".join(codes),
            count=waiting,
        )
        say(
            "The console's first administrator, in another terminal: {command}", command=_first_administrator(home)
        )


def _first_administrator(home: Home) -> str:
    program = Path(sys.executable).with_name("vermilion")
    wanted = ["administrators", "add", "LOGIN", "--role", "system", "--name", "NAME", "--email", "ADDRESS"]
    return shlex.join([str(program), "--home", str(home.root), *wanted])


@contextmanager
def _served(home: Home, port: int) -> Iterator[None]:
    """Commands beside this one find the port in the home."""
    home.served_port.write_text(f"{port}\n", encoding="ascii")
    try:
        yield
    finally:
        home.served_port.unlink(missing_ok=True)


def _codes_left(home: Home) -> int:
    """How many of the codes that founding left have not been used yet."""
    if not home.setup_code.exists():
        return 0
    with AuthorityClient(home.authority_socket("operator")) as authority:
        return authority.appointment().codes


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


@click.command("init")
@click.pass_obj
def init_command(context: Context) -> None:
    """Make a home: settings, secrets, key ceremony, the demonstration's people and seal. Done once, safe again."""
    found_home(context.home, say=context.terminal.say, environment=inherited(os.environ))
    context.terminal.say("{home} is ready; `vermilion up` serves it", home=context.home.root)
