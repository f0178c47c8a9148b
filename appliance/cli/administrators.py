"""``vermilion administrators``: who looks after the machine; the first of each kind are added here, by root."""

from __future__ import annotations

import click

from appliance.administration import COMMAND, open_administration
from appliance.administration.administrators import InvitedAdministrator
from appliance.cli.program import Context
from appliance.config import Settings, load
from appliance.model.administration import ROOT, AdministratorRole, NewAdministrator
from appliance.wiring import utc_now


@click.group("administrators")
def command() -> None:
    """See who administrates; add the first of each kind; open a locked-out one's way in again."""


@command.command("add")
@click.argument("login")
@click.option("--role", required=True, type=click.Choice([role.value for role in AdministratorRole]))
@click.option("--name", required=True, help="Name of the human.")
@click.option("--email", required=True, help="Address of mail; nobody in the portal may have it.")
@click.pass_obj
def add(context: Context, login: str, role: str, name: str, email: str) -> None:
    """Add the first administrator of a kind, and print the link by which LOGIN chooses password and code.

    Further ones of the same kind take two persons: `vermilion do administrators.add`.
    """
    settings = load(context.home)
    with open_administration(settings, now=utc_now, process=COMMAND) as administration:
        new = NewAdministrator(login, name, email, AdministratorRole(role))
        _show_link(context, settings, administration.administrators.add_first(new))


@command.command("recover")
@click.argument("login")
@click.pass_obj
def recover(context: Context, login: str) -> None:
    """End password, code and sessions of LOGIN, and print a link by which both are chosen anew."""
    settings = load(context.home)
    with open_administration(settings, now=utc_now, process=COMMAND) as administration:
        administration.administrators.reset(login, by=ROOT)
        _show_link(context, settings, administration.administrators.link(login, by=ROOT))


@command.command("list")
@click.pass_obj
def list_(context: Context) -> None:
    """List all administrators there ever were, by login."""
    with open_administration(load(context.home), now=utc_now, process=COMMAND) as administration:
        for each in administration.administrators.everybody():
            template = "{login}  {role}, {state}: {name}"
            values = {"login": each.login, "role": each.role, "state": each.state, "name": each.name}
            context.speech.say(template, **values)


def _show_link(context: Context, settings: Settings, invited: InvitedAdministrator) -> None:
    context.speech.say("For {login} alone, once, within 24 hours:", login=invited.login)
    click.echo(f"{settings.console.public_url}/welcome/{invited.token}")
