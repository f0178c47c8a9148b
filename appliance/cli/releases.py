"""``vermilion upgrade``, ``rollback``, ``release`` and ``migrate``: changes of release."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from appliance.cli.program import FOLDER, Context
from appliance.clock import utc_now
from appliance.errors import StorageError
from appliance.operations.releases import (
    Commands,
    Releases,
    losses_accepted_before,
    newly_accepted,
    roll_back,
    upgrade,
)
from appliance.store import latest
from appliance.store.database import Database
from hsm.store.database import SCHEMA as AUTHORITY_SCHEMA

_OPTIONS = (
    click.option(
        "--root",
        type=FOLDER,
        default=Path("/opt/vermilion"),
        help="Where `releases/` and the link `current` are; /opt/vermilion without this.",
    ),
    click.option("--stop", default="", help="The command that stops all services."),
    click.option(
        "--start", default="", help="The command that starts them; then the release has to say that it serves."
    ),
    click.option(
        "--attended", is_flag=True, help="People unlock the authority: a release that waits for them serves, too."
    ),
    click.option(
        "--wait", type=click.IntRange(1, 3600), default=60, help="Seconds that a release has until it serves."
    ),
)


def with_release_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """*function*, a command, with these options: it gets ``root``, and of all others ``commands``."""

    @wraps(function)
    def command(*given: Any, stop: str, start: str, attended: bool, wait: int, **other: Any) -> Any:
        return function(*given, commands=Commands(stop, start, wait=wait, attended=attended), **other)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("upgrade")
@click.argument("version")
@with_release_options
@click.option(
    "--backup", default="", help="The command that makes a backup, instead of `vermilion backup create`."
)
@click.pass_obj
def upgrade_command(context: Context, version: str, root: Path, commands: Commands, backup: str) -> None:
    """Make the release VERSION the current one: backup, migration, switch, probe; or back by itself.

    Run again after an interruption, it goes on where it was.
    """
    commands = replace(commands, backup=backup)
    done = upgrade(context.home, Releases(root.absolute()), version, commands, now=utc_now())
    context.terminal.say(
        "Release {after} is the current one; the backup from before is {archive}.",
        after=done.after,
        archive=done.archive,
    )


@click.command("rollback")
@with_release_options
@click.option(
    "--forget-newer",
    is_flag=True,
    help="Although acts were recorded that the older release cannot read; witnesses no longer cosign this log.",
)
@click.pass_obj
def rollback_command(context: Context, root: Path, commands: Commands, forget_newer: bool) -> None:
    """Go back to the release before the last upgrade.

    Where the upgrade changed a schema, the databases from before come back too, which is refused once acts were
    recorded since: they would be lost.
    """
    lost_before = losses_accepted_before(context.home)
    try:
        done = roll_back(context.home, Releases(root.absolute()), commands, forget_newer=forget_newer)
        context.terminal.say("Release {before} is the current one again.", before=done.before)
    finally:
        if known := newly_accepted(context.home, lost_before):
            context.terminal.say(
                "Witnesses may have cosigned up to {known} entries of this log; what is missing of them is"
                " accepted as lost. Tell the auditors.",
                known=known,
            )


@click.command("release")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for `vermilion upgrade`.")
@click.pass_obj
def release_command(context: Context, as_json: bool) -> None:
    """Say which release this is, and the newest schemas that it knows."""
    version = metadata.version("vermilion")
    authority = AUTHORITY_SCHEMA.latest()
    if as_json:
        click.echo(json.dumps({"release": version, "schema": latest(), "authority_schema": authority}))
        return
    context.terminal.say(
        "Release {release}: schema {schema}, the authority's {authority}.",
        release=version,
        schema=latest(),
        authority=authority,
    )


@click.command("migrate")
@click.pass_obj
def migrate_command(context: Context) -> None:
    """Bring the database to this release's schema, in one transaction; done again, it changes nothing.

    Every process does the same when it opens the database; `vermilion upgrade` does it before any of them starts.
    """
    if not context.home.database.exists():
        raise StorageError("There is no database in {home}; `vermilion init` makes one.", home=context.home.root)
    Database(context.home.database).close()
    context.terminal.say("The database has schema {schema}.", schema=latest())
