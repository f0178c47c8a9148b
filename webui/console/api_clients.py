"""``/clients``: the programs that use the API, what they may do and when they last did, as the scheduler last saw
them; what is done about them are actions."""

from __future__ import annotations

from flask import Blueprint, render_template

from appliance.administration.actions import REGISTRY, may_ask
from appliance.administration.actions.integration import CREATE
from appliance.model.api_clients import SCOPE_TITLES, ClientState
from webui.console.access import administration, visitor
from webui.shared.language import translate

STATES = {ClientState.ACTIVE: ("Active", "good"), ClientState.SUSPENDED: ("Suspended", "bad")}

FITTING = {
    ClientState.ACTIVE: ("api.suspend_client", "api.rotate_secret"),
    ClientState.SUSPENDED: ("api.resume_client",),
}
"""What can be done about a client in each state."""

blueprint = Blueprint("clients", __name__)


@blueprint.get("/clients")
def everything() -> str:
    """The page: each client, and what the reader may ask for about it."""
    who, say = visitor(), translate()
    allowed = {name: each for name, each in REGISTRY.items() if may_ask(who.actor, each)}
    rows = [
        (
            each,
            [say(SCOPE_TITLES[scope]) for scope in SCOPE_TITLES if scope in each.scopes],
            [allowed[name] for name in FITTING[each.state] if name in allowed],
        )
        for each in administration.api_clients.all()
    ]
    return render_template("clients.html", rows=rows, states=STATES, new=allowed.get(CREATE))
