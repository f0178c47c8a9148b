"""``vermilion rollback``: the release before the last upgrade, again."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli.program import Context
from appliance.cli.site import with_release_options
from appliance.operations.releases import Commands, Releases, roll_back


@click.command("rollback")
@with_release_options
@click.option(
    "--forget-newer", is_flag=True, help="Although acts were recorded that the older release cannot read."
)
@click.pass_obj
def command(context: Context, root: Path, commands: Commands, forget_newer: bool) -> None:
    """Go back to the release before the last upgrade.

    Where the upgrade changed a schema, the databases from before come back too, which is refused once acts were
    recorded since: they would be lost.
    """
    done = roll_back(context.home, Releases(root.absolute()), commands, forget_newer=forget_newer)
    context.terminal.say("Release {before} is the current one again.", before=done.before)
