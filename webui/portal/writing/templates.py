"""``/templates``: the templates of the visitor's organisation, and samples to start from; previews of a text or a
template's version as page pictures, exactly as it will be typeset.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from appliance.errors import DocumentRefused, NotFound, PreconditionRefused
from appliance.model.writing import TextPurpose, Wording
from appliance.writing import Beginning, Sample, samples
from webui.portal.writing.context import WritingContext, chosen_language, field_value, redirect_to, writing_page
from webui.portal.writing.editor import editor
from webui.shared.language import current_language, translate


def add_template_pages(pages: Blueprint, context: WritingContext) -> None:
    """The addresses of these pages."""

    @pages.get("/templates")
    def all_templates() -> Response:
        subject = context.visitor().subject
        templates = context.templates.all(subject)
        own = current_language()
        return writing_page(
            "templates",
            offered=[template for template in templates if template.retired is None],
            retired=[template for template in templates if template.retired is not None],
            unfinished=context.texts.mine(subject, TextPurpose.TEMPLATE),
            samples=sorted(samples(), key=lambda sample: sample.language is not own),
        )

    @pages.post("/templates/new")
    def new_template() -> Response:
        subject = context.visitor().subject
        wanted = field_value("sample")
        beginning = _of_sample(_sample(wanted)) if wanted else _blank()
        return context.once.redirected(subject, lambda: f"/writing/{context.texts.new(subject, beginning).id}")

    @pages.get("/templates/<template_id>")
    def template(template_id: str) -> Response:
        found = context.templates.load_template(template_id, context.visitor().subject)
        people = {version.by: context.parts.appliance.registry.person(version.by) for version in found.versions}
        return writing_page(
            "template", template=found, people=people, pages=context.previews.pages(found.current.wording)
        )

    @pages.post("/templates/<template_id>/edit")
    def edit_template(template_id: str) -> Response:
        return redirect_to(f"/writing/{context.templates.edit(template_id, context.visitor().subject).id}")

    @pages.post("/templates/<template_id>/retire")
    def retire_template(template_id: str) -> Response:
        context.templates.retire(template_id, by=context.visitor().subject)
        return redirect_to(f"/templates/{template_id}")

    @pages.post("/templates/<template_id>/offer")
    def offer_template(template_id: str) -> Response:
        context.templates.offer_again(template_id, by=context.visitor().subject)
        return redirect_to(f"/templates/{template_id}")


def _blank() -> Beginning:
    title = field_value("title").strip() or translate()("Untitled template")
    kind = field_value("kind").strip() or translate()("General contract")
    return Beginning(title, kind, chosen_language(), TextPurpose.TEMPLATE)


def _sample(name: str) -> Sample:
    for sample in samples():
        if sample.name == name:
            return sample
    raise NotFound("There is no such template.")


def _of_sample(sample: Sample) -> Beginning:
    return Beginning(sample.title, sample.kind, sample.language, TextPurpose.TEMPLATE, sample.html, sample.fields)


MOST_SHOWN = 60
"""Pages on one preview; of more, the PDF shows the rest."""


def add_preview_pages(pages: Blueprint, context: WritingContext) -> None:
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
