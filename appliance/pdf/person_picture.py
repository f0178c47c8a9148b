"""A person's signature as shown: a red rule, the name (or the handwriting), organisation, time with its zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pyhanko.pdf_utils.generic import DictionaryObject, StreamObject, pdf_name

from appliance.errors import DocumentRefused, PreconditionRefused
from appliance.language import instants, translator
from appliance.pdf.images import masked
from appliance.pdf.lettering import Lettering, Line
from appliance.pdf.revision import Revision
from appliance.pdf.seal_picture import RED
from appliance.pdf.typefaces import Typefaces
from appliance.pdf.values import PersonAppearance

_IMAGE_SIZE = (900, 360)

_RULE = 1.4
_GAP = 5.0
_BREATH = 0.04
"""The share of a field's height that stays empty above and below, and between handwriting and words."""
_NAME_SIZE, _SMALL_SIZE = 20.0, 8.0
_LEADING = 1.25
_INK, _GREY = "0.1 0.1 0.12", "0.36 0.36 0.4"


@dataclass(frozen=True, slots=True)
class Picture:
    """Content stream operators and the /Resources they use."""

    content: bytes
    resources: DictionaryObject


@dataclass(frozen=True, slots=True)
class _Row:
    """A line with its font's resource name, the size it wants, and its colour."""

    line: Line
    font: str
    size: float
    colour: str


def draw(
    revision: Revision, typefaces: Typefaces, appearance: PersonAppearance, *, width: float, height: float
) -> Picture:
    """The appearance for a field of *width* by *height*; its fonts and image are added to *revision*."""
    name, small = Lettering(typefaces.serif), Lettering(typefaces.sans)
    rows = [_Row(small.line(text), "Small", _SMALL_SIZE, _GREY) for text in _details(appearance)]
    image = None if appearance.image is None else masked(appearance.image, within=_IMAGE_SIZE)
    if image is None:
        rows.insert(0, _Row(name.line(appearance.name), "Name", _NAME_SIZE, _INK))
    else:
        rows.insert(0, _Row(small.line(appearance.name), "Small", _SMALL_SIZE, _INK))
    parts = [f"q {_red()} rg 0 0 {_RULE} {height:.3f} re f Q"]
    across, up = max(1.0, width - _RULE - 2 * _GAP), height * (1 - 2 * _BREATH)
    text_height = up if image is None else up * 0.45
    parts += _rows(rows, width=across, height=text_height, base=height * _BREATH)
    resources = DictionaryObject({pdf_name("/Font"): _fonts(revision, name, small)})
    if image is not None:
        base = height * _BREATH + text_height + up * _BREATH
        parts.append(_painted(image, width=across, height=up - text_height - up * _BREATH, base=base))
        resources[pdf_name("/XObject")] = DictionaryObject({pdf_name("/Hand"): revision.add_object(image)})
    return Picture("\n".join(parts).encode("ascii"), resources)


def shown_time(moment: datetime, zone: str) -> str:
    """*moment* (aware) in the IANA *zone*, to the second, with offset and zone: ``2026-11-25 16:30:00 UTC+08:00``.

    Raises DocumentRefused for a zone that does not exist.
    """
    try:
        return f"{instants.second(moment, zone)} {zone}"
    except PreconditionRefused as error:
        raise DocumentRefused("no-such-zone", error.template, **error.values) from error


def _details(appearance: PersonAppearance) -> list[str]:
    translate = translator(appearance.language)
    details = [appearance.organisation] if appearance.organisation else []
    return [*details, translate("signed electronically"), shown_time(appearance.when, appearance.zone)]


def _rows(rows: list[_Row], *, width: float, height: float, base: float) -> list[str]:
    """All rows below each other, in the middle, made small enough for the field in both directions."""
    wanted = sum(row.size * _LEADING for row in rows)
    shrink = min(1.0, height / wanted)
    top = base + (height + wanted * shrink) / 2
    operators = []
    for row in rows:
        size = min(row.size * shrink, width * 1000 / row.line.width)
        top -= row.size * shrink * _LEADING
        line = top + row.size * shrink * 0.3
        operators.append(
            f"q {row.colour} rg BT /{row.font} {size:.3f} Tf {_RULE + _GAP:.3f} {line:.3f} Td "
            f"{row.line.shown().decode('ascii')} Tj ET Q"
        )
    return operators


def _fonts(revision: Revision, name: Lettering, small: Lettering) -> DictionaryObject:
    fonts = DictionaryObject({pdf_name("/Small"): small.embed(revision)})
    if name.used:
        fonts[pdf_name("/Name")] = name.embed(revision)
    return fonts


def _painted(image: StreamObject, *, width: float, height: float, base: float) -> str:
    scale = min(width / image["/Width"], height / image["/Height"])
    across, up = image["/Width"] * scale, image["/Height"] * scale
    return f"q {across:.3f} 0 0 {up:.3f} {_RULE + _GAP:.3f} {base + (height - up) / 2:.3f} cm /Hand Do Q"


def _red() -> str:
    return " ".join(f"{part:g}" for part in RED)
