"""Previews: a text or a template's version as page pictures, exactly as it will be typeset."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from appliance.errors import DocumentRefused, PreconditionRefused
from appliance.model.writing import Wording
from webui.portal.writing.context import WritingContext, writing_page
from webui.portal.writing.editor import editor

MOST_SHOWN = 60
"""Pages on one preview; of more, the PDF shows the rest."""


def install(pages: Blueprint, context: WritingContext) -> None:
    """The addresses of these pages."""

    @pages.get("/writing/<text_id>/preview")
    def preview(text_id: str) -> Response:
        text = context.text(text_id)
        try:
            count = context.previews.pages(text.wording)
        except (PreconditionRefused, DocumentRefused) as refusal:
            return editor(text, refusal)
        return _pages(text.wording, count, f"/writing/{text.id}", text=text)

    @pages.get("/writing/<text_id>/preview/<int:number>.png")
    def picture(text_id: str, number: int) -> Response:
        return _picture(context, context.text(text_id).wording, number)

    @pages.get("/writing/<text_id>/preview.pdf")
    def document(text_id: str) -> Response:
        return _document(context, context.text(text_id).wording)

    @pages.get("/templates/<template_id>/<int:version>/<int:number>.png")
    def template_picture(template_id: str, version: int, number: int) -> Response:
        return _picture(context, _wording(context, template_id, version), number)

    @pages.get("/templates/<template_id>/<int:version>/preview")
    def template_preview(template_id: str, version: int) -> Response:
        wording = _wording(context, template_id, version)
        shown = context.templates.load_template(template_id, context.visitor().subject)
        address = f"/templates/{template_id}/{version}"
        return _pages(wording, context.previews.pages(wording), address, template=shown, version=version)

    @pages.get("/templates/<template_id>/<int:version>/preview.pdf")
    def template_document(template_id: str, version: int) -> Response:
        return _document(context, _wording(context, template_id, version))


def _wording(context: WritingContext, template_id: str, version: int) -> Wording:
    return context.templates.version(template_id, version, context.visitor().subject).wording


def _pages(wording: Wording, count: int, address: str, **shown: Any) -> Response:
    pictures = f"{address}/preview" if address.startswith("/writing/") else address
    return writing_page(
        "preview",
        wording=wording,
        count=count,
        numbers=range(1, min(count, MOST_SHOWN) + 1),
        pictures=pictures,
        document=f"{address}/preview.pdf",
        **({"text": None, "template": None, "version": None} | shown),
    )


def _picture(context: WritingContext, wording: Wording, number: int) -> Response:
    return Response(context.previews.picture(wording, number), content_type="image/png")


def _document(context: WritingContext, wording: Wording) -> Response:
    response = Response(context.previews.document(wording), content_type="application/pdf")
    response.headers["Content-Disposition"] = 'attachment; filename="preview.pdf"'
    return response
