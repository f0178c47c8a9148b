"""``/signatures``: choose, draw or upload how one's signature looks; see it as it will stand in a field.
And the seals that one keeps or may ask for.
"""

from __future__ import annotations

import json
from contextlib import closing

from flask import Blueprint, Response, request

from appliance.appearances import drawing, scans
from appliance.errors import DocumentRefused, PreconditionRefused
from webui.portal.access import require_signer
from webui.portal.pages import appliance
from webui.shared.form_pages import Answer, form, render, see_other, unprocessable

TYPED = "typed"
"""Stands for the typed name where a picture's id would be."""

REFUSALS = (DocumentRefused, PreconditionRefused)

pages = Blueprint("signatures", __name__, url_prefix="/signatures")


@pages.get("")
def overview() -> Answer:
    subject = require_signer()
    return render(
        "signatures/page.html",
        own=appliance.appearances.appearance_of(subject),
        seals=appliance.seal_pictures.seals_of(subject),
        typed=TYPED,
        strokes=request.form.get("strokes", ""),
        sheet=(drawing.WIDTH, drawing.HEIGHT),
        megabytes=scans.LARGEST // (1024 * 1024),
    )


@pages.post("/drawn")
@form(overview, require_signer, "strokes", refusals=REFUSALS, status=unprocessable)
def draw(subject: str) -> Answer:
    try:
        strokes: object = json.loads(request.form.get("strokes", ""))
    except (ValueError, RecursionError):
        strokes = None  # refused where strokes are checked
    appliance.appearances.draw(subject, strokes)
    return see_other("signatures.overview")


@pages.post("/image")
@form(overview, require_signer, "image", refusals=REFUSALS, status=unprocessable)
def take(subject: str) -> Answer:
    upload = request.files.get("image")
    if upload is None or not upload.filename:
        raise DocumentRefused("no-file", "Choose a picture of your signature.")
    with closing(upload):
        appliance.appearances.take(subject, upload.stream.read(scans.LARGEST + 1))
    return see_other("signatures.overview")


@pages.post("/use")
def use() -> Answer:
    chosen = request.form.get("picture", "")
    appliance.appearances.choose(require_signer(), None if chosen == TYPED else chosen)
    return see_other("signatures.overview")


@pages.post("/remove")
def remove() -> Answer:
    appliance.appearances.remove(require_signer(), request.form.get("picture", ""))
    return see_other("signatures.overview")


@pages.get("/preview/<picture>.png")
def preview(picture: str) -> Answer:
    found = appliance.appearances.preview(require_signer(), None if picture == TYPED else picture)
    return Response(found, content_type="image/png")


@pages.get("/seals/<subject>.svg")
def seal(subject: str) -> Answer:
    return Response(appliance.seal_pictures.svg(require_signer(), subject), content_type="image/svg+xml")
