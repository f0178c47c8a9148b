"""Filling in: the form of a template or text with merge fields, and the draft that comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from appliance.errors import ConfinementFailed, DocumentRefused, PreconditionRefused, StateRefused
from appliance.language.characters import words
from appliance.model.contract import Contract
from appliance.model.writing import Text, Wording
from appliance.writing import CheckedValues, blank, check_values
from webui.portal.writing.context import (
    WritingContext,
    field_value,
    number_of,
    redirect_to,
    seen_version,
    sentence,
    status_for,
    writing_page,
)
from webui.portal.writing.editor import editor
from webui.shared.language import translate

PREFIX = "f-"
"""Of the names of merge fields in the form, so that they never meet the form's own."""

REFUSALS = (PreconditionRefused, StateRefused, DocumentRefused, ConfinementFailed)


def add_filling_pages(pages: Blueprint, context: WritingContext) -> None:
    """The addresses of these pages."""

    @pages.get("/writing/<text_id>/use")
    def form(text_id: str) -> Response:
        return _text_form(context.text(text_id), None)

    @pages.post("/writing/<text_id>/use")
    def use(text_id: str) -> Response:
        subject = context.visitor().subject
        text = context.text(text_id)
        if text.wording.fields and field_value("filled") != "1":
            return redirect_to(f"/writing/{text_id}/use")
        checked = check_values(text.wording.fields, _values())
        if checked.problems:
            return _text_form(text, checked)
        try:
            return _made(
                context,
                lambda: context.issuing.from_text(text_id, checked.accepted, by=subject, seen=seen_version()),
            )
        except REFUSALS as refusal:
            if not text.wording.fields:
                return editor(text, refusal)
            return _text_form(text, checked, sentence(refusal), status_for(refusal))

    @pages.get("/templates/<template_id>/use")
    def template_form(template_id: str) -> Response:
        return _template_form(context, template_id, None)

    @pages.post("/templates/<template_id>/use")
    def use_template(template_id: str) -> Response:
        subject = context.visitor().subject
        number = number_of("number")
        template = context.templates.offered(template_id, subject)
        checked = check_values(template.current.wording.fields, _known_values(template.current.number == number))
        title = field_value("title")
        if checked.problems or not words(title):
            return _template_form(context, template_id, checked)
        try:
            return _made(
                context,
                lambda: context.issuing.from_template(
                    template_id, number, checked.accepted, title=title, by=subject
                ),
            )
        except REFUSALS as refusal:
            return _template_form(context, template_id, checked, sentence(refusal), status_for(refusal))

    def _known_values(same_version: bool) -> dict[str, str]:
        """What was typed; of a form that a newer version has overtaken only what that still has."""
        return _values() if same_version else {}


def _made(context: WritingContext, make: Callable[[], Contract]) -> Response:
    subject = context.visitor().subject
    return context.once.redirected(subject, lambda: f"/contracts/{make().id}/draft/document")


def _values() -> dict[str, str]:
    return {name.removeprefix(PREFIX): value for name, value in request.form.items() if name.startswith(PREFIX)}


def _text_form(text: Text, checked: CheckedValues | None, refused: str = "", status: int = 422) -> Response:
    shown = {"text": text, "seen": text.version, "address": f"/writing/{text.id}/use", "title": text.wording.title}
    return _form(text.wording, checked, refused, status, **shown)


def _template_form(
    context: WritingContext, template_id: str, checked: CheckedValues | None, refused: str = "", status: int = 422
) -> Response:
    template = context.templates.offered(template_id, context.visitor().subject)
    title = field_value("title") if request.method == "POST" else template.name
    problems = {} if words(title) else {"title": translate()("The contract needs a title.")}
    shown = {
        "template": template,
        "number": template.current.number,
        "address": f"/templates/{template.id}/use",
        "title": title,
        "more": problems,
    }
    return _form(template.current.wording, checked, refused, status, **shown)


def _form(wording: Wording, checked: CheckedValues | None, refused: str, status: int, **shown: Any) -> Response:
    said = translate()
    problems = dict(shown.pop("more", {}))
    for name, problem in (checked.problems if checked else {}).items():
        problems[f"{PREFIX}{name}"] = problem.translated(said)
    labels = {f"{PREFIX}{field.name}": field.label for field in wording.fields}
    named = {
        name: said("{label}: {problem}", label=labels[name], problem=problem) if name in labels else problem
        for name, problem in problems.items()
    }
    summary = {"": refused, **named} if refused else named
    return writing_page(
        "filling",
        status if summary else 200,
        fields=wording.fields,
        typed=(checked or blank(wording.fields)).typed,
        problems=problems,
        summary=summary,
        prefix=PREFIX,
        **{"text": None, "template": None, "seen": None, "number": None, **shown},
    )
