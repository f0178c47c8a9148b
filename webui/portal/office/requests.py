"""``/office/requests/<id>``: an officer reads a request, says how the identity was verified, and decides."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webui.portal.office.forms import REFUSALS, field_value, office_reader, problem_of, visiting_officer
from webui.portal.parts import PortalParts

KNOWN = ("verified", "reason")


def install(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the page of a request and its two answers to *pages*."""
    office = parts.appliance.office

    def page(request_id: str, problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        asked = office.requests.find_request(request_id)
        typed = (
            {name: field_value(name) for name in KNOWN} if request.method == "POST" else dict.fromkeys(KNOWN, "")
        )
        member = office.members.member(asked.subject)
        names = office.members.names([asked.decided_by or ""])
        shown = render_template(
            "office/request.html", asked=asked, member=member, names=names, typed=typed, problems=problems
        )
        return shown, status

    @pages.get("/requests/<request_id>")
    def enrolment_request(request_id: str) -> tuple[str, int]:
        office_reader()
        return page(request_id, {})

    @pages.post("/requests/<request_id>/approve")
    def approve_request(request_id: str) -> Response | tuple[str, int]:
        by = visiting_officer().subject
        try:
            act = office.drafts.draft_enrolment(request_id, verified=field_value("verified"), by=by)
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return page(request_id, {"verified": problem}, status)
        return redirect(url_for("office.act", act_id=act.id), 303)

    @pages.post("/requests/<request_id>/refuse")
    def refuse_request(request_id: str) -> Response | tuple[str, int]:
        by = visiting_officer().subject
        try:
            office.requests.refuse_request(request_id, reason=field_value("reason"), by=by)
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return page(request_id, {"reason": problem}, status)
        return redirect(url_for("office.everything"), 303)
