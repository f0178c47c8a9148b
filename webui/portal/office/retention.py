"""``/office/retention``: legal holds, what has to go and what went; erasing somebody's personal data."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import NotFound
from appliance.model.retention import Disposal, LegalHold
from appliance.retention import RetentionServices
from webui.portal.office.forms import REFUSALS, field_value, office_reader, problem_of, visiting_officer
from webui.portal.parts import PortalParts
from webui.shared.language import translate

Answer = Response | BaseResponse


def add_retention_pages(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the pages to *pages*."""
    retention = parts.appliance.retention

    @pages.get("/retention")
    def retained() -> Response:
        office_reader()
        return _page(parts)

    @pages.post("/retention/<any(hold, lift, propose, confirm, refuse):what>")
    def retain(what: str) -> Answer:
        by = visiting_officer().subject
        contract = field_value("contract", 80).strip()
        try:
            _do(retention, what, contract, field_value("reason", 2000), by)
        except NotFound as refusal:
            return _page(parts, {"contract": translate()(refusal.template, **refusal.values)}, 422)
        except REFUSALS as refusal:
            sentence, status = problem_of(refusal)
            return _page(parts, {"contract" if what == "hold" else "": sentence}, status)
        return redirect(url_for("office.retained"), 303)

    @pages.get("/people/<subject>/erase")
    def erasure(subject: str) -> Response:
        visiting_officer()
        return _erasure(parts, subject)

    @pages.post("/people/<subject>/erase")
    def erase(subject: str) -> Answer:
        by = visiting_officer().subject
        try:
            retention.erasure.erase_person(subject, reason=field_value("reason", 2000), by=by)
        except REFUSALS as refusal:
            sentence, status = problem_of(refusal)
            return _erasure(parts, subject, {"reason": sentence}, status)
        return redirect(url_for("office.person", subject=subject), 303)


def _do(retention: RetentionServices, what: str, contract: str, reason: str, by: str) -> None:
    match what:
        case "hold":
            retention.holds.place_hold(contract, reason=reason, by=by)
        case "lift":
            retention.holds.lift_hold(contract, reason=reason, by=by)
        case "propose":
            retention.disposal.propose_disposal(contract, reason=reason, by=by)
        case "confirm":
            retention.disposal.confirm_disposal(contract, by=by)
        case _:
            retention.disposal.refuse_disposal(contract, reason=reason, by=by)


def _page(parts: PortalParts, problems: dict[str, str] | None = None, status: int = 200) -> Response:
    retention = parts.appliance.retention
    holds, waiting = retention.holds.list_holds(), retention.disposal.list_proposed()
    done, due = retention.disposal.list_done(), retention.disposal.list_due()
    subjects = [each.placed_by for each in holds] + [each.proposed_by for each in (*waiting, *done)]
    shown = render_template(
        "office/retention.html",
        holds=holds,
        reason=lambda each: _reason(parts, each),
        waiting=waiting,
        due=due,
        done=done,
        names=parts.appliance.office.members.names(subjects),
        two=parts.appliance.policy.default.retention.second_person,
        problems=problems or {},
        typed=request.form,
    )
    return make_response(shown, status)


def _reason(parts: PortalParts, each: LegalHold | Disposal) -> str:
    """The reason for readers of the organisation that drafted the contract, to which it is internal."""
    if parts.appliance.disclosing.drafted(each.contract, office_reader().audience):
        return each.reason
    return translate()("internal to the organisation that drafted it")


def _erasure(
    parts: PortalParts, subject: str, problems: dict[str, str] | None = None, status: int = 200
) -> Response:
    shown = render_template(
        "office/erase.html",
        member=parts.appliance.office.members.member(subject),
        remainder=parts.appliance.retention.erasure.remainder(subject),
        problems=problems or {},
        typed=request.form,
    )
    return make_response(shown, status)
