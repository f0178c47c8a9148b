"""Style sheets, scripts and pictures of ours, under addresses that name their content: fetched once, then kept.

The digest of all files together stands in the path, not behind it: scripts that import each other by their names,
and a style sheet's pictures, then belong to the same release without being told.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Collection
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound

ENDPOINT = "static"
"""``url_for('static', filename=…)``, as Flask's own."""

A_YEAR = 365 * 24 * 3600


def install(app: Flask, *, only: Collection[str] = ()) -> None:
    """Serves ``webui/static`` below ``/static/DIGEST/``, and below ``/static/`` for who knows no digest.

    The files (some 150 KB; *only* some of them, where they are named) are read once: all that is served is what
    the digest is of.
    """
    paths = [path for path in Path(app.root_path, "static").iterdir() if path.is_file()]
    files = {path.name: path.read_bytes() for path in paths if not only or path.name in only}
    release = _digest(b"\n".join(name.encode() + files[name] for name in sorted(files)))

    def static(filename: str, asked: str | None = None) -> Response:
        content = files.get(filename)
        if content is None:
            raise NotFound
        answer = Response(content, mimetype=mimetypes.guess_type(filename)[0])
        # An address of another release (a page from before an update) gets what is here, but must ask again.
        kept = f"max-age={A_YEAR}, immutable" if asked == release else "no-cache"
        answer.headers["Cache-Control"] = f"public, {kept}"
        answer.set_etag(_digest(content))
        answer.make_conditional(request)
        return answer

    app.add_url_rule("/static/<filename>", ENDPOINT, static)
    app.add_url_rule("/static/<asked>/<filename>", ENDPOINT, static)

    @app.url_defaults
    def name_release(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == ENDPOINT:
            values.setdefault("asked", release)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
