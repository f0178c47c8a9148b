"""The program around the commands: how they are found, how they speak, and how every fault ends as one sentence
and an exit status."""

from __future__ import annotations

import ast
import gc
import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import click

from appliance.home import Home
from appliance.language import Language, translator
from hsm.errors import RefusalError


def language_of(environment: Mapping[str, str]) -> Language:
    """Chinese when the first locale variable that is set says so, in the order of POSIX; English otherwise."""
    locale = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return Language.CHINESE if locale.startswith("zh") else Language.ENGLISH


_YES, _NO = frozenset({"y", "yes", "是"}), frozenset({"", "n", "no", "否"})


class Terminal:
    """Says sentences of the catalogue, and asks in them. ``say`` may be handed on as it is."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._translate = translator(language)

    def say(self, template: str, /, **values: object) -> None:
        """One line on standard output, at once."""
        click.echo(self._translate(template, **values))

    def refuse(self, error: RefusalError) -> None:
        """The refusal's sentence on standard error."""
        click.echo(self._translate(error.template, **error.values), err=True)

    def warn(self, template: str, /, **values: object) -> None:
        """One line on standard error."""
        click.echo(self._translate(template, **values), err=True)

    def translated(self, message: str) -> str:
        """A message of the catalogue, to stand within another one."""
        return self._translate(message)

    def ask_hidden(self, template: str, /, **values: object) -> str:
        """What somebody types without its being shown; asked for on standard error. Raises :class:`click.Abort`
        when nobody types any more."""
        return str(click.prompt(self._translate(template, **values), hide_input=True, err=True))

    def choose(self, template: str, choices: Mapping[str, str], **values: object) -> str:
        """The key of one of the *choices*, which are listed with their sentences; its number or itself is
        typed. Raises as :meth:`ask_hidden`."""
        click.echo(self._translate(template, **values), err=True)
        keys = list(choices)
        for number, key in enumerate(keys, 1):
            click.echo(f"  {number}  {key}: {self._translate(choices[key])}", err=True)
        while True:
            said = str(click.prompt(">", prompt_suffix=" ", err=True)).strip().lower()
            if said in keys:
                return said
            if said.isascii() and said.isdigit() and 1 <= int(said) <= len(keys):
                return keys[int(said) - 1]
            self.warn("Type one of the numbers.")

    def confirms(self, template: str, /, **values: object) -> bool:
        """Whether somebody says yes (y, yes, 是); a mere line end is no. Raises as :meth:`ask_hidden`."""
        question = f"{self._translate(template, **values)} [y/N]"
        while True:
            said = str(click.prompt(question, default="", show_default=False, err=True)).strip().lower()
            if said in _YES | _NO:
                return said in _YES
            self.warn("Answer y or n.")


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
NEW_FILE = click.Path(dir_okay=False, path_type=Path)
NEW_FOLDER = click.Path(file_okay=False, path_type=Path)

REFUSED = 1
"""The exit status of a command that was refused or failed; 2 is wrong usage, ``verify`` has its own."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every command gets: where the appliance lives, and the terminal."""

    home: Home
    terminal: Terminal


COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "acts": "admin_requests:acts_command",
        "administrators": "administrators:administrators_group",
        "api": "integration:api_group",
        "approve": "admin_requests:approve_command",
        "backup": "backup:backup_group",
        "capture": "capture:capture_command",
        "ceremonies": "log:ceremonies_command",
        "demo": "demo:demo_command",
        "diagnose": "diagnose:diagnose_command",
        "directory": "directory:directory_group",
        "do": "admin_requests:do_action",
        "drill": "backup:drill_command",
        "evidence": "evidence:evidence_group",
        "init": "up:init_command",
        "log": "log:log_group",
        "migrate": "releases:migrate_command",
        "probe": "diagnose:probe_command",
        "release": "releases:release_command",
        "restore": "backup:restore_command",
        "rollback": "releases:rollback_command",
        "steward": "administrators:steward_command",
        "support": "diagnose:support_command",
        "up": "up:up_command",
        "upgrade": "releases:upgrade_command",
        "verify": "verify:verify_command",
        "withdraw": "admin_requests:withdraw_command",
        "witness": "witness:witness_group",
    }
)
"""The module (below ``appliance.cli``) and function of each command, by its name."""


class Program(click.Group):
    """Imports a command's module only when it runs, and turns refusals and faults into sentences."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now. Of some, that is most of what they take: the garbage collector, which would
        look at all that is loaded again and again, rests meanwhile."""
        if cmd_name not in COMMANDS:
            return None
        module, function = COMMANDS[cmd_name].split(":")
        looks = gc.isenabled()
        gc.disable()
        try:
            command: click.Command = getattr(import_module(f"appliance.cli.{module}"), function)
        finally:
            if looks:
                gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        room = formatter.width - 6 - max(map(len, COMMANDS))
        with formatter.section("Commands"):
            listed = {name: click.Command(name, help=docstring_of(place)) for name, place in COMMANDS.items()}
            formatter.write_dl([(name, each.get_short_help_str(room)) for name, each in listed.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command. A refusal is its sentence and status 1; a fault too, its traceback in the log alone;
        and so is a question that nobody answers."""
        try:
            return super().invoke(ctx)
        except RefusalError as refusal:
            ctx.obj.terminal.refuse(refusal)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except click.Abort:  # at a question
            click.echo(err=True)
            ctx.obj.terminal.warn("Broken off.")
        except Exception as fault:
            report_fault(ctx.obj, fault)
        raise click.exceptions.Exit(REFUSED)


def docstring_of(place: str) -> str:
    """The docstring of the command at *place*. Its module is parsed, not imported, so the help loads no more."""
    module, function = place.split(":")
    tree = _parsed(Path(__file__).with_name(f"{module}.py"))
    found = next(each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == function)
    return ast.get_docstring(found) or ""


@cache
def _parsed(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


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
@click.option("--home", type=NEW_FOLDER, help="Where the appliance lives; VERMILION_HOME or ./var without it.")
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
