"""``vermilion upgrade``: another release becomes the current one, or the one before serves again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from appliance.cli.program import Context
from appliance.cli.site import with_release_options
from appliance.operations.releases import Commands, Releases, upgrade
from appliance.wiring import utc_now


@click.command("upgrade")
@click.argument("version")
@with_release_options
@click.option(
    "--backup", default="", help="The command that makes a backup, instead of `vermilion backup create`."
)
@click.option(
    "--wait", type=click.IntRange(1, 3600), default=60, help="Seconds that a release has until it serves."
)
@click.pass_obj
def command(context: Context, version: str, root: Path, commands: Commands, backup: str, wait: int) -> None:
    """Make the release VERSION the current one: backup, migration, switch, probe; or back by itself.

    Run again after an interruption, it goes on where it was.
    """
    commands = replace(commands, backup=backup, wait=wait)
    done = upgrade(context.home, Releases(root.absolute()), version, commands, now=utc_now())
    context.terminal.say(
        "Release {after} is the current one; the backup from before is {archive}.",
        after=done.after,
        archive=done.archive,
    )
