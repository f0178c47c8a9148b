"""``/office/seals``: making a company seal, suspending it and letting it go again."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.errors import PreconditionRefused
from appliance.model.people import SealKind
from appliance.office import SealDraft
from webui.portal.office.forms import REFUSALS, officer, organisations, problem_of, reader, text
from webui.portal.parts import PortalParts
from webui.shared import once

WIDTHS = {SealKind.COMPANY: "42", SealKind.CONTRACT: "40"}
"""Usual widths in mm (印章治安管理: 公章 of companies 40 to 42)."""


def install(pages: Blueprint, parts: PortalParts) -> None:
    """Adds the form for a new seal and the page of a seal to *pages*."""
    office, single = parts.appliance.office, once.Once(parts.appliance.submissions)

    def new_page(problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        posted = request.method == "POST"
        typed = {
            "organisation": text("organisation"),
            "kind": text("kind") or SealKind.CONTRACT.name,
            "width": text("width") if posted else WIDTHS[SealKind.CONTRACT],
        }
        chosen, choices, find = request.form.getlist("custodian"), organisations(parts), text("find", 100)
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
        officer()
        return new_page({})

    @pages.post("/seals/new")
    def make_seal() -> Response | tuple[str, int]:
        by = officer().subject
        if text("act") == "search":
            return new_page({})
        try:
            draft = _draft()
            return single.redirected(
                by, lambda: url_for("office.act", act_id=office.preparing.seal(draft, by=by).id)
            )
        except REFUSALS as refusal:
            problem, status = problem_of(refusal)
            return new_page({_place_of(refusal.template): problem}, status)

    def page(subject: str, problem: str = "", status: int = 200) -> tuple[str, int]:
        seal = office.seals.seal(subject)
        names = office.members.names(list(seal.custodians))
        shown = render_template("office/seal.html", seal=seal, names=names, reason=text("reason"), problem=problem)
        return shown, status

    @pages.get("/seals/<subject>")
    def seal(subject: str) -> tuple[str, int]:
        reader()
        return page(subject)

    @pages.post("/seals/<subject>/<any(suspend, resume):what>")
    def change_seal(subject: str, what: str) -> Response | tuple[str, int]:
        by = officer().subject
        change = office.seals.suspend if what == "suspend" else office.seals.resume
        try:
            change(subject, reason=text("reason"), by=by)
        except REFUSALS as refusal:
            return page(subject, *problem_of(refusal))
        return redirect(url_for("office.seal", subject=subject), 303)


def _draft() -> SealDraft:
    """The seal that was described. Raises :class:`PreconditionRefused` for a kind or width that is none."""
    try:
        kind = SealKind[text("kind")]
    except KeyError as error:
        raise PreconditionRefused("Choose the kind of the seal.") from error
    try:
        width = float(text("width", 10).replace(",", "."))
    except ValueError as error:
        raise PreconditionRefused("The width is a number of millimetres, such as 40.") from error
    return SealDraft(text("organisation"), kind, tuple(request.form.getlist("custodian")[:20]), width)


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
