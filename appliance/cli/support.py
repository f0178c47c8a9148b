"""``vermilion support``: what somebody who helps may know of this machine, in one file."""

from __future__ import annotations

from pathlib import Path

import click

from appliance.cli.program import Context
from appliance.support import write_bundle
from appliance.wiring import utc_now


@click.command("support")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(context: Context, file: Path) -> None:
    """Write a support bundle into FILE: versions, findings, counts and times, by an allow-list.

    No names and no secrets are in it.
    """
    try:
        names = write_bundle(context.home, file, utc_now())
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    template = "The support bundle is {path}: {names}. Read it before you send it."
    context.terminal.say(template, path=file, names=", ".join(names))
