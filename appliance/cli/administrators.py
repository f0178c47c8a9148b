"""``vermilion administrators``: who administrates; root adds the first of each kind. ``vermilion steward``:
root's side of the console, which systemd starts when a request arrives (vermilion-steward.socket)."""

from __future__ import annotations

import os
import socket

import click

from appliance.administration import COMMAND, Process, open_administration
from appliance.administration.action import ExecutedBy
from appliance.administration.administrators import InvitedAdministrator
from appliance.administration.confirmed import fingerprint_of
from appliance.administration.pin_custodians import PinCustodianEnd
from appliance.administration.privileged_helper import serve_requests
from appliance.cli.program import REFUSED, Context
from appliance.clock import utc_now
from appliance.config import Settings, load
from appliance.model.administration import ROOT, AdministratorRole, NewAdministrator


@click.group("administrators")
def administrators_group() -> None:
    """See who administrates; add the first of each kind; open a locked-out one's way in again."""


@administrators_group.command("add")
@click.argument("login")
@click.option("--role", required=True, type=click.Choice([role.value for role in AdministratorRole]))
@click.option("--name", required=True, help="Name of the human.")
@click.option("--email", required=True, help="Address of mail; nobody in the portal may have it.")
@click.pass_obj
def add(context: Context, login: str, role: str, name: str, email: str) -> None:
    """Add the first administrator of a kind, and print the link by which LOGIN chooses password and code.

    Further ones of the same kind take two persons: `vermilion do administrators.add`.
    """
    settings = load(context.home).as_served()
    with open_administration(settings, now=utc_now, process=COMMAND) as administration:
        new = NewAdministrator(login, name, email, AdministratorRole(role))
        _show_link(context, settings, administration.administrators.add_first(new))


@administrators_group.command("recover")
@click.argument("login")
@click.pass_obj
def recover(context: Context, login: str) -> None:
    """End password, code, passkeys and sessions of LOGIN, and print a link by which password and code are chosen
    anew."""
    settings = load(context.home).as_served()
    with open_administration(settings, now=utc_now, process=COMMAND) as administration:
        ended = administration.administrators.reset(login, by=ROOT)
        _say_of_pin_custodian(context, login, ended)
        _show_link(context, settings, administration.administrators.link(login, by=ROOT))


@administrators_group.command("keys")
@click.pass_obj
def keys(context: Context) -> None:
    """List the passkeys that administrators sign acts with, and which of them count."""
    with open_administration(load(context.home), now=utc_now, process=COMMAND) as administration:
        confirming, say = administration.confirming, context.terminal.say
        shown = set()
        for each in confirming.registered():
            values = {"login": each.passkey.login, "fingerprint": each.fingerprint}
            if each.counts:
                say("{login}  {fingerprint}  counts", **values)
            else:
                say("{login}  {fingerprint}  to be confirmed", **values)
            shown.add(each.fingerprint)
        for key in confirming.confirmed():
            if fingerprint_of(key) not in shown:
                say(
                    "{login}  {fingerprint}  counts, although its owner has removed it",
                    login=key.login,
                    fingerprint=fingerprint_of(key),
                )
        for path, why in confirming.unreadable().items():
            context.terminal.warn("{path} is no passkey that counts: {why}.", path=path, why=why)


@administrators_group.command("confirm")
@click.argument("login")
@click.argument("fingerprint", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask whether it is the right human.")
@click.pass_obj
def confirm(context: Context, login: str, fingerprint: tuple[str, ...], yes: bool) -> None:
    """Confirm the passkey that LOGIN has just registered, by the FINGERPRINT that the human reads out to you.

    It then counts for what takes two persons. Have the console started anew before the passkey is registered.
    """
    with open_administration(load(context.home), now=utc_now, process=COMMAND) as administration:
        owner, key = administration.confirming.named(login, " ".join(fingerprint))
        values = {"login": owner.login, "role": owner.role, "name": owner.name, "fingerprint": key.fingerprint}
        context.terminal.say("{login}, {role}: {name}; passkey {fingerprint}", **values)
        if not yes and not context.terminal.confirms(
            "This passkey will sign what takes two persons, as {login}, {role}. Is this the human, and did you"
            " hear the fingerprint from them?",
            login=owner.login,
            role=owner.role,
        ):
            context.terminal.warn("Nothing was confirmed.")
            raise click.exceptions.Exit(REFUSED)
        administration.confirming.confirm_named(owner, key)
        context.terminal.say("The passkey of {login} counts from now on.", login=owner.login)


@administrators_group.command("unconfirm")
@click.argument("login")
@click.argument("fingerprint", nargs=-1)
@click.pass_obj
def unconfirm(context: Context, login: str, fingerprint: tuple[str, ...]) -> None:
    """Let the passkeys of LOGIN, or the one with FINGERPRINT, not count any more, nor unlock the HSM."""
    with open_administration(load(context.home), now=utc_now, process=COMMAND) as administration:
        count, ended = administration.confirming.unconfirm(login, " ".join(fingerprint))
        context.terminal.say("Passkeys of {login} that do not count any more: {count}.", count=count, login=login)
        _say_of_pin_custodian(context, login, ended)


@administrators_group.command("list")
@click.pass_obj
def list_(context: Context) -> None:
    """List all administrators there ever were, by login."""
    with open_administration(load(context.home), now=utc_now, process=COMMAND) as administration:
        for each in administration.administrators.everybody():
            template = "{login}  {role}, {state}: {name}"
            values = {"login": each.login, "role": each.role, "state": each.state, "name": each.name}
            context.terminal.say(template, **values)


def _say_of_pin_custodian(context: Context, login: str, ended: PinCustodianEnd) -> None:
    said = ended.sentence_about(login)
    if said is not None:
        context.terminal.warn(said.template, **said.values)


def _show_link(context: Context, settings: Settings, invited: InvitedAdministrator) -> None:
    context.terminal.say("For {login} alone, once, within 24 hours:", login=invited.login)
    click.echo(f"{settings.console.public_url}/welcome/{invited.token}")


STEWARD = Process("operator", frozenset({ExecutedBy.PRIVILEGED_HELPER}))
IDLE = 5.0
"""Seconds after the last act after which the process ends; the next ring starts it again."""

_FIRST_PASSED = 3
"""The first descriptor that systemd passes (sd_listen_fds(3))."""


@click.command("steward")
@click.pass_obj
def steward_command(context: Context) -> None:
    """Perform the acts whose ids come in by the socket that systemd passed; end when none comes any more."""
    if os.environ.get("LISTEN_FDS") != "1" or os.environ.get("LISTEN_PID") != str(os.getpid()):
        raise click.UsageError("systemd starts this, with one socket.")
    with (
        socket.socket(fileno=_FIRST_PASSED) as listener,
        open_administration(load(context.home), now=utc_now, process=STEWARD) as administration,
    ):
        serve_requests(listener, administration.executor.execute_request, idle=IDLE)
