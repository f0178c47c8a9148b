"""How much a request may bring: files where files are expected, elsewhere no more than a form."""

from __future__ import annotations

from typing import Final

from flask import Flask, request
from werkzeug.exceptions import RequestEntityTooLarge

TAKE_FILES: Final = frozenset(
    {
        "drafting.create",
        "drafting.replace_document",
        "office.change_picture",
        "powers.register",
        "signatures.take",
        "verify.verify",
        "writing.save",
    }
)
"""The endpoints that read files; a test compares them with the code."""

ROOM_FOR_FORM: Final = 2 * 1024 * 1024
"""Bytes of a request that brings no file; what an expired session carries to the page to sign in is the most."""


def install(app: Flask) -> None:
    """Answers 413 for a body that is larger than the address takes."""

    @app.before_request
    def limit() -> None:
        if request.endpoint in TAKE_FILES:
            return
        request.max_content_length = ROOM_FOR_FORM
        if (request.content_length or 0) > ROOM_FOR_FORM:
            raise RequestEntityTooLarge
