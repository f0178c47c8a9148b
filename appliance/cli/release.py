"""``vermilion release``: which release this is, and which schemas it knows."""

from __future__ import annotations

import json
from importlib import metadata

import click

from appliance.cli.program import Context
from appliance.store.schema import latest
from hsm.store.database import SCHEMA_VERSION


@click.command("release")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for `vermilion upgrade`.")
@click.pass_obj
def command(context: Context, as_json: bool) -> None:
    """Say which release this is, and the newest schemas that it knows."""
    version = metadata.version("vermilion")
    if as_json:
        click.echo(json.dumps({"release": version, "schema": latest(), "authority_schema": SCHEMA_VERSION}))
        return
    context.terminal.say(
        "Release {release}: schema {schema}, the authority's {authority}.",
        release=version,
        schema=latest(),
        authority=SCHEMA_VERSION,
    )
