"""``vermilion withdraw``: root takes back what root asked for."""

from __future__ import annotations

import click

from appliance.administration import COMMAND, open_administration
from appliance.cli.program import Context
from appliance.config import load
from appliance.model.administration import ROOT
from appliance.wiring import utc_now


@click.command("withdraw")
@click.argument("act_id", metavar="ID")
@click.pass_obj
def command(context: Context, act_id: str) -> None:
    """Take back what was asked for under ID on this machine, while it waits."""
    with open_administration(load(context.home), now=utc_now, process=COMMAND) as administration:
        administration.requests.withdraw_request(act_id, by=ROOT)
        context.terminal.say("{id} is withdrawn.", id=act_id)
