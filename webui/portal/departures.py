"""``/office/people/ID/contracts``: what somebody who has left leaves behind, and who takes it over;
``/office/captures`` and ``/office/people/ID/captures``: the same of web captures and their plans;
``/contracts/ID/stand-in``: the same of one contract, for its initiator;
``/partners/ID/representatives/ID/contracts``: the same of a representative, for the partner's administrator."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, request, url_for

from appliance.captures.handing_over import MOST_CANDIDATES
from appliance.contracts.handing_over import OpenPart
from appliance.errors import NotAllowed
from webui.portal.access import ContractView, PortalVisitor, view_contract
from webui.portal.office.forms import office_reader, visiting_officer
from webui.portal.pages import appliance
from webui.portal.partners import administrator_of
from webui.shared.form_pages import Answer, form, render, see_other, status_in_workflow
from webui.shared.forms import field

pages = Blueprint("departures", __name__)


@pages.get("/office/people/<subject>/contracts")
def left_behind(subject: str) -> Answer:
    visiting_officer()
    return open_parts_page(appliance.handing_over.left_behind(subject, looked_for()), subject)


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
    contract = _initiated(contract_id).contract
    return open_parts_page(
        appliance.handing_over.left_in_contract(contract, looked_for()),
        back=(contract.title, url_for("contracts.page", contract_id=contract_id)),
    )


@pages.post("/contracts/<contract_id>/stand-in")
@form(stand_in, _initiated)
def stand_in_for(seen: ContractView, contract_id: str) -> Answer:
    _decide(contract_id, seen.who.subject)
    return see_other("contracts.page", contract_id=contract_id)


@pages.get("/partners/<partner_id>/representatives/<subject>/contracts")
def left_by_representative(partner_id: str, subject: str) -> Answer:
    administrator_of(partner_id)
    appliance.representatives.representative(partner_id, subject)
    return open_parts_page(
        appliance.handing_over.left_behind(subject, looked_for()),
        back=(appliance.partners.partner(partner_id).name, url_for("partners.page", partner_id=partner_id)),
    )


@pages.post("/partners/<partner_id>/representatives/<subject>/contracts")
@form(left_by_representative, administrator_of)
def take_over_for_partner(someone: PortalVisitor, partner_id: str, subject: str) -> Answer:
    appliance.representatives.representative(partner_id, subject)
    _decide(field("contract", 80), someone.subject, left=subject)
    return see_other("departures.left_by_representative", partner_id=partner_id, subject=subject)


@pages.get("/office/captures")
def captures_left() -> Answer:
    """Who has left and still has web captures or plans."""
    office_reader()
    return render("office/captures.html", left=appliance.capture_handing_over.everybody())


@pages.get("/office/people/<subject>/captures")
def captures_of(subject: str) -> Answer:
    visiting_officer()
    handing_over, find = appliance.capture_handing_over, looked_for()
    left = handing_over.left_behind(subject)
    return render(
        "office/captures_of.html",
        subject=subject,
        name=appliance.registry.person(subject).name,
        left=left,
        schedules=handing_over.schedules(subject) if left else (),
        able=handing_over.candidates(subject, find) if left else (),
        find=find,
        most=MOST_CANDIDATES,
    )


@pages.post("/office/people/<subject>/captures")
@form(captures_of, visiting_officer, "reason", status=status_in_workflow)
def take_over_captures(by: str, subject: str) -> Answer:
    to, reason = field("to", 80), field("reason", 1001)
    appliance.capture_handing_over.hand_over(subject, to=to, reason=reason, by=by)
    return see_other("departures.captures_left")


LONGEST = 60
"""Letters of a name, a department or an address to look for."""


def looked_for() -> str:
    """The words by which colleagues are found, of the form or of the address."""
    return request.values.get("find", "").strip()[:LONGEST]


def _decide(contract_id: str, by: str, *, left: str | None = None) -> None:
    party, to, reason = field("party", 80), field("to", 80), field("reason", 1001)
    if party:
        appliance.handing_over.reassign(contract_id, party, to=to, reason=reason, by=by, left=left)
    else:
        appliance.handing_over.take_over(contract_id, to=to, reason=reason, by=by, left=left)


def open_parts_page(
    parts: Sequence[OpenPart],
    subject: str = "",
    *,
    absent: str = "",
    deputy: str = "",
    back: tuple[str, str] | None = None,
) -> Answer:
    """The open *parts* with a form for each: of *subject*, who has left, or of somebody *absent*, whose parts only
    the *deputy* takes over. *back*: title and address of the page above, for whoever is no officer."""
    people = appliance.registry
    return render(
        "office/left_behind.html",
        subject=subject,
        back=back,
        absent=people.person(absent).name if absent else "",
        deputy=deputy,
        left=parts,
        find=looked_for(),
        more=any(each.candidates.more for each in parts),
        names={each.holder: people.person(each.holder).name for each in parts},
        who=people.person(subject).name if subject else "",
    )
