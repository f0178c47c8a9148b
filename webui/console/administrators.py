"""``/administrators``: who administrates, in which of the three kinds; what is done about them are actions."""

from __future__ import annotations

from flask import Blueprint, render_template

from appliance.administration.actions import REGISTRY, may_ask
from appliance.model.administration import AdministratorRole, AdministratorState
from webui.console.access import administration, visitor

AREA = "administrators"
"""The first word of the names of the actions about administrators."""

STATES = {
    AdministratorState.INVITED: ("Not set up yet", "open"),
    AdministratorState.ACTIVE: ("Active", "good"),
    AdministratorState.LOCKED: ("Locked", "bad"),
    AdministratorState.SUSPENDED: ("Suspended", "bad"),
    AdministratorState.LEFT: ("Has left", ""),
}

FITTING = {
    AdministratorState.INVITED: ("link", "remove"),
    AdministratorState.ACTIVE: ("suspend", "reset", "remove"),
    AdministratorState.LOCKED: ("unlock", "suspend", "reset", "remove"),
    AdministratorState.SUSPENDED: ("resume", "remove"),
    AdministratorState.LEFT: (),
}
"""What can be done about somebody in each state, by the last words of the actions' names."""

blueprint = Blueprint("administrators", __name__)


@blueprint.get("/administrators")
def everybody() -> str:
    """The page: for each kind, who is of it, and what the reader may ask for about them."""
    who = visitor()
    ours = {each.name.removeprefix(f"{AREA}."): each for each in REGISTRY.values() if may_ask(who.actor, each)}
    allowed = {name: each for name, each in ours.items() if each.name != name}
    rows = [
        (each, [allowed[name] for name in FITTING[each.state] if name in allowed and each.login != who.login])
        for each in administration.administrators.everybody()
    ]
    kinds = [(role, [row for row in rows if row[0].role is role]) for role in AdministratorRole]
    return render_template("administrators.html", kinds=kinds, states=STATES, new=allowed.get("add"))
