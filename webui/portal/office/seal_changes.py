"""``/office/seals/<seal>``: the page of a seal, and what officers change about it: each an act with their passkey.

Suspending alone is done at once, without an act.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from appliance.model.office import OfficerDecision
from appliance.office.members import RollPage
from webui.portal.office.forms import REFUSALS, field_value, office_reader, problem_of, visiting_officer
from webui.portal.parts import PortalParts

Answer = Response | tuple[str, int]

LARGEST_NAME = 80


def install(pages: Blueprint, parts: PortalParts) -> None:
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
