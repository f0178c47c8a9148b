"""``/contracts/new``: where the text comes from. An upload is a draft at once."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from appliance.contracts.drafting import DraftTerms
from appliance.errors import ConfinementFailed, DocumentRefused
from webui.portal.drafting import incoming
from webui.portal.drafting.desk import Desk, Step, typed
from webui.shared.language import translate


def install(pages: Blueprint, desk: Desk) -> None:
    """The addresses of this page."""

    @pages.get("/contracts/new")
    def new() -> Response:
        desk.visitor()
        return _page(desk, {})

    @pages.post("/contracts/new")
    def create() -> Response:
        visitor = desk.visitor()
        if len(typed("title")) > incoming.LONGEST_TITLE:
            return _page(desk, {"title": translate()("At most {most} characters.", most=incoming.LONGEST_TITLE)})
        try:
            return desk.once.redirected(visitor.subject, lambda: _made(desk, visitor.subject))
        except (DocumentRefused, ConfinementFailed) as error:
            return _page(desk, {"document": translate()(error.template, **error.values)})


def _page(desk: Desk, problems: dict[str, str]) -> Response:
    text = render_template(
        "drafting/new.html",
        problems=problems,
        typed={"title": typed("title")},
        accept=incoming.accepted(desk),
        hint=incoming.hint(desk),
    )
    return make_response(text, 422 if problems else 200)


def _made(desk: Desk, subject: str) -> str:
    """A draft of the uploaded document; the address of its first step."""
    content = incoming.document(desk)
    title = typed("title") or incoming.title() or translate()("Untitled contract")
    terms = DraftTerms(title=title, kind="", purpose="", initiator=subject)
    draft = desk.appliance.drafting.draft(content, terms)
    return f"/contracts/{draft.id}/draft/{Step.DOCUMENT}"
