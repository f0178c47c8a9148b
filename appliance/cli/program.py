"""The program around the verbs: what they share, and how every fault ends as one sentence and an exit status."""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from appliance.cli.speech import Terminal, language_of
from appliance.errors import ApplianceError
from appliance.home import Home
from appliance.language import Language
from hsm.errors import AuthorityError

REFUSED = 1
"""The exit status of a command that was refused or failed; 2 is wrong usage, ``verify`` has its own."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every verb gets: where the appliance lives, and a voice."""

    home: Home
    terminal: Terminal


class Program(click.Group):
    """Imports a verb's file only when it is asked for, and turns refusals and faults into sentences."""

    VERBS = (
        "acts",
        "administrators",
        "approve",
        "backup",
        "ceremonies",
        "demo",
        "diagnose",
        "do",
        "drill",
        "init",
        "log",
        "migrate",
        "probe",
        "release",
        "restore",
        "rollback",
        "steward",
        "support",
        "up",
        "upgrade",
        "verify",
        "withdraw",
    )

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, for the help."""
        return list(self.VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb, from the file of its name."""
        if cmd_name not in self.VERBS:
            return None
        module = __import__(f"appliance.cli.{cmd_name}", fromlist=["command"])
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the verb. A refusal is its sentence and status 1; a fault too, its traceback in the log alone; and
        so is a question that nobody answers."""
        try:
            return super().invoke(ctx)
        except (ApplianceError, AuthorityError) as refusal:
            ctx.obj.speech.refuse(refusal)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except click.Abort:  # at a question
            click.echo(err=True)
            ctx.obj.speech.warn("Broken off.")
        except Exception as fault:
            report_fault(ctx.obj, fault)
        raise click.exceptions.Exit(REFUSED)


def report_fault(context: Context, fault: Exception) -> None:
    """Says that *fault* happened, and keeps its traceback where the operator finds it."""
    kind, log = type(fault).__name__, context.home.logs / "faults.log"
    try:
        with log.open("a", encoding="utf-8") as stream:
            traceback.print_exception(fault, file=stream)
    except OSError:
        context.terminal.warn("An unexpected fault ({kind}) ended this command: {why}.", kind=kind, why=fault)
    else:
        context.terminal.warn(
            "An unexpected fault ({kind}) ended this command; its details are in {log}.", kind=kind, log=log
        )


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the appliance lives; VERMILION_HOME or ./var without it.",
)
@click.option(
    "--lang",
    type=click.Choice([language.value for language in Language]),
    help="The language of what commands say and ask; that of the terminal (LANG) without it.",
)
@click.version_option(package_name="vermilion")
@click.pass_context
def main(ctx: click.Context, home: Path | None, lang: str | None) -> None:
    """Vermilion, a signing appliance: contracts signed, timestamped, logged, verified and exported as evidence."""
    place = Home.of({"VERMILION_HOME": str(home)} if home else os.environ)
    ctx.obj = Context(place, Terminal(Language(lang) if lang else language_of(os.environ)))
