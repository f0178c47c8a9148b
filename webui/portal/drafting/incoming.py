"""A file that comes in: what may come, and what is said when it cannot be taken."""

from __future__ import annotations

from pathlib import PurePath

from flask import request

from appliance.errors import DocumentRefused
from appliance.writing.converting import SUFFIXES
from webui.portal.drafting.controller import DraftController
from webui.shared.language import translate

MEBIBYTE = 1024 * 1024
PDF = ".pdf"
LONGEST_TITLE = 200


def accepted_types(controller: DraftController) -> str:
    """The kinds of files for the browser's chooser."""
    office = SUFFIXES if controller.appliance.converter.available else ()
    return ",".join([PDF, "application/pdf", *office])


def upload_hint(controller: DraftController) -> str:
    """What may be uploaded, in words."""
    size = controller.parts.settings.documents.largest // MEBIBYTE
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
