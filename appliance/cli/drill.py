"""``vermilion drill``: is the newest backup worth anything?"""

from __future__ import annotations

import os
from pathlib import Path

import click

from appliance.cli.program import REFUSED, Context
from appliance.config import load
from appliance.errors import BackupFailed
from appliance.operations.backup import BackupContext
from appliance.operations.drill import run_drill
from appliance.wiring import utc_now


@click.command("drill")
@click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to open it; in the home's state without this.",
)
@click.pass_context
def command(ctx: click.Context, scratch: Path | None) -> None:
    """Open the newest backup beside the running system and verify it. Status 0 when it can be relied on.

    The result is kept; `vermilion diagnose` shows it and its age.
    """
    context: Context = ctx.obj
    done = run_drill(
        BackupContext.without_authority(load(context.home), os.environ), now=utc_now(), scratch=scratch
    )
    if not done.passed:
        context.terminal.refuse(BackupFailed(done.template, **done.values or {}))
        ctx.exit(REFUSED)
    context.terminal.say(
        "Drill with {archive}. Entries of the log that were checked: {size}; documents opened: {documents}; signed"
        " contracts verified: {contracts}.",
        archive=done.archive,
        size=done.size,
        documents=done.documents,
        contracts=done.contracts,
    )
