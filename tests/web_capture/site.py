"""What a site of the tests is made of: pages with one style sheet, pictures by number, a typeface."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

from tests.shared import made_once
from tests.web_capture.servers import Answer, Asked, Site, answer, page

STYLE = b"h1{color:#c81e1e;font:700 40px serif}body{margin:24px;font:20px/1.5 serif}img{display:block}"
FILM = "film"
"""Name of the folder that all workers of a run share (:mod:`tests.shared`)."""
RED = "rgb(200, 30, 30)"
"""What every page's heading has by its style sheet."""


@dataclass(frozen=True, slots=True)
class OrdinarySite:
    """``serve`` answers for all ``hosts``, of which the first has the address with the path ``start``. ``words``
    are read on it, ``pictures`` counts its images, and ``holds`` is a condition in JavaScript, for whoever visits
    it as for whoever is shown the capture; ``unreplayed`` are words that ReplayWeb.page does not
    show: it runs no service worker but its own, and does not unpack deflate. ``printed`` is read in the PDF alone;
    ``refused`` is what a capture has to tell, and what makes it look otherwise than a visit."""

    serve: Site
    words: tuple[str, ...]
    start: str = "/"
    hosts: tuple[str, ...] = ("site.example",)
    tls: bool = False
    pictures: int = 0
    holds: str = "true"
    unreplayed: tuple[str, ...] = ()
    printed: str = ""
    refused: frozenset[str] = frozenset()

    def address(self, port: int) -> str:
        return f"http{'s' if self.tls else ''}://{self.hosts[0]}:{port}{self.start}"


def of_paths(paths: Mapping[str, bytes | Callable[[Asked], Answer]]) -> Site:
    """A site of *paths*, with the style sheet, and nothing else."""
    known = {"/style.css": answer(STYLE, "text/css; charset=utf-8"), **paths}

    def serve(asked: Asked) -> Answer:
        found = known.get(asked.path) or known.get(asked.path.partition("?")[0])
        if found is None:
            return page("nothing", status="404 Not Found")
        return found if isinstance(found, bytes) else found(asked)

    return serve


def written(heading: str, body: str, *, head: str = "") -> str:
    """A page in HTML."""
    sheet = "<link rel=stylesheet href=/style.css>"
    return f"<!doctype html><html lang=zh><title>{heading}</title>{sheet}{head}<h1>{heading}</h1>{body}"


def shown(heading: str, body: str, *, head: str = "") -> bytes:
    return page(written(heading, body, head=head))


@cache
def picture(number: int = 0, *, side: int = 40, kind: str = "PNG") -> bytes:
    """A picture whose colour is its *number*'s."""
    colour = tuple((number * step + start) % 256 for step, start in ((37, 200), (91, 30), (151, 30)))
    made = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(made, kind)
    return made.getvalue()


def png(number: int = 0) -> bytes:
    return answer(picture(number), "image/png")


def film() -> bytes:
    """A WebM, once :func:`tests.web_capture.viewers.make_film` has had it made."""
    return (made_once(FILM, _nobody) / "film.webm").read_bytes()


def _nobody(_folder: Path) -> None:
    raise RuntimeError("a browser makes the film first: make_film")


@cache
def block_font() -> bytes:
    """A typeface whose one letter, A, is a square as wide as it is high."""
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder([".notdef", "A"])
    made.setupCharacterMap({ord("A"): "A"})
    pen = TTGlyphPen(None)
    for place, move in (
        ((0, 0), pen.moveTo),
        ((0, 800), pen.lineTo),
        ((800, 800), pen.lineTo),
        ((800, 0), pen.lineTo),
    ):
        move(place)
    pen.closePath()
    square = pen.glyph()
    made.setupGlyf({".notdef": square, "A": square})
    made.setupHorizontalMetrics({".notdef": (1000, 0), "A": (1000, 0)})
    made.setupHorizontalHeader(ascent=800, descent=-200)
    made.setupNameTable({"familyName": "Built", "styleName": "Regular"})
    made.setupOS2()
    made.setupPost()
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()
