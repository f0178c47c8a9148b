"""``vermilion do``: every action of the registry, as a command made from it; by whoever is root on the machine."""

from __future__ import annotations

from collections.abc import Callable

import click

from appliance.administration import COMMAND, open_administration
from appliance.administration.action import Action, Argument, ArgumentKind
from appliance.administration.registry import REGISTRY
from appliance.cli.acts import show_request
from appliance.cli.program import REFUSED, Context
from appliance.config import load
from appliance.language import Language, Translator, translator
from appliance.model.administration import ROOT, AdminRequestState
from appliance.wiring import utc_now


class Registered(click.Group):
    """A command for each action; its help is the action's title, effect and undoing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the registry's order."""
        return list(REGISTRY)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one action."""
        action = REGISTRY.get(cmd_name)
        return None if action is None else command_of(action, translator(_language(ctx)))


@click.group("do", cls=Registered)
def command() -> None:
    """Do what an operator may do, as root on the machine. What takes two persons waits for `vermilion approve`."""


def _language(ctx: click.Context) -> Language:
    return ctx.obj.terminal.language if isinstance(ctx.obj, Context) else Language.ENGLISH


def command_of(action: Action, translate: Translator) -> click.Command:
    """The command that asks for *action*: an option for each argument; secrets are asked for, never an option. Its
    help and its questions are in the language of *translate*."""
    options: list[click.Parameter] = [_option(each, translate) for each in action.arguments]
    persons = translate("Takes two persons." if action.persons == 2 else "Takes one person.")
    heading = translate("{title}.", title=translate(action.title))
    undo = translate("Undo: {undo}", undo=translate(action.undo))
    about = f"{heading}\n\n{translate(action.effect)}\n\n{undo}\n\n{persons}"
    return click.Command(action.name, params=options, help=about, callback=_callback(action))


def _option(argument: Argument, translate: Translator) -> click.Option:
    secret = argument.kind is ArgumentKind.SECRET
    kind = click.Choice(argument.choices) if argument.kind is ArgumentKind.CHOICE else click.STRING
    return click.Option(
        [f"--{argument.name.replace('_', '-')}", argument.name],
        required=argument.required and not secret,
        help=translate(argument.title),
        type=kind,
        hidden=secret,
        prompt=translate(argument.title) if secret else False,
        hide_input=secret,
    )


def _callback(action: Action) -> Callable[..., None]:
    @click.pass_context
    def ask(ctx: click.Context, /, **given: str | None) -> None:
        context: Context = ctx.obj
        arguments = {name: value for name, value in given.items() if value is not None}
        with open_administration(load(context.home).as_served(), now=utc_now, process=COMMAND) as administration:
            act = show_request(
                context, administration, administration.requests.submit_request(action.name, arguments, by=ROOT)
            )
        if act.state in (AdminRequestState.FAILED, AdminRequestState.INTERRUPTED):
            ctx.exit(REFUSED)

    return ask
