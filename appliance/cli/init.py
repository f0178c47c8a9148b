"""``vermilion init``: a home for demonstrations, from settings to the first people."""

from __future__ import annotations

import os

import click

from appliance.cli.program import Context
from appliance.demonstration.founding import found_home
from appliance.supervision.services import inherited


@click.command("init")
@click.pass_obj
def command(context: Context) -> None:
    """Make a home: settings, secrets, key ceremony, the demonstration's people and seal. Done once, safe again."""
    found_home(context.home, say=context.terminal.say, environment=inherited(os.environ))
    context.terminal.say("{home} is ready; `vermilion up` serves it", home=context.home.root)
