"""``/contracts/new``: where the text comes from. An upload is a draft at once; what may come, and what is said
when it cannot be taken.
"""

from __future__ import annotations

from pathlib import PurePath

from flask import Blueprint, Response, make_response, render_template, request

from appliance.contracts.drafting import DraftTerms
from appliance.errors import ConfinementFailed, DocumentRefused
from appliance.writing.converting import SUFFIXES
from webui.portal.drafting.controller import DraftController, DraftStep, field_value
from webui.shared.language import translate


def add_upload_pages(pages: Blueprint, controller: DraftController) -> None:
    """The addresses of this page."""

    @pages.get("/contracts/new")
    def new() -> Response:
        controller.visitor()
        return _page(controller, {})

    @pages.post("/contracts/new")
    def create() -> Response:
        visitor = controller.visitor()
        if len(field_value("title")) > LONGEST_TITLE:
            return _page(controller, {"title": translate()("At most {most} characters.", most=LONGEST_TITLE)})
        try:
            return controller.once.redirected(visitor.subject, lambda: _made(controller, visitor.subject))
        except (DocumentRefused, ConfinementFailed) as error:
            return _page(controller, {"document": translate()(error.template, **error.values)})


def _page(controller: DraftController, problems: dict[str, str]) -> Response:
    text = render_template(
        "drafting/new.html",
        problems=problems,
        typed={"title": field_value("title")},
        accept=accepted_types(controller),
        hint=upload_hint(controller),
    )
    return make_response(text, 422 if problems else 200)


def _made(controller: DraftController, subject: str) -> str:
    """A draft of the uploaded document; the address of its first step."""
    content = uploaded_document(controller)
    title = field_value("title") or title_of_upload() or translate()("Untitled contract")
    terms = DraftTerms(title=title, kind="", purpose="", initiator=subject)
    draft = controller.appliance.drafting.draft(content, terms)
    return f"/contracts/{draft.id}/draft/{DraftStep.DOCUMENT}"


MEBIBYTE = 1024 * 1024
PDF = ".pdf"
LONGEST_TITLE = 200


def accepted_types(controller: DraftController) -> str:
    """The kinds of files for the browser's chooser."""
    office = SUFFIXES if controller.appliance.converter.available else ()
    return ",".join([PDF, "application/pdf", *office])


def upload_hint(controller: DraftController) -> str:
    """What may be uploaded, in words."""
    size = controller.parts.appliance.settings.documents.largest // MEBIBYTE
    if controller.appliance.converter.available:
        return translate()("PDF, or DOCX and ODT, which become a PDF here; up to {size} MB.", size=size)
    return translate()("PDF, up to {size} MB.", size=size)


def uploaded_document(controller: DraftController) -> bytes:
    """The uploaded document as PDF. Raises :class:`DocumentRefused` for none, and for what cannot be converted."""
    given = request.files.get("document")
    if given is None or not given.filename:
        raise DocumentRefused("missing", "Choose the document that is to be signed.")
    content = given.read()
    if not content:
        raise DocumentRefused("empty", "The file is empty; choose another one.")
    converter = controller.appliance.converter
    return converter.convert(content, given.filename) if converter.takes(given.filename) else content


def title_of_upload() -> str:
    """A title out of the file's name: without its ending and what is no letter."""
    given = request.files.get("document")
    name = given.filename if given is not None and given.filename else ""
    words = "".join(letter if letter.isprintable() else " " for letter in name.replace("\\", "/").split("/")[-1])
    return PurePath(words).stem.strip()[:LONGEST_TITLE]
