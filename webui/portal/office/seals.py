"""``/office/seals``: making a company seal, its page and picture, changes of its custodians, suspension, and the
record of its end.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import PreconditionRefused
from appliance.model.office import OfficerDecision
from appliance.model.people import SealKind
from appliance.office import SealDraft
from appliance.office.members import RollPage
from webui.portal.office.forms import (
    REFUSALS,
    field_value,
    office_reader,
    organisations,
    problem_of,
    visiting_officer,
)
from webui.portal.parts import PortalParts
from webui.shared import forms

WIDTHS = {SealKind.COMPANY: "42", SealKind.CONTRACT: "40"}
"""Usual widths in mm (印章治安管理: 公章 of companies 40 to 42)."""


def add_seal_pages(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the form for a new seal and the page of a seal to *pages*."""
    office, single = parts.appliance.office, forms.SingleSubmission(parts.appliance.submissions)

    def new_page(problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        posted = request.method == "POST"
        typed = {
            "organisation": field_value("organisation"),
            "kind": field_value("kind") or SealKind.CONTRACT.name,
            "width": field_value("width") if posted else WIDTHS[SealKind.CONTRACT],
            "needed": field_value("needed", 1) or "1",
        }
        chosen, choices, find = request.form.getlist("custodian"), organisations(parts), field_value("find", 100)
        custodians = office.members.possible_custodians(find, chosen=chosen)
        shown = render_template(
            "office/new_seal.html",
            typed=typed,
            chosen=chosen,
            find=find,
            more=bool(find) or any(page.following for page in custodians.values()),
            kinds=list(SealKind),
            custodians=[(each, custodians[each].entries if each in custodians else ()) for each, _ in choices],
            organisations=choices,
            problems=problems,
        )
        return shown, status

    @pages.get("/seals/new")
    def new_seal() -> tuple[str, int]:
        visiting_officer()
        return new_page({})

    @pages.post("/seals/new")
    def make_seal() -> BaseResponse | tuple[str, int]:
        by = visiting_officer().subject
        if field_value("act") == "search":
            return new_page({})
        try:
            draft = _draft()
            return single.redirected(
                by, lambda: url_for("office.act", act_id=office.drafts.draft_seal(draft, by=by).id)
            )
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return new_page({_place_of(refusal.template): problem}, status)

    add_seal_change_pages(pages, parts)
    _install_looks(pages, parts)


def _install_looks(pages: Blueprint, parts: PortalParts) -> None:
    office, pictures = parts.appliance.office, parts.appliance.seal_pictures

    @pages.get("/seals/<subject>/look.png")
    def seal_look(subject: str) -> Response:
        """How the seal is painted: with the picture ``?picture=`` (its digest; empty: drawn), or as it is now."""
        office_reader()
        seal = office.seals.seal(subject)
        digest = request.args.get("picture", seal.picture or "")[:64]
        answer = Response(pictures.preview(seal, digest), mimetype="image/png")
        answer.cache_control.private = True
        return answer

    @pages.get("/seals/<subject>/destruction")
    def seal_destruction(subject: str) -> str:
        office_reader()
        record = office.seals.destruction(subject)
        names = office.members.names([subject, *record.act.approved_by, *record.seal.custodians])
        return render_template("office/destruction.html", record=record, seal=record.seal, names=names)


def _draft() -> SealDraft:
    """The seal that was described. Raises :class:`PreconditionRefused` for a kind or width that is none."""
    try:
        kind = SealKind[field_value("kind")]
    except KeyError as error:
        raise PreconditionRefused("Choose the kind of the seal.") from error
    try:
        width = float(field_value("width", 10).replace(",", "."))
    except ValueError as error:
        raise PreconditionRefused("The width is a number of millimetres, such as 40.") from error
    custodians = tuple(request.form.getlist("custodian")[:20])
    needed = 2 if field_value("needed", 1) == "2" else 1
    return SealDraft(field_value("organisation"), kind, custodians, width, needed)


def _place_of(template: str) -> str:
    """The field that a refusal is about."""
    words = {
        "wide": "width",
        "width": "width",
        "kind": "kind",
        "ustodian": "custodian",
        "organisation": "organisation",
    }
    return next((place for word, place in words.items() if word in template), "")


Answer = BaseResponse | tuple[str, int]

LARGEST_NAME = 80


def add_seal_change_pages(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the page of a seal and its forms to *pages*."""
    office, preparing = parts.appliance.office, parts.appliance.office.drafts.seals
    pictures = parts.appliance.seal_pictures

    def page(subject: str, problems: dict[str, str] | None = None, status: int = 200) -> tuple[str, int]:
        seal, find = office.seals.seal(subject), request.args.get("find", "")[:100]
        possible = office.members.possible_custodians(find).get(seal.organisation, RollPage((), ""))
        shown = render_template(
            "office/seal.html",
            seal=seal,
            names=office.members.names(list(seal.custodians)),
            possible=[each for each in possible.entries if each.subject not in seal.custodians],
            more=bool(find) or bool(possible.following),
            find=find,
            typed=request.form,
            problems=problems or {},
        )
        return shown, status

    def prepared(subject: str, place: str, prepare: Callable[[str], OfficerDecision]) -> Answer:
        """*prepare* by the officer, then its page; a refusal stands at its *place* on the seal's page."""
        by = visiting_officer().subject
        try:
            act = prepare(by)
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return page(subject, {place: problem}, status)
        return redirect(url_for("office.act", act_id=act.id), 303)

    @pages.get("/seals/<subject>")
    def seal(subject: str) -> tuple[str, int]:
        office_reader()
        return page(subject)

    @pages.post("/seals/<subject>/suspend")
    def suspend_seal(subject: str) -> Answer:
        by = visiting_officer().subject
        try:
            office.seals.suspend(subject, reason=field_value("reason"), by=by)
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return page(subject, {"reason": problem}, status)
        return redirect(url_for("office.seal", subject=subject), 303)

    @pages.post("/seals/<subject>/resume")
    def resume_seal(subject: str) -> Answer:
        reason = field_value("reason")
        return prepared(subject, "reason", lambda by: preparing.draft_resumption(subject, reason=reason, by=by))

    @pages.post("/seals/<subject>/custodians/<any(add, remove):what>")
    def change_custodians(subject: str, what: str) -> Answer:
        person = field_value("custodian", LARGEST_NAME)
        change = preparing.draft_custodian if what == "add" else preparing.draft_dismissal
        return prepared(subject, "custodian", lambda by: change(subject, person, by=by))

    @pages.post("/seals/<subject>/needed")
    def change_needed(subject: str) -> Answer:
        needed = {"1": 1, "2": 2}.get(field_value("needed", 1), 0)
        return prepared(subject, "needed", lambda by: preparing.draft_custodian_number(subject, needed, by=by))

    @pages.post("/seals/<subject>/picture")
    def change_picture(subject: str) -> Answer:
        visiting_officer()
        file = request.files.get("picture")
        data = b"" if file is None else file.read()

        def prepare(by: str) -> OfficerDecision:
            made = pictures.made(office.seals.seal(subject), data)
            return preparing.draft_picture(subject, made, by=by)

        return prepared(subject, "picture", prepare)

    @pages.post("/seals/<subject>/picture/drawn")
    def draw_seal(subject: str) -> Answer:
        return prepared(subject, "picture", lambda by: preparing.draft_picture(subject, None, by=by))

    @pages.post("/seals/<subject>/destroy")
    def destroy_seal(subject: str) -> Answer:
        reason = field_value("destroyed_because")
        destruction = preparing.draft_destruction
        return prepared(subject, "destroyed_because", lambda by: destruction(subject, reason=reason, by=by))
