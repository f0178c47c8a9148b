"""``/office/people/ID/contracts``: what somebody who has left leaves behind, and who takes it over;
``/contracts/ID/stand-in``: the same of one contract, for its initiator."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint

from appliance.contracts.handing_over import LeftBehind
from appliance.errors import NotAllowed
from webui.portal.access import ContractView, view_contract
from webui.portal.office.forms import visiting_officer
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import field

pages = Blueprint("departures", __name__)


@pages.get("/office/people/<subject>/contracts")
def left_behind(subject: str) -> Answer:
    visiting_officer()
    return _left_behind(appliance.handing_over.left_behind(subject), subject)


@pages.post("/office/people/<subject>/contracts")
@form(left_behind, visiting_officer)
def take_over(by: str, subject: str) -> Answer:
    _decide(field("contract", 80), by, left=subject)
    return see_other("departures.left_behind", subject=subject)


def _initiated(contract_id: str) -> ContractView:
    seen = view_contract(contract_id)
    if seen.who.subject != seen.contract.initiator:
        raise NotAllowed("Only the initiator or an officer decides who stands in for somebody who has left.")
    return seen


@pages.get("/contracts/<contract_id>/stand-in")
def stand_in(contract_id: str) -> Answer:
    return _left_behind(appliance.handing_over.left_in_contract(_initiated(contract_id).contract))


@pages.post("/contracts/<contract_id>/stand-in")
@form(stand_in, _initiated)
def stand_in_for(seen: ContractView, contract_id: str) -> Answer:
    _decide(contract_id, seen.who.subject)
    return see_other("contracts.page", contract_id=contract_id)


def _decide(contract_id: str, by: str, *, left: str | None = None) -> None:
    party, to, reason = field("party", 80), field("to", 80), field("reason", 1001)
    if party:
        appliance.handing_over.reassign(contract_id, party, to=to, reason=reason, by=by, left=left)
    else:
        appliance.handing_over.take_over(contract_id, to=to, reason=reason, by=by, left=left)


def _left_behind(left: Sequence[LeftBehind], subject: str = "") -> Answer:
    people = appliance.registry
    return render(
        "office/left_behind.html",
        subject=subject,
        left=left,
        names={each.left: people.person(each.left).name for each in left},
        who=people.person(subject).name if subject else "",
    )
