"""``vermilion directory``: looking at the organisation's LDAP directory, and synchronising with directories."""

from __future__ import annotations

from collections.abc import Mapping

import click

from appliance.cli.program import REFUSED, Context
from appliance.config import load
from appliance.directories import Plan
from appliance.directory_service.client import DirectoryService
from appliance.directory_service.messages import Outcome
from appliance.errors import PreconditionRefused, StateRefused
from appliance.home import role_of_command
from appliance.model.directories import DirectoryRound, DirectorySource, RoundOutcome
from appliance.model.directory_status import COUNTED, NOTHING_TO_READ, TRANSLATED, DifferenceKind
from appliance.wiring import open_appliance
from hsm.errors import RefusalError

_SIGNS = {Outcome.GOOD: "ok  ", Outcome.NOTICE: "SOON", Outcome.BAD: "NOT "}

_TITLES = {
    DirectorySource.LDAP: "LDAP directory:",
    DirectorySource.SCIM: "Users pushed by SCIM:",
    DirectorySource.OPENID: "Users known by their sign-ins (OpenID Connect):",
}
"""What is read, as message ids."""


@click.group("directory")
def directory_group() -> None:
    """Check the LDAP directory that people are read from, and synchronise with directories."""


@directory_group.command("check")
@click.pass_obj
def check_command(context: Context) -> None:
    """Go through each step of reading the directory, and say what is well and what is not; nothing is changed.

    The status is 1 when something is wrong.
    """
    settings = load(context.home)
    if not settings.ldap.configured:
        raise PreconditionRefused("No LDAP directory is set; enter its url in [ldap] of the settings.")
    findings = DirectoryService(settings, settings.home.directory_socket).check()
    for each in findings:
        values = {name: _spoken(context, value) for name, value in each.values.items()}
        context.terminal.say(f"{_SIGNS[each.outcome]} {context.terminal.translated(each.template)}", **values)
    if any(each.outcome is Outcome.BAD for each in findings):
        raise click.exceptions.Exit(REFUSED)


def _spoken(context: Context, value: object) -> object:
    """A value of a finding; a refusal is a sentence within another one."""
    if isinstance(value, RefusalError):
        return context.terminal.translated(value.template).format(**value.values)
    return value


@directory_group.command("sync")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.pass_obj
def sync_command(context: Context, dry_run: bool) -> None:
    """Read the LDAP directory and what was pushed by SCIM, and do what differs, as the scheduler does by itself.

    With --dry-run every difference is printed, and nothing is written.
    """
    with open_appliance(load(context.home), role=role_of_command()) as appliance:
        if not (sources := appliance.directory_rounds.sources()):
            raise PreconditionRefused(NOTHING_TO_READ)
        if not dry_run and appliance.maintenance.under_way() is not None:
            raise StateRefused("A maintenance is under way; the directory is read again when it has ended.")
        for source in sources:
            context.terminal.say(_TITLES[source])
            if dry_run:
                _print_plan(context, appliance.directory_rounds.plan(source))
            else:
                _print_round(context, appliance.directory_rounds.run_round(source))
    if dry_run:
        context.terminal.say("Nothing was changed.")


def _print_round(context: Context, done: DirectoryRound) -> None:
    context.terminal.say("Users read: {count}", count=done.counts["read"])
    _print_counts(context, {kind: done.counts.get(kind.value, 0) for kind in DifferenceKind})
    if done.outcome is RoundOutcome.HELD:
        context.terminal.say("Some of it waits for two administrators; the console's page shows what.")


def _print_plan(context: Context, plan: Plan) -> None:
    terminal = context.terminal
    terminal.say("Users read: {count}", count=plan.read)
    for kind, sentence in plan.sentences():
        values = dict(sentence.values)
        if kind in TRANSLATED:
            values["after"] = terminal.translated(str(values["after"]))
        terminal.say(sentence.template, **values)
    _print_counts(context, plan.counts)


def _print_counts(context: Context, counts: Mapping[DifferenceKind, int]) -> None:
    if not any(counts.values()):
        context.terminal.say("Nothing differs from what is known.")
    for kind, count in counts.items():
        if count:
            context.terminal.say(COUNTED[kind], count=count)
