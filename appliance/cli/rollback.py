"""``vermilion rollback``: the release before the last upgrade, again."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli.program import Context
from appliance.operations.releases import Commands, Releases, roll_back


@click.command("rollback")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("/opt/vermilion"),
    help="Where `releases/` and the link `current` are; /opt/vermilion without this.",
)
@click.option("--stop", default="", help="The command that stops all services.")
@click.option(
    "--start", default="", help="The command that starts them; then the release has to say that it serves."
)
@click.option(
    "--forget-newer", is_flag=True, help="Although acts were recorded that the older release cannot read."
)
@click.pass_obj
def command(context: Context, root: Path, stop: str, start: str, forget_newer: bool) -> None:
    """Go back to the release before the last upgrade.

    Where the upgrade changed a schema, the databases from before come back too, which is refused once acts were
    recorded since: they would be lost.
    """
    done = roll_back(context.home, Releases(root.absolute()), Commands(stop, start), forget_newer=forget_newer)
    context.speech.say("Release {before} is the current one again.", before=done.before)
