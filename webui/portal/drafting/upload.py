"""``/contracts/new``: where the text comes from. An upload is a draft at once."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template

from appliance.contracts.drafting import DraftTerms
from appliance.errors import ConfinementFailed, DocumentRefused
from webui.portal.drafting import incoming
from webui.portal.drafting.controller import DraftController, DraftStep, field_value
from webui.shared.language import translate


def install(pages: Blueprint, controller: DraftController) -> None:
    """The addresses of this page."""

    @pages.get("/contracts/new")
    def new() -> Response:
        controller.visitor()
        return _page(controller, {})

    @pages.post("/contracts/new")
    def create() -> Response:
        visitor = controller.visitor()
        if len(field_value("title")) > incoming.LONGEST_TITLE:
            return _page(
                controller, {"title": translate()("At most {most} characters.", most=incoming.LONGEST_TITLE)}
            )
        try:
            return controller.once.redirected(visitor.subject, lambda: _made(controller, visitor.subject))
        except (DocumentRefused, ConfinementFailed) as error:
            return _page(controller, {"document": translate()(error.template, **error.values)})


def _page(controller: DraftController, problems: dict[str, str]) -> Response:
    text = render_template(
        "drafting/new.html",
        problems=problems,
        typed={"title": field_value("title")},
        accept=incoming.accepted_types(controller),
        hint=incoming.upload_hint(controller),
    )
    return make_response(text, 422 if problems else 200)


def _made(controller: DraftController, subject: str) -> str:
    """A draft of the uploaded document; the address of its first step."""
    content = incoming.uploaded_document(controller)
    title = field_value("title") or incoming.title_of_upload() or translate()("Untitled contract")
    terms = DraftTerms(title=title, kind="", purpose="", initiator=subject)
    draft = controller.appliance.drafting.draft(content, terms)
    return f"/contracts/{draft.id}/draft/{DraftStep.DOCUMENT}"
