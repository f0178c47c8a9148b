"""Where a reader can go on from a page that refuses: addresses of this site alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from webui.shared.language import local_path


def page_before() -> str | None:
    """The page of this site that led here, with its query, as the browser says; None for any other."""
    origin = urlsplit(request.referrer or "")
    if origin.netloc != request.host:
        return None
    path = f"{origin.path}?{origin.query}" if origin.query else origin.path
    return path if path == local_path(path) else None


def page_above() -> str | None:
    """The nearest page above the address that was asked for: of ``/contracts/ID/draft/check`` it is
    ``/contracts/ID``, which shows how the contract stands. None where only the first page is above."""
    path = request.path.rstrip("/")
    while (path := path.rpartition("/")[0]) not in ("", "/"):
        if is_page(path):
            return path
    return None


def is_page(path: str) -> bool:
    """Whether something can be read at *path*."""
    try:
        current_app.url_map.bind(request.host).match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return False
    return True
