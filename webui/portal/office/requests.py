"""``/office``: everything that waits. ``/office/requests/<id>``: an officer reads a request, says how the identity
was verified, and decides. ``/office/acts/<id>``: officers activate a decision with their passkeys, or refuse
it.
"""

from __future__ import annotations

from flask import request, url_for

from appliance.model.accounts import AccountRole
from appliance.model.office import OfficerDecision, OfficerDecisionKind, OfficerDecisionState
from appliance.office import describe_decision, subjects_of_decision
from webui.portal.activations import is_activated, to_activation
from webui.portal.office.forms import office_reader, own_view, pages, visiting_officer, whole_view
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import field


@pages.get("")
def everything() -> Answer:
    office_reader()
    office = appliance.office
    search = request.args.get("search", "")[:100]
    after = request.args.get("after", "")[:80]
    waiting, decisions = office.requests.waiting(), office.decisions.waiting_decisions()
    seals = appliance.registry.seals()
    subjects = [each.subject for each in waiting]
    subjects += [subject for decision in decisions for subject in subjects_of_decision(decision)]
    subjects += [custodian for seal in seals for custodian in seal.custodians]
    own = own_view()
    names = office.members.names_apart(subjects, own)
    return render(
        "office/list.html",
        waiting=waiting,
        acts=[(decision, describe_decision(decision, names)) for decision in decisions],
        roll=office.members.page(search, own=own, after=after),
        seals=seals,
        departed=office.members.count_departed() if not search and not after else 0,
        resting=appliance.capture_handing_over.count_resting() if not search and not after else 0,
        names=names,
        search=search,
        after=after,
    )


@pages.get("/requests/<request_id>")
def enrolment_request(request_id: str) -> Answer:
    office_reader()
    asked = appliance.office.requests.find_request(request_id)
    return render(
        "office/request.html",
        asked=asked,
        member=appliance.office.members.member(asked.subject, own=whole_view()),
        names=appliance.office.members.names([asked.decided_by or ""]),
        typed={name: field(name) for name in ("verified", "reason")},
    )


@pages.post("/requests/<request_id>/approve")
@form(enrolment_request, visiting_officer, "verified")
def approve_request(by: str, request_id: str) -> Answer:
    return to_decision(by, appliance.office.drafts.draft_enrolment(request_id, verified=field("verified"), by=by))


@pages.post("/requests/<request_id>/refuse")
@form(enrolment_request, visiting_officer, "reason")
def refuse_request(by: str, request_id: str) -> Answer:
    appliance.office.requests.refuse_request(request_id, reason=field("reason"), by=by)
    return see_other("office.everything")


@pages.get("/acts/<act_id>")
def act(act_id: str) -> Answer:
    office_reader()
    office = appliance.office
    pending = office.decisions.find_decision(act_id)
    names = office.members.names(subjects_of_decision(pending))
    return render(
        "office/act.html",
        act=pending,
        words=describe_decision(pending, names),
        names=names,
        kinds=office.requests.find_request(pending.request).kinds if pending.request else (),
        over=pending.expires <= appliance.now(),
        is_asked=_is_asked(pending),
    )


@pages.post("/acts/<act_id>")
@form(act, visiting_officer)
def activate(by: str, act_id: str) -> Answer:
    return to_decision(by, appliance.office.decisions.open_decision(act_id))


def to_decision(by: str, pending: OfficerDecision) -> Answer:
    """303 to the page on which the officer *by* activates *pending*: with the picture that a seal gets by it,
    or the letter of the power that it confirms. Whoever has just prepared it is led there at once: that page shows
    all of it, and who cancels there finds the portal's own."""
    shown = appliance.office.seals.offered_picture(pending)
    if pending.kind is OfficerDecisionKind.CONFIRM_POWER:
        shown = appliance.powers.letter(appliance.powers.get(pending.subject))
    back = url_for("office.activated", act_id=pending.id)
    return to_activation(by, appliance.office.decisions.to_activate(pending), back, record=shown)


@pages.get("/acts/<act_id>/activated")
@form(act, visiting_officer)
def activated(by: str, act_id: str) -> Answer:
    """Back from the activation service: does what enough officers have activated."""
    decisions = appliance.office.decisions
    pending = decisions.find_decision(act_id)
    if pending.state is OfficerDecisionState.OPEN and is_activated(by, decisions.to_activate(pending)):
        pending = decisions.perform_decision(act_id, by=by)
    if pending.kind is OfficerDecisionKind.CONFIRM_POWER and pending.state is OfficerDecisionState.DONE:
        return see_other("powers.power", power_id=pending.subject)
    return see_other("office.act", act_id=act_id)


@pages.post("/acts/<act_id>/refuse")
@form(act, visiting_officer)
def refuse(by: str, act_id: str) -> Answer:
    appliance.office.decisions.refuse_decision(act_id, reason=field("reason", 500), by=by)
    return see_other("office.everything")


def _is_asked(pending: OfficerDecision) -> bool:
    """Whether the visitor is one of those who may still activate it."""
    visitor = office_reader()
    waits = pending.state is OfficerDecisionState.OPEN and pending.expires > appliance.now()
    return waits and AccountRole.OFFICER in visitor.roles and visitor.subject not in pending.approved_by
