"""``/office/seals``: making a company seal, its page and picture, changes of its custodians, suspension, and the
record of its end.
"""

from __future__ import annotations

from flask import Response, redirect, request, url_for

from appliance.errors import PreconditionRefused
from appliance.model.office import OfficerDecisionState
from appliance.model.people import SealKind
from appliance.office import SealDraft
from appliance.office.members import RollPage
from webui.portal.office.forms import office_reader, organisations, pages, visiting_officer
from webui.portal.office.requests import to_decision
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import address_once, field

USUAL_WIDTH = "40"
"""Of a contract seal, in mm (印章治安管理: 公章 of companies 40 to 42)."""

LONGEST_NAME = 80

_PLACES = {
    "wide": "width",
    "width": "width",
    "kind": "kind",
    "ustodian": "custodian",
    "organisation": "organisation",
}
"""Word in a refusal → the field that it is about."""


@pages.get("/seals/new")
def new_seal() -> Answer:
    visiting_officer()
    typed = {
        "organisation": field("organisation"),
        "kind": field("kind") or SealKind.CONTRACT.name,
        "width": field("width") if request.method == "POST" else USUAL_WIDTH,
        "needed": field("needed", 1) or "1",
    }
    chosen, choices, find = request.form.getlist("custodian"), organisations(), field("find", 100)
    custodians = appliance.office.members.possible_custodians(find, chosen=chosen)
    return render(
        "office/new_seal.html",
        typed=typed,
        chosen=chosen,
        find=find,
        more=bool(find) or any(page.following for page in custodians.values()),
        kinds=list(SealKind),
        custodians=[(each, custodians[each].entries if each in custodians else ()) for each, _ in choices],
        organisations=choices,
    )


@pages.post("/seals/new")
@form(new_seal, visiting_officer, _PLACES)
def make_seal(by: str) -> Answer:
    if field("act") == "search":
        return new_seal()
    draft, office = _draft(), appliance.office
    made = address_once(
        appliance.submissions, by, lambda: url_for("office.act", act_id=office.drafts.draft_seal(draft, by=by).id)
    )
    pending = office.decisions.find_decision(made.rpartition("/")[2])
    waits = pending.state is OfficerDecisionState.OPEN and by not in pending.approved_by
    return to_decision(by, pending) if waits else redirect(made, 303)


def _draft() -> SealDraft:
    """The seal that was described. Raises :class:`PreconditionRefused` for a kind or width that is none."""
    try:
        kind = SealKind[field("kind")]
    except KeyError as error:
        raise PreconditionRefused("Choose the kind of the seal.") from error
    try:
        width = float(field("width", 10).replace(",", "."))
    except ValueError as error:
        raise PreconditionRefused("The width is a number of millimetres, such as 40.") from error
    custodians = tuple(request.form.getlist("custodian")[:20])
    return SealDraft(field("organisation"), kind, custodians, width, 2 if field("needed", 1) == "2" else 1)


@pages.get("/seals/<subject>/look.png")
def seal_look(subject: str) -> Answer:
    """How the seal is painted: with the picture ``?picture=`` (its digest; empty: drawn), or as it is now."""
    office_reader()
    seal = appliance.registry.seal(subject)
    digest = request.args.get("picture", seal.picture or "")[:64]
    answer = Response(appliance.seal_pictures.preview(seal, digest), mimetype="image/png")
    answer.cache_control.private = True
    return answer


@pages.get("/seals/<subject>/destruction")
def seal_destruction(subject: str) -> Answer:
    office_reader()
    record = appliance.office.seals.destruction(subject)
    names = appliance.office.members.names([subject, *record.act.approved_by, *record.seal.custodians])
    return render("office/destruction.html", record=record, seal=record.seal, names=names)


@pages.get("/seals/<subject>")
def seal(subject: str) -> Answer:
    office_reader()
    members, shown = appliance.office.members, appliance.registry.seal(subject)
    find = request.args.get("find", "")[:100]
    possible = members.possible_custodians(find).get(shown.organisation, RollPage((), ""))
    return render(
        "office/seal.html",
        seal=shown,
        names=members.names(list(shown.custodians)),
        possible=[each for each in possible.entries if each.subject not in shown.custodians],
        more=bool(find) or bool(possible.following),
        find=find,
    )


@pages.post("/seals/<subject>/suspend")
@form(seal, visiting_officer, "reason")
def suspend_seal(by: str, subject: str) -> Answer:
    appliance.office.seals.suspend(subject, reason=field("reason"), by=by)
    return see_other("office.seal", subject=subject)


@pages.post("/seals/<subject>/resume")
@form(seal, visiting_officer, "reason")
def resume_seal(by: str, subject: str) -> Answer:
    decision = appliance.office.drafts.seals.draft_resumption(subject, reason=field("reason"), by=by)
    return to_decision(by, decision)


@pages.post("/seals/<subject>/custodians/<any(add, remove):what>")
@form(seal, visiting_officer, "custodian")
def change_custodians(by: str, subject: str, what: str) -> Answer:
    drafts = appliance.office.drafts.seals
    draft = drafts.draft_custodian if what == "add" else drafts.draft_dismissal
    return to_decision(by, draft(subject, field("custodian", LONGEST_NAME), by=by))


@pages.post("/seals/<subject>/needed")
@form(seal, visiting_officer, "needed")
def change_needed(by: str, subject: str) -> Answer:
    needed = {"1": 1, "2": 2}.get(field("needed", 1), 0)
    decision = appliance.office.drafts.seals.draft_custodian_number(subject, needed, by=by)
    return to_decision(by, decision)


@pages.post("/seals/<subject>/picture")
@form(seal, visiting_officer, "picture")
def change_picture(by: str, subject: str) -> Answer:
    """To the act's own page first: it has advice about the picture, which the activation service has not."""
    file = request.files.get("picture")
    made = appliance.seal_pictures.made(appliance.registry.seal(subject), b"" if file is None else file.read())
    return see_other("office.act", act_id=appliance.office.drafts.seals.draft_picture(subject, made, by=by).id)


@pages.post("/seals/<subject>/picture/drawn")
@form(seal, visiting_officer, "picture")
def draw_seal(by: str, subject: str) -> Answer:
    return see_other("office.act", act_id=appliance.office.drafts.seals.draft_picture(subject, None, by=by).id)


@pages.post("/seals/<subject>/destroy")
@form(seal, visiting_officer, "destroyed_because")
def destroy_seal(by: str, subject: str) -> Answer:
    reason = field("destroyed_because")
    decision = appliance.office.drafts.seals.draft_destruction(subject, reason=reason, by=by)
    return to_decision(by, decision)
