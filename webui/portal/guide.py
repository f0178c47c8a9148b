"""``/guide``: the user guide in the reader's language, for everybody; outside signers read it before they come in.

Its texts and pictures are files in ``webui/guide``: a Markdown file for each chapter and language, and pictures
that ``make screenshots`` takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory, url_for
from werkzeug.exceptions import NotFound

from appliance.language import Language
from appliance.model.accounts import AccountRole
from webui.portal.access import visitor_or_none
from webui.shared.assets import A_YEAR
from webui.shared.form_pages import Answer, render
from webui.shared.language import current_language
from webui.shared.markdown import Chapter, render_chapter

FOLDER = Path(__file__).parents[1] / "guide"
PICTURES = FOLDER / "pictures"

PARTS: Mapping[str, tuple[str, ...]] = {
    "contracts": ("start", "send", "sign", "seals"),
    "other-company": ("invite", "counterparty", "partners"),
    "daily": ("ledger", "batches", "changes", "reminders", "reviews", "software"),
    "proof": ("proof", "captures", "deposits", "trouble"),
}
"""The chapters, in the order of people's work."""

CHAPTERS = tuple(name for part in PARTS.values() for name in part)

pages = Blueprint("guide", __name__, url_prefix="/guide")


@pages.get("")
def contents() -> Answer:
    someone = visitor_or_none()
    outside = someone is None or someone.guest_of is not None or AccountRole.REPRESENTATIVE in someone.roles
    language = current_language()
    parts = {part: {name: chapter(name, language) for name in names} for part, names in PARTS.items()}
    return render("guide/contents.html", parts=parts, outside=outside)


@pages.get("/<name>")
def page(name: str) -> Answer:
    if name not in CHAPTERS:
        raise NotFound
    place, language = CHAPTERS.index(name), current_language()
    return render(
        "guide/chapter.html",
        chapter=chapter(name, language),
        before=[(each, chapter(each, language).title) for each in CHAPTERS[:place][-1:]],
        after=[(each, chapter(each, language).title) for each in CHAPTERS[place + 1 :][:1]],
    )


@pages.get("/pictures/<name>.webp")
def picture(name: str) -> Response:
    """A picture under an address that names its content, and is kept."""
    answer = send_from_directory(PICTURES, f"{name}.webp", mimetype="image/webp")
    kept = f"max-age={A_YEAR}, immutable" if request.args.get("v") == _digest(name) else "no-cache"
    answer.headers["Cache-Control"] = f"public, {kept}"
    return answer


@cache
def chapter(name: str, language: Language) -> Chapter:
    """The chapter in that language; each is read once."""
    text = (FOLDER / language / f"{name}.md").read_text(encoding="utf-8")

    def attributes(named: str) -> dict[str, str]:
        file = f"{named}.{language}"
        width, height = _size((PICTURES / f"{file}.webp").read_bytes())
        source = url_for("guide.picture", name=file, v=_digest(file))
        return {"src": source, "width": str(width), "height": str(height), "loading": "lazy"}

    return render_chapter(text, attributes)


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((PICTURES / f"{name}.webp").read_bytes()).hexdigest()[:16]


def _size(content: bytes) -> tuple[int, int]:
    """Width and height of a WebP picture in the simple, lossy format (RFC 9649, 2.5; RFC 6386, 9.1)."""
    width, height = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return width, height
