"""``/signatures``: choose, draw or upload how one's signature looks; see it as it will stand in a field."""

from __future__ import annotations

import json
from contextlib import closing

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from appliance.appearances import drawing, scanned
from appliance.errors import ApplianceError, DocumentRefused, PreconditionRefused
from appliance.model.accounts import PEOPLES_ROLES
from webui.portal import access
from webui.portal.parts import PortalParts
from webui.shared.language import translate

TYPED = "typed"
"""Stands for the typed name where a picture's id would be."""

Answer = BaseResponse | tuple[str, int]


def blueprint(parts: PortalParts) -> Blueprint:
    """The page, its forms, and the pictures on it."""
    pages = Blueprint("signatures", __name__, url_prefix="/signatures")
    appearances, seals = parts.appliance.appearances, parts.appliance.seal_pictures

    def page(problems: dict[str, str], status: int = 200) -> tuple[str, int]:
        subject = _person()
        return (
            render_template(
                "signatures/page.html",
                own=appearances.appearance_of(subject),
                seals=seals.seals_of(subject),
                typed=TYPED,
                strokes=request.form.get("strokes", ""),
                sheet=(drawing.WIDTH, drawing.HEIGHT),
                megabytes=scanned.LARGEST // (1024 * 1024),
                problems=problems,
            ),
            status,
        )

    @pages.get("")
    def overview() -> Answer:
        return page({})

    @pages.post("/drawn")
    def draw() -> Answer:
        subject = _person()
        try:
            appearances.draw(subject, _strokes(request.form.get("strokes", "")))
        except (DocumentRefused, PreconditionRefused) as refusal:
            return page({"strokes": _said(refusal)}, 422)
        return _back()

    @pages.post("/image")
    def take() -> Answer:
        subject = _person()
        try:
            appearances.take(subject, _content(request.files.get("image")))
        except (DocumentRefused, PreconditionRefused) as refusal:
            return page({"image": _said(refusal)}, 422)
        return _back()

    @pages.post("/use")
    def use() -> Answer:
        chosen = request.form.get("picture", "")
        appearances.choose(_person(), None if chosen == TYPED else chosen)
        return _back()

    @pages.post("/remove")
    def remove() -> Answer:
        appearances.remove(_person(), request.form.get("picture", ""))
        return _back()

    @pages.get("/preview/<picture>.png")
    def preview(picture: str) -> Response:
        found = appearances.preview(_person(), None if picture == TYPED else picture)
        return Response(found, content_type="image/png")

    @pages.get("/seals/<subject>.svg")
    def seal(subject: str) -> Response:
        return Response(seals.svg(_person(), subject), content_type="image/svg+xml")

    return pages


def _person() -> str:
    """The signed-in person; officers, operators and auditors sign nothing, guests choose nothing here."""
    return access.require(*PEOPLES_ROLES).subject


def _strokes(posted: str) -> object:
    """The posted JSON; what is none is refused where strokes are checked."""
    try:
        return json.loads(posted)
    except (ValueError, RecursionError):
        return None


def _content(upload: FileStorage | None) -> bytes:
    if upload is None or not upload.filename:
        raise DocumentRefused("no-file", "Choose a picture of your signature.")
    with closing(upload):
        return upload.stream.read(scanned.LARGEST + 1)


def _said(refusal: ApplianceError) -> str:
    return translate()(refusal.template, **refusal.values)


def _back() -> BaseResponse:
    return redirect(url_for("signatures.overview"), 303)
