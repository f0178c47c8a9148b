"""``/office``: everything that waits. ``/office/requests/<id>``: an officer reads a request, says how the identity
was verified, and decides. ``/office/acts/<id>``: officers activate a decision with their passkeys, or refuse
it.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.model.accounts import AccountRole
from appliance.model.office import OfficerDecision, OfficerDecisionState
from appliance.office import describe_decision, subjects_of_decision
from hsm.intents import OfficerIntent
from webui.portal.office.forms import REFUSALS, field_value, office_reader, problem_of, visiting_officer
from webui.portal.parts import PortalParts
from webui.shared import passkeys

KNOWN = ("verified", "reason")


def add_request_pages(pages: Blueprint, parts: PortalParts) -> None:
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
    def approve_request(request_id: str) -> BaseResponse | tuple[str, int]:
        by = visiting_officer().subject
        try:
            act = office.drafts.draft_enrolment(request_id, verified=field_value("verified"), by=by)
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return page(request_id, {"verified": problem}, status)
        return redirect(url_for("office.act", act_id=act.id), 303)

    @pages.post("/requests/<request_id>/refuse")
    def refuse_request(request_id: str) -> BaseResponse | tuple[str, int]:
        by = visiting_officer().subject
        try:
            office.requests.refuse_request(request_id, reason=field_value("reason"), by=by)
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return page(request_id, {"reason": problem}, status)
        return redirect(url_for("office.everything"), 303)


def add_decision_pages(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the page of an act, its activation and its refusal to *pages*."""
    office, settings = parts.appliance.office, parts.appliance.settings

    def options(act: OfficerIntent, subject: str) -> str:
        known = parts.appliance.authority.credentials(subject)
        identifiers = [each.credential_id for each in known if each.credential_id is not None]
        return passkeys.request_options(act.challenge(), identifiers, settings.web.relying_party)

    def question(pending: OfficerDecision) -> str | None:
        """What the visitor's passkey is asked; None for who cannot, or need not, answer."""
        visitor = office_reader()
        waits = pending.state is OfficerDecisionState.OPEN and pending.expires > parts.appliance.now()
        if not waits or AccountRole.OFFICER not in visitor.roles or visitor.subject in pending.approved_by:
            return None
        return options(office.decisions.to_activate(pending), visitor.subject)

    def page(act_id: str, problem: str = "", status: int = 200) -> tuple[str, int]:
        pending = office.decisions.find_decision(act_id)
        names = office.members.names(subjects_of_decision(pending))
        shown = render_template(
            "office/act.html",
            act=pending,
            words=describe_decision(pending, names),
            names=names,
            kinds=office.requests.find_request(pending.request).kinds if pending.request else (),
            over=pending.expires <= parts.appliance.now(),
            options=question(pending),
            problem=problem,
        )
        return shown, status

    @pages.get("/acts/<act_id>")
    def act(act_id: str) -> tuple[str, int]:
        office_reader()
        return page(act_id)

    @pages.post("/acts/<act_id>")
    def activate(act_id: str) -> BaseResponse | tuple[str, int]:
        by = visiting_officer().subject
        try:
            answer = passkeys.activation(by, field_value(passkeys.FIELD, passkeys.LONGEST_ANSWER))
            office.decisions.activate_decision(act_id, answer)
        except REFUSALS as refusal:
            return page(act_id, *problem_of(refusal))
        return redirect(url_for("office.act", act_id=act_id), 303)

    @pages.post("/acts/<act_id>/refuse")
    def refuse(act_id: str) -> BaseResponse | tuple[str, int]:
        by = visiting_officer().subject
        try:
            office.decisions.refuse_decision(act_id, reason=field_value("reason", 500), by=by)
        except REFUSALS as refusal:
            return page(act_id, *problem_of(refusal))
        return redirect(url_for("office.everything"), 303)


def add_overview_page(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the list to *pages*."""
    office = parts.appliance.office

    @pages.get("")
    def everything() -> str:
        office_reader()
        search = request.args.get("search", "")[:100]
        after = request.args.get("after", "")[:80]
        waiting, acts, seals = office.requests.waiting(), office.decisions.waiting_decisions(), office.seals.all()
        subjects = [each.subject for each in waiting]
        subjects += [subject for act in acts for subject in subjects_of_decision(act)]
        subjects += [custodian for seal in seals for custodian in seal.custodians]
        names = office.members.names(subjects)
        return render_template(
            "office/list.html",
            waiting=waiting,
            acts=[(act, describe_decision(act, names)) for act in acts],
            roll=office.members.page(search, after=after),
            seals=seals,
            names=names,
            search=search,
            after=after,
        )
