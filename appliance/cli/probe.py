"""``vermilion probe``: does this release serve? For upgrades; `vermilion diagnose` asks everything."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from appliance.cli.program import REFUSED, Context
from appliance.health import HealthFinding
from appliance.health.bench import open_check_context
from appliance.health.check import ask_all
from appliance.health.pages import RunbookPage
from appliance.health.registry import SERVES
from appliance.language import translator


@click.command("probe")
@click.option("--wait", type=click.IntRange(0, 3600), default=0, help="Seconds until it has to be well.")
@click.option("--attended", is_flag=True, help="An authority that waits for who unlocks it serves, too.")
@click.pass_context
def command(ctx: click.Context, wait: int, attended: bool) -> None:
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
    with open_check_context(context.home, role="operator", now=datetime.now(UTC)) as opened:
        return ask_all(SERVES, opened)
