"""``vermilion acts``, ``do``, ``approve``, ``withdraw``: administrators' requests, made and decided on the
machine itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from appliance.accounts.sessions import ClientInfo
from appliance.administration import COMMAND, Administration, open_administration
from appliance.administration.action import Action, Argument, ArgumentKind
from appliance.administration.actions import REGISTRY, find_action
from appliance.administration.actions.accounts import LINK
from appliance.cli.program import REFUSED, Context
from appliance.clock import utc_now
from appliance.config import load
from appliance.language import Language, Translator, translator
from appliance.model.administration import ROOT, Actor, AdminRequest, AdminRequestState

PATIENCE = 20.0
"""Seconds that the scheduler has for an act before the command leaves it alone."""


@click.command("acts")
@click.option("--all", "all_", is_flag=True, help="The newest fifty, whatever became of them.")
@click.pass_obj
def acts_command(context: Context, all_: bool) -> None:
    """List what waits for a second person, or is under way."""
    with open_administration(load(context.home), now=utc_now, process=COMMAND) as administration:
        requests = administration.requests
        for act in requests.recent() if all_ else [*requests.waiting(), *requests.under_way()]:
            _say(context, act)


def show_request(context: Context, administration: Administration, act: AdminRequest) -> AdminRequest:
    """Says what *act* will do, waits for a moment where another process does it, and says what came of it."""
    say, deadline = context.terminal.say, time.monotonic() + PATIENCE
    effect, values = find_action(act.action).effect_of(act.arguments)
    say(effect, **values)
    warn_about_custodians(context, administration, act)
    while act.state is AdminRequestState.PERFORMING and time.monotonic() < deadline:
        time.sleep(0.2)
        act = administration.requests.find_request(act.id)
    if act.state is AdminRequestState.WAITING:
        say("{id} waits for a second person: `vermilion approve {id} --login LOGIN`.", id=act.id)
        _print_notified_approvers(context, administration, act)
        if act.action == LINK:
            told = {"login": act.arguments["login"], "code": administration.account_setup.code_for(act.id)}
            say("Who approves is shown the link; give {login} this code, which goes with it: {code}", **told)
    elif act.outcome is not None:
        speak = context.terminal.warn if act.state is not AdminRequestState.DONE else say
        speak(act.outcome.template, **act.outcome.values)
        if act.outcome.secret:
            click.echo(act.outcome.secret)
    else:
        say("{id} is {state}.", id=act.id, state=act.state)
    return act


def _require_done(act: AdminRequest) -> None:
    if act.state in (AdminRequestState.FAILED, AdminRequestState.INTERRUPTED):
        raise click.exceptions.Exit(REFUSED)


def warn_about_custodians(context: Context, administration: Administration, act: AdminRequest) -> None:
    """Warns where an *act* that is not done yet would end a PIN custodian, which its own sentence cannot say."""
    found = administration.pin_custodians.warning(act.action, act.arguments) if act.outcome is None else None
    if found is not None:
        context.terminal.warn(found.template, **found.values)


def _print_notified_approvers(context: Context, administration: Administration, act: AdminRequest) -> None:
    say, told = context.terminal.say, administration.approval_mail.notified_approvers(act)
    if told.sent or told.waiting:
        say("A mail about it goes to {names}.", names=", ".join([*told.sent, *told.waiting]))
    if told.unnotified:
        say("No mail is sent to {names}: tell them yourself.", names=", ".join(told.unnotified))
    if not any((told.sent, told.waiting, told.unnotified)):
        say("Nobody can approve it now: no administrator of the kind that may is active.")


def _say(context: Context, act: AdminRequest) -> None:
    values = {"id": act.id, "action": act.action, "state": act.state, "who": act.asked_by, "at": act.asked}
    context.terminal.say("{id}  {action}, {state}; {who}, {at}", **values)
    action = REGISTRY.get(act.action)
    if action is None:  # another release asked for it
        click.echo(act.effect)
        return
    effect, places = action.effect_of(act.arguments)
    context.terminal.say(effect, **places)


HERE = ClientInfo("console of the machine")


@click.command("approve")
@click.argument("request_id", metavar="ID")
@click.option("--login", required=True, help="Who approves: an administrator, not the one who asked.")
@click.option("--refuse", is_flag=True, help="Refuse it instead.")
@click.pass_obj
def approve_command(context: Context, request_id: str, login: str, refuse: bool) -> None:
    """Approve, as a second person, what was asked for under ID; password and code are asked for."""
    with open_administration(load(context.home).as_served(), now=utc_now, process=COMMAND) as administration:
        waiting = administration.requests.find_request(request_id)
        action = find_action(waiting.action)
        asked = {"id": waiting.id, "who": waiting.asked_by, "what": waiting.action}
        asked["at"] = f"{waiting.asked:%Y-%m-%d %H:%M:%S} UTC"
        context.terminal.say("{id}: {who} has asked for {what} at {at}.", **asked)
        effect, values = action.effect_of(waiting.arguments)
        context.terminal.say(effect, **values)
        warn_about_custodians(context, administration, waiting)
        by = _proven(context, administration, login, waiting, refuse=refuse)
        if refuse:
            administration.requests.refuse_request(request_id, by=by)
            context.terminal.say("{id} is refused.", id=request_id)
            return
        act = administration.requests.approve_request(request_id, by=by, shown=waiting)
        _require_done(show_request(context, administration, act))


def _proven(
    context: Context, administration: Administration, login: str, waiting: AdminRequest, *, refuse: bool
) -> Actor:
    """Who *login* is, by password and code; each question says what the answer is for."""
    speech = context.terminal
    what = speech.translated(find_action(waiting.action).title)
    if refuse:
        password = speech.ask_hidden("Password of {login}, to refuse “{what}”", login=login, what=what)
        code = speech.ask_hidden("Code of {login}, to refuse “{what}”", login=login, what=what)
    else:
        password = speech.ask_hidden("Password of {login}, to approve “{what}”", login=login, what=what)
        code = speech.ask_hidden("Code of {login}, to approve “{what}”", login=login, what=what)
    return administration.sign_in.prove_both(login, password, code, HERE)


class Registered(click.Group):
    """A command for each action; its help is the action's title, effect and undoing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the registry's order."""
        return list(REGISTRY)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        action = REGISTRY.get(cmd_name)
        return None if action is None else command_of(action, translator(_language(ctx)))


@click.group("do", cls=Registered)
def do_action() -> None:
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
    @click.pass_obj
    def ask(context: Context, /, **given: str | None) -> None:
        arguments = {name: value for name, value in given.items() if value is not None}
        with open_administration(load(context.home).as_served(), now=utc_now, process=COMMAND) as administration:
            act = administration.requests.submit_request(action.name, arguments, by=ROOT)
            _require_done(show_request(context, administration, act))

    return ask


@click.command("withdraw")
@click.argument("request_id", metavar="ID")
@click.pass_obj
def withdraw_command(context: Context, request_id: str) -> None:
    """Take back what was asked for under ID on this machine, while it waits."""
    with open_administration(load(context.home), now=utc_now, process=COMMAND) as administration:
        administration.requests.withdraw_request(request_id, by=ROOT)
        context.terminal.say("{id} is withdrawn.", id=request_id)
