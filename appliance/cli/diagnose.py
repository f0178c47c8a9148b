"""``vermilion diagnose``: what is well and what is not, also when nothing runs."""

from __future__ import annotations

import json

import click

from appliance.cli.program import REFUSED, Context
from appliance.language import translator
from appliance.operations import health


@click.command("diagnose")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Say what is well and what is not. Exit status 0 when all is well, 1 otherwise."""
    context: Context = ctx.obj
    findings = health.everything(context.home)
    well = all(finding.well for finding in findings)
    if as_json:
        rows = [{"name": found.name, "well": found.well, "sentence": str(found)} for found in findings]
        click.echo(json.dumps({"well": well, "findings": rows}, ensure_ascii=False, indent=2))
    else:
        translate = translator(context.speech.language)
        for found in findings:
            sentence = translate(found.template, **found.values)
            click.echo(f"{'ok  ' if found.well else 'NOT '} {found.name:<13} {sentence}")
    ctx.exit(0 if well else REFUSED)
