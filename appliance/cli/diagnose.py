"""``vermilion diagnose``, ``probe`` and ``support``: what is well, whether this release serves, and the support
bundle."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from appliance.cli.program import NEW_FILE, REFUSED, Context
from appliance.cli.support import write_bundle
from appliance.clock import utc_now
from appliance.health import Condition, HealthFinding, Observed
from appliance.health.check_context import ask_all, open_check_context
from appliance.health.findings import RunbookPage
from appliance.health.surveys import SERVES, diagnose
from appliance.home import role_of_command
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
def diagnose_command(ctx: click.Context, as_json: bool) -> None:
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
            _print(each, translate)
    ctx.exit(0 if well else REFUSED)


def _print(observed: Observed, translate: Translator) -> None:
    found = observed.finding
    click.echo(f"{_SIGNS[found.condition]} {found.name:<18} {translate(found.template, **found.values)}")
    if found.page is not None:
        click.echo(f"{'':<23} {found.remedy.translated(translate)} (docs/runbook/{found.page}.md)")


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


@click.command("probe")
@click.option("--wait", type=click.IntRange(0, 3600), default=0, help="Seconds until it has to be well.")
@click.option("--attended", is_flag=True, help="An authority that waits for who unlocks it serves, too.")
@click.pass_context
def probe_command(ctx: click.Context, wait: int, attended: bool) -> None:
    """Ask for settings, database and authority. Status 0 once all three are well, 1 when they do not become so."""
    context: Context = ctx.obj
    deadline = time.monotonic() + wait
    while not_well := [found for found in _asked(context) if not (found.well or (attended and _waits(found)))]:
        if time.monotonic() >= deadline:
            translate = translator(context.terminal.language)
            click.echo(translate(not_well[0].template, **not_well[0].values), err=True)
            ctx.exit(REFUSED)
        time.sleep(0.5)
    context.terminal.say("This release serves.")


def _waits(found: HealthFinding) -> bool:
    """Whether all that is wrong is that nobody has unlocked the authority, as after every start where its PIN is
    kept nowhere."""
    return found.page is RunbookPage.HSM_LOCKED


def _asked(context: Context) -> list[HealthFinding]:
    with open_check_context(context.home, role=role_of_command(), now=datetime.now(UTC)) as opened:
        return ask_all(SERVES, opened)


@click.command("support")
@click.argument("file", type=NEW_FILE)
@click.pass_obj
def support_command(context: Context, file: Path) -> None:
    """Write a support bundle into FILE: versions, findings, counts and times, by an allow-list.

    No names and no secrets are in it.
    """
    try:
        names = write_bundle(context.home, file, utc_now())
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    template = "The support bundle is {path}: {names}. Read it before you send it."
    context.terminal.say(template, path=file, names=", ".join(names))
