"""``/office/seals``: making a company seal, its page and picture, changes of its custodians, suspension, and the
record of its end.
"""

from __future__ import annotations

from flask import Response, redirect, request, url_for

from appliance.model.contract import EXPONENTS, Money
from appliance.model.office import OfficerDecisionState
from appliance.model.people import SealKind
from appliance.model.seal_rules import PermittedUse, SealPosition
from appliance.money import NotAnAmount, read_money
from webui.portal.office.forms import (
    SEAL_PLACES,
    office_reader,
    organisations,
    own_view,
    pages,
    posted_seal,
    typed_seal,
    visiting_officer,
)
from webui.portal.office.requests import to_decision
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, FormProblems, form, render, see_other
from webui.shared.forms import address_once, date_of, field, listed
from webui.shared.language import translate

LONGEST_NAME = 80

_POSITIONS = {
    SealPosition.LAST_PAGE: "on the last page alone",
    SealPosition.LOWER_RIGHT: "in the lower right quarter of the page",
    SealPosition.ACROSS_PAGES: "also across the edges of all pages",
}
"""Where a seal is put, as message ids."""


@pages.get("/seals/new")
def new_seal() -> Answer:
    _ = translate()
    visiting_officer()
    chosen, choices, find = request.form.getlist("custodian"), organisations(), field("find", 100)
    members = appliance.office.members
    custodians = members.possible_custodians(find, chosen=chosen, own=own_view())
    outside, more = members.possible_outside_custodians(find, chosen=chosen)
    return render(
        "office/new_seal.html",
        typed=typed_seal(),
        chosen=chosen,
        find=find,
        more=bool(find) or more or any(page.following for page in (*custodians.values(), *outside.values())),
        kinds=list(SealKind),
        custodians=[(each, custodians[each].entries if each in custodians else ()) for each, _ in choices],
        outside=[(each, page.entries) for each, page in outside.items()],
        organisations=choices + [(each, _("{company} (another company)", company=each)) for each in outside],
    )


@pages.post("/seals/new")
@form(new_seal, visiting_officer, SEAL_PLACES)
def make_seal(by: str) -> Answer:
    if field("act") == "search":
        return new_seal()
    draft, office = posted_seal(), appliance.office
    made = address_once(
        appliance.submissions, by, lambda: url_for("office.act", act_id=office.drafts.draft_seal(draft, by=by).id)
    )
    pending = office.decisions.find_decision(made.rpartition("/")[2])
    waits = pending.state is OfficerDecisionState.OPEN and by not in pending.approved_by
    return to_decision(by, pending) if waits else redirect(made, 303)


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
    possible = members.possible_custodians_of(shown, find, own=own_view())
    return render(
        "office/seal.html",
        seal=shown,
        names=members.names_apart(list(shown.custodians), own_view()),
        possible=[each for each in possible.entries if each.subject not in shown.custodians],
        more=bool(find) or bool(possible.following),
        find=find,
        rules=appliance.office.seals.rules(subject),
        filings=appliance.office.seals.filings(subject),
        currencies=[(code, code) for code in EXPONENTS],
        positions=[(each.value, translate()(words)) for each, words in _POSITIONS.items()],
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


@pages.post("/seals/<subject>/rules")
@form(seal, visiting_officer, "kinds")
def set_seal_rules(by: str, subject: str) -> Answer:
    chosen = request.form.getlist("position")
    positions = tuple(each for each in SealPosition if each in chosen)
    rules = PermittedUse(listed(field("kinds", 3000)), _limit(), positions)
    appliance.office.seals.set_rules(subject, rules, by=by)
    return see_other("office.seal", subject=subject, _anchor="rules")


def _limit() -> Money | None:
    """The amount up to which the seal is used; None where none is typed. Raises :class:`FormProblems`."""
    amount, currency = field("amount", 100).strip(), field("currency", 3)
    try:
        return read_money(amount, currency) if amount else None
    except (NotAnAmount, ValueError, KeyError) as error:
        wanted = translate()("An amount such as 1,000,000.00 or 壹佰万元整, no finer than the currency.")
        raise FormProblems({"amount": wanted}) from error


@pages.post("/seals/<subject>/filing")
@form(seal, visiting_officer, "authority")
def file_seal(by: str, subject: str) -> Answer:
    entered = {"authority": field("authority", 200), "number": field("number", 200)}
    appliance.office.seals.file(subject, **entered, day=date_of(field("day", 10)), by=by)
    return see_other("office.seal", subject=subject, _anchor="filing")


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
