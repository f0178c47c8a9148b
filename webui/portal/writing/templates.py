"""``/templates``: the templates of the visitor's organisation, and samples to start from."""

from __future__ import annotations

from flask import Blueprint, Response

from appliance.errors import NotFound
from appliance.model.writing import TextPurpose
from appliance.writing import Beginning, Sample, samples
from webui.portal.writing.context import WritingContext, chosen_language, field_value, redirect_to, writing_page
from webui.shared.language import current_language, translate


def install(pages: Blueprint, context: WritingContext) -> None:
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
