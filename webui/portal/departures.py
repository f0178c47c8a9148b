"""``/office/people/ID/contracts``: what somebody who has left leaves behind, and who takes it over;
``/contracts/ID/stand-in``: the same of one contract, for its initiator."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.contracts.handing_over import LeftBehind
from appliance.errors import NotAllowed
from webui.portal.access import view_contract
from webui.portal.office.forms import REFUSALS, field_value, problem_of, visiting_officer
from webui.portal.parts import PortalParts


def blueprint(parts: PortalParts) -> Blueprint:
    """The officers' page of a person, the initiator's of a contract."""
    pages = Blueprint("departures", __name__)
    _install_for_officers(pages, parts)
    _install_for_initiators(pages, parts)
    return pages


def _install_for_officers(pages: Blueprint, parts: PortalParts) -> None:
    departures = parts.appliance.departures

    @pages.get("/office/people/<subject>/contracts")
    def left_behind(subject: str) -> tuple[str, int]:
        visiting_officer()
        return _page(parts, departures.left_behind(subject), subject)

    @pages.post("/office/people/<subject>/contracts")
    def take_over(subject: str) -> Response | tuple[str, int]:
        by = visiting_officer().subject
        try:
            _decide(parts, field_value("contract", 80), by, left=subject)
        except REFUSALS as refusal:
            return _page(parts, departures.left_behind(subject), subject, *problem_of(refusal))
        return redirect(url_for("departures.left_behind", subject=subject), 303)


def _install_for_initiators(pages: Blueprint, parts: PortalParts) -> None:
    departures = parts.appliance.departures

    @pages.get("/contracts/<contract_id>/stand-in")
    def stand_in(contract_id: str) -> tuple[str, int]:
        seen = view_contract(parts, contract_id)
        _require_initiator(seen.who.subject, seen.contract.initiator)
        return _page(parts, departures.of_contract(seen.contract))

    @pages.post("/contracts/<contract_id>/stand-in")
    def stand_in_for(contract_id: str) -> Response | tuple[str, int]:
        seen = view_contract(parts, contract_id)
        _require_initiator(seen.who.subject, seen.contract.initiator)
        try:
            _decide(parts, contract_id, seen.who.subject)
        except REFUSALS as refusal:
            return _page(parts, departures.of_contract(seen.contract), "", *problem_of(refusal))
        return redirect(url_for("contracts.page", contract_id=contract_id), 303)


def _require_initiator(subject: str, initiator: str) -> None:
    if subject != initiator:
        raise NotAllowed("Only the initiator or an officer decides who stands in for somebody who has left.")


def _decide(parts: PortalParts, contract_id: str, by: str, *, left: str | None = None) -> None:
    departures, party = parts.appliance.departures, field_value("party", 80)
    to, reason = field_value("to", 80), field_value("reason", 1001)
    if party:
        departures.reassign(contract_id, party, to=to, reason=reason, by=by, left=left)
    else:
        departures.take_over(contract_id, to=to, reason=reason, by=by, left=left)


def _page(
    parts: PortalParts, left: Sequence[LeftBehind], subject: str = "", problem: str = "", status: int = 200
) -> tuple[str, int]:
    registry = parts.appliance.registry
    shown = render_template(
        "office/left_behind.html",
        subject=subject,
        left=left,
        names={each.left: registry.person(each.left).name for each in left},
        who=registry.person(subject).name if subject else "",
        problem=problem,
        typed=request.form,
    )
    return shown, status
