"""Pages that other software may show in a frame, and the cookies of these frames.

A browser sends a frame of another site no ordinary cookie (``SameSite``). The cookies here are for one frame
alone: below its path, and partitioned (CHIPS): the same frame on another site does not have them.
"""

from __future__ import annotations

from typing import Final

from flask import request
from werkzeug.wrappers import Response

FRAMED: Final = "embedded"
"""The blueprint of these pages, and what their addresses begin with; the part behind it is the frame's own."""

LONGEST: Final = 100
"""Characters of a cookie that are read."""


def framed_path() -> str | None:
    """Below which path the pages of this request's frame are; None for a page that nobody frames."""
    if request.blueprint != FRAMED or not request.view_args:
        return None
    return f"/{FRAMED}/{request.view_args['token']}"


def read_framed_cookie(name: str, *, secure: bool) -> str:
    """What the frame's cookie holds, or nothing; *secure*: on a server, which has TLS."""
    return request.cookies.get(_called(name, secure=secure), "")[:LONGEST]


def set_framed_cookie(response: Response, name: str, value: str, *, secure: bool) -> None:
    """Gives the frame a cookie. Browsers take ``Secure`` on this computer without TLS, too."""
    called, path = _called(name, secure=secure), framed_path()
    response.set_cookie(called, value, path=path, secure=True, httponly=True, samesite="None", partitioned=True)


def _called(name: str, *, secure: bool) -> str:
    return f"__Secure-framed-{name}" if secure else f"framed-{name}"
