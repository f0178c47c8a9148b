"""``/writing/<id>``: the editor. With script it saves by itself; without, a plain text form does the same."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request

from appliance.errors import ApplianceError, DocumentRefused, PreconditionRefused, StateRefused
from appliance.model.writing import Text, TextPurpose
from appliance.writing import Beginning
from appliance.writing.markup import markup, read_markup
from appliance.writing.plain import from_plain, to_plain
from webui.portal.writing.context import (
    WritingContext,
    chosen_language,
    field_value,
    redirect_to,
    seen_version,
    sentence,
    status_for,
    writing_page,
)
from webui.shared.language import NAMES, current_language, moment, translate

REFUSALS = (StateRefused, PreconditionRefused, DocumentRefused)


def add_editor_pages(pages: Blueprint, context: WritingContext) -> None:
    """The addresses of this page."""

    @pages.get("/writing")
    def listed() -> Response:
        subject = context.visitor().subject
        return writing_page("texts", texts=context.texts.mine(subject))

    @pages.post("/writing/new")
    def new() -> Response:
        subject = context.visitor().subject
        beginning = Beginning(
            field_value("title").strip() or translate()("Untitled text"),
            field_value("kind").strip() or translate()("General contract"),
            chosen_language(),
        )
        return context.once.redirected(subject, lambda: f"/writing/{context.texts.new(subject, beginning).id}")

    @pages.get("/writing/<text_id>")
    def edit(text_id: str) -> Response:
        return editor(context.text(text_id))

    @pages.post("/writing/<text_id>")
    def save(text_id: str) -> Response:
        subject = context.visitor().subject
        if "text" in request.files:
            return _saved_by_script(context, text_id, subject)
        text = context.text(text_id)
        plain = field_value("plain")
        try:
            context.texts.save(text_id, markup(from_plain(plain)), by=subject, seen=seen_version())
        except REFUSALS as refusal:
            return editor(text, refusal, plain=plain)
        return redirect_to(f"/writing/{text_id}#saved")

    @pages.post("/writing/<text_id>/about")
    def describe(text_id: str) -> Response:
        subject = context.visitor().subject
        text = context.text(text_id)
        try:
            context.texts.describe(
                text_id,
                title=field_value("title"),
                kind=field_value("kind"),
                language=chosen_language(),
                by=subject,
                seen=seen_version(),
            )
        except REFUSALS as refusal:
            about = {"title": field_value("title"), "kind": field_value("kind"), "language": chosen_language()}
            return editor(text, refusal, about=about)
        return redirect_to(f"/writing/{text_id}")

    @pages.get("/writing/<text_id>/discard")
    def ask(text_id: str) -> Response:
        return writing_page("discard", text=context.text(text_id))

    @pages.post("/writing/<text_id>/discard")
    def discard(text_id: str) -> Response:
        subject = context.visitor().subject
        purpose = context.text(text_id).purpose
        context.texts.discard(text_id, by=subject, seen=seen_version())
        return redirect_to("/templates" if purpose is TextPurpose.TEMPLATE else "/writing")

    @pages.post("/writing/<text_id>/publish")
    def publish(text_id: str) -> Response:
        subject = context.visitor().subject

        def make() -> str:
            return f"/templates/{context.templates.publish(text_id, by=subject, seen=seen_version()).id}"

        try:
            return context.once.redirected(subject, make)
        except REFUSALS as refusal:
            return editor(context.text(text_id), refusal)


def editor(
    text: Text,
    refusal: ApplianceError | None = None,
    *,
    plain: str | None = None,
    about: dict[str, Any] | None = None,
) -> Response:
    """The page; after a *refusal* with its sentence and with what was typed (*plain* text, the form *about*)."""
    wording = text.wording
    return writing_page(
        "editor",
        status_for(refusal) if refusal else 200,
        text=text,
        problem=sentence(refusal) if refusal else "",
        overtaken=isinstance(refusal, StateRefused),
        plain=to_plain(read_markup(wording.html)) if plain is None else plain,
        about=about or {"title": wording.title, "kind": text.kind, "language": wording.language},
        languages=NAMES,
        own_language=current_language(),
    )


def _saved_by_script(context: WritingContext, text_id: str, subject: str) -> Response:
    """What the editor's script sends: the HTML as a file, which may be larger than a form's fields."""
    html = request.files["text"].read().decode(errors="replace")
    try:
        text = context.texts.save(text_id, html, by=subject, seen=seen_version())
    except StateRefused as refusal:
        version = context.text(text_id).version
        return make_response(jsonify({"detail": sentence(refusal), "version": version}), 409)
    except (PreconditionRefused, DocumentRefused) as refusal:
        return make_response(jsonify({"detail": sentence(refusal)}), 422)
    return jsonify({"version": text.version, "at": moment(text.changed)})
