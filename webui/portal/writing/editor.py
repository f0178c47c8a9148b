"""``/writing/<id>``: the editor. With script it saves by itself; without, a plain text form does the same."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request

from appliance.errors import ApplianceError, DocumentRefused, PreconditionRefused, StateRefused
from appliance.model.writing import Text, TextPurpose
from appliance.writing import Beginning
from appliance.writing.markup import markup
from appliance.writing.plain import from_plain, to_plain
from appliance.writing.reading import read
from webui.portal.writing.room import Room, chosen_language, page, seen, sentence, status_for, to, typed
from webui.shared.language import NAMES, current_language, moment, translate

REFUSALS = (StateRefused, PreconditionRefused, DocumentRefused)


def install(pages: Blueprint, room: Room) -> None:
    """The addresses of this page."""

    @pages.get("/writing")
    def listed() -> Response:
        subject = room.visitor().subject
        return page("texts", texts=room.texts.mine(subject))

    @pages.post("/writing/new")
    def new() -> Response:
        subject = room.visitor().subject
        beginning = Beginning(
            typed("title").strip() or translate()("Untitled text"),
            typed("kind").strip() or translate()("General contract"),
            chosen_language(),
        )
        return room.once.redirected(subject, lambda: f"/writing/{room.texts.new(subject, beginning).id}")

    @pages.get("/writing/<text_id>")
    def edit(text_id: str) -> Response:
        return editor(room.text(text_id))

    @pages.post("/writing/<text_id>")
    def save(text_id: str) -> Response:
        subject = room.visitor().subject
        if "text" in request.files:
            return _saved_by_script(room, text_id, subject)
        text = room.text(text_id)
        plain = typed("plain")
        try:
            room.texts.save(text_id, markup(from_plain(plain)), by=subject, seen=seen())
        except REFUSALS as refusal:
            return editor(text, refusal, plain=plain)
        return to(f"/writing/{text_id}#saved")

    @pages.post("/writing/<text_id>/about")
    def describe(text_id: str) -> Response:
        subject = room.visitor().subject
        text = room.text(text_id)
        try:
            room.texts.describe(
                text_id,
                title=typed("title"),
                kind=typed("kind"),
                language=chosen_language(),
                by=subject,
                seen=seen(),
            )
        except REFUSALS as refusal:
            about = {"title": typed("title"), "kind": typed("kind"), "language": chosen_language()}
            return editor(text, refusal, about=about)
        return to(f"/writing/{text_id}")

    @pages.get("/writing/<text_id>/discard")
    def ask(text_id: str) -> Response:
        return page("discard", text=room.text(text_id))

    @pages.post("/writing/<text_id>/discard")
    def discard(text_id: str) -> Response:
        subject = room.visitor().subject
        purpose = room.text(text_id).purpose
        room.texts.discard(text_id, by=subject, seen=seen())
        return to("/templates" if purpose is TextPurpose.TEMPLATE else "/writing")

    @pages.post("/writing/<text_id>/publish")
    def publish(text_id: str) -> Response:
        subject = room.visitor().subject

        def make() -> str:
            return f"/templates/{room.templates.publish(text_id, by=subject, seen=seen()).id}"

        try:
            return room.once.redirected(subject, make)
        except REFUSALS as refusal:
            return editor(room.text(text_id), refusal)


def editor(
    text: Text,
    refusal: ApplianceError | None = None,
    *,
    plain: str | None = None,
    about: dict[str, Any] | None = None,
) -> Response:
    """The page; after a *refusal* with its sentence and with what was typed (*plain* text, the form *about*)."""
    wording = text.wording
    return page(
        "editor",
        status_for(refusal) if refusal else 200,
        text=text,
        problem=sentence(refusal) if refusal else "",
        overtaken=isinstance(refusal, StateRefused),
        plain=to_plain(read(wording.html)) if plain is None else plain,
        about=about or {"title": wording.title, "kind": text.kind, "language": wording.language},
        languages=NAMES,
        own_language=current_language(),
    )


def _saved_by_script(room: Room, text_id: str, subject: str) -> Response:
    """What the editor's script sends: the HTML as a file, which may be larger than a form's fields."""
    html = request.files["text"].read().decode(errors="replace")
    try:
        text = room.texts.save(text_id, html, by=subject, seen=seen())
    except StateRefused as refusal:
        version = room.text(text_id).version
        return make_response(jsonify({"detail": sentence(refusal), "version": version}), 409)
    except (PreconditionRefused, DocumentRefused) as refusal:
        return make_response(jsonify({"detail": sentence(refusal)}), 422)
    return jsonify({"version": text.version, "at": moment(text.changed)})
