"""``vermilion approve``: the second person, on the machine itself, by password and code."""

from __future__ import annotations

import click

from appliance.accounts.sessions import Whereabouts
from appliance.administration import COMMAND, Administration, open_administration
from appliance.administration.registry import find_action
from appliance.cli.acts import show_request, warn_about_custodians
from appliance.cli.program import REFUSED, Context
from appliance.config import load
from appliance.model.administration import Actor, AdminRequest, AdminRequestState
from appliance.wiring import utc_now

HERE = Whereabouts("console of the machine")


@click.command("approve")
@click.argument("act_id", metavar="ID")
@click.option("--login", required=True, help="Who approves: an administrator, not the one who asked.")
@click.option("--refuse", is_flag=True, help="Refuse it instead.")
@click.pass_context
def command(ctx: click.Context, act_id: str, login: str, refuse: bool) -> None:
    """Approve, as a second person, what was asked for under ID; password and code are asked for."""
    context: Context = ctx.obj
    with open_administration(load(context.home).as_served(), now=utc_now, process=COMMAND) as administration:
        waiting = administration.requests.find_request(act_id)
        action = find_action(waiting.action)
        asked = {"id": waiting.id, "who": waiting.asked_by, "what": waiting.action}
        asked["at"] = f"{waiting.asked:%Y-%m-%d %H:%M:%S} UTC"
        context.terminal.say("{id}: {who} has asked for {what} at {at}.", **asked)
        effect, values = action.effect_of(waiting.arguments)
        context.terminal.say(effect, **values)
        warn_about_custodians(context, administration, waiting)
        by = _proven(context, administration, login, waiting, refuse=refuse)
        if refuse:
            administration.requests.refuse_request(act_id, by=by)
            context.terminal.say("{id} is refused.", id=act_id)
            return
        act = show_request(
            context, administration, administration.requests.approve_request(act_id, by=by, shown=waiting)
        )
    if act.state in (AdminRequestState.FAILED, AdminRequestState.INTERRUPTED):
        ctx.exit(REFUSED)


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
    return administration.signing_in.prove(login, password, code, HERE)
