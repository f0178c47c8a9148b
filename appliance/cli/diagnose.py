"""``vermilion diagnose``: what is well and what is not, and what to do about it; also when nothing runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from appliance.cli.program import REFUSED, Context
from appliance.health import Condition, Observed
from appliance.health.diagnosis import diagnose
from appliance.language import Translator, translator

_SIGNS = {
    Condition.GOOD: "ok  ",
    Condition.NOT_CONFIGURED: "-   ",
    Condition.ATTENTION: "SOON",
    Condition.FAILING: "NOT ",
}


@click.command("diagnose")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Say what is well and what is not, each with its remedy. Exit status 0 when nothing fails, 1 otherwise."""
    context: Context = ctx.obj
    findings = diagnose(context.home, datetime.now(UTC))
    well = all(each.finding.well for each in findings)
    if as_json:
        report = {"well": well, "findings": [_row(each) for each in findings]}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        translate = translator(context.terminal.language)
        for each in findings:
            _tell(each, translate)
    ctx.exit(0 if well else REFUSED)


def _tell(observed: Observed, translate: Translator) -> None:
    found = observed.finding
    click.echo(f"{_SIGNS[found.condition]} {found.name:<18} {translate(found.template, **found.values)}")
    if found.page is not None:
        remedy = translate(found.remedy, **found.remedy_values)
        click.echo(f"{'':<23} {remedy} (docs/runbook/{found.page}.md)")


def _row(observed: Observed) -> dict[str, Any]:
    found = observed.finding
    return {
        "name": found.name,
        "condition": found.condition.value,
        "well": found.well,
        "since": f"{observed.since:%Y-%m-%dT%H:%M:%SZ}",
        "sentence": str(found),
        "remedy": found.advice,
        "page": found.page,
    }
