"""``/administrators``: who administrates, in which of the three kinds; what is done about them are actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, render_template

from appliance.administration.action import Action
from appliance.administration.actions import REGISTRY, may_ask
from appliance.model.administration import Administrator, AdministratorRole, AdministratorState
from webui.console.access import TITLES, ConsoleVisitor, visitor
from webui.console.parts import ConsoleParts

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


@dataclass(frozen=True, slots=True)
class AdministratorRow:
    """One administrator, and what the reader may ask for about them."""

    it: Administrator
    state: str
    tone: str
    acts: tuple[Action, ...]


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The page."""
    pages = Blueprint("administrators", __name__)

    @pages.get("/administrators")
    def everybody() -> str:
        who = visitor()
        ours = {each.name.removeprefix(f"{AREA}."): each for each in REGISTRY.values() if may_ask(who.actor, each)}
        allowed = {name: each for name, each in ours.items() if each.name != name}
        rows = [_row(who, each, allowed) for each in parts.administration.administrators.everybody()]
        kinds = [(role, TITLES[role], [row for row in rows if row.it.role is role]) for role in AdministratorRole]
        return render_template("administrators.html", kinds=kinds, new=allowed.get("add"))

    return pages


def _row(who: ConsoleVisitor, administrator: Administrator, allowed: Mapping[str, Action]) -> AdministratorRow:
    state, tone = STATES[administrator.state]
    fitting = () if administrator.login == who.login else FITTING[administrator.state]
    return AdministratorRow(
        administrator, state, tone, tuple(allowed[name] for name in fitting if name in allowed)
    )
