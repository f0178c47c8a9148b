"""``vermilion acts``: what was asked for, and how it stands; also what the other commands say of an act."""

from __future__ import annotations

import time

import click

from appliance.administration import COMMAND, Administration, open_administration
from appliance.administration.actions.accounts import LINK
from appliance.administration.registry import REGISTRY, find_action
from appliance.cli.program import Context
from appliance.config import load
from appliance.model.administration import AdminRequest, AdminRequestState
from appliance.wiring import utc_now

PATIENCE = 20.0
"""Seconds that the scheduler has for an act before the command leaves it alone."""


@click.command("acts")
@click.option("--all", "all_", is_flag=True, help="The newest fifty, whatever became of them.")
@click.pass_obj
def command(context: Context, all_: bool) -> None:
    """List what waits for a second person, or is under way."""
    with open_administration(load(context.home), now=utc_now, process=COMMAND) as administration:
        desk = administration.requests
        for act in desk.recent() if all_ else [*desk.waiting(), *desk.under_way()]:
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
        _say_who_was_told(context, administration, act)
        if act.action == LINK:
            told = {"login": act.arguments["login"], "code": administration.welcoming.code_for(act.id)}
            say("Who approves is shown the link; give {login} this code, which goes with it: {code}", **told)
    elif act.outcome is not None:
        speak = context.terminal.warn if act.state is not AdminRequestState.DONE else say
        speak(act.outcome.template, **act.outcome.values)
        if act.outcome.secret:
            click.echo(act.outcome.secret)
    else:
        say("{id} is {state}.", id=act.id, state=act.state)
    return act


def warn_about_custodians(context: Context, administration: Administration, act: AdminRequest) -> None:
    """Says what the sentence of an *act* that is not done yet cannot know: whether a keeper of the PIN ends."""
    found = administration.pin_custodians.warning(act.action, act.arguments) if act.outcome is None else None
    if found is not None:
        context.terminal.warn(found.template, **found.values)


def _say_who_was_told(context: Context, administration: Administration, act: AdminRequest) -> None:
    say, told = context.terminal.say, administration.approval_mail.notified_approvers(act)
    if told.sent or told.waiting:
        say("A mail about it goes to {names}.", names=", ".join([*told.sent, *told.waiting]))
    if told.untold:
        say("No mail is sent to {names}: tell them yourself.", names=", ".join(told.untold))
    if not any((told.sent, told.waiting, told.untold)):
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
