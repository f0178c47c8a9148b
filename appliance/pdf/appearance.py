"""The appearance stream of a signature's widget (12.5.5): upright on turned pages, the size of its field.

A person's signature is shown as a red rule, the name (or the handwriting), organisation, time with its zone.
Handwriting is an image whose white is transparent, so that it does not hide what it is put on.
"""

from __future__ import annotations

import math
import textwrap
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from PIL import Image, UnidentifiedImageError
from pyhanko.pdf_utils.generic import DictionaryObject, FloatObject, StreamObject

from appliance.errors import DocumentRefused
from appliance.language import instants, translator
from appliance.pdf import geometry, seal_picture
from appliance.pdf.font_subsets import FontSubset, GlyphLine
from appliance.pdf.forms import SealSlice
from appliance.pdf.incremental_updates import IncrementalUpdate, compressed, dictionary
from appliance.pdf.input_text import draw_input
from appliance.pdf.reader import entry
from appliance.pdf.seal_picture import RED
from appliance.pdf.typefaces import Typefaces
from appliance.pdf.values import Appearance, PersonAppearance, SealAppearance

_POINTS_PER_MILLIMETRE = 72 / 25.4
_PICTURE = (1500, 1500)
"""Pixels of an uploaded seal at most: 60 mm at 600 dots to the inch and a little more."""


class AppearanceStreams:
    """One signature's appearance in all of its places; what looks alike is in the file once."""

    def __init__(self, revision: IncrementalUpdate, appearance: Appearance, typefaces: Typefaces) -> None:
        self._revision = revision
        self._appearance = appearance
        self._typefaces = typefaces
        self._added: dict[object, Any] = {}

    def appearance_of(self, widget: Any, part: SealSlice | None = None) -> Any:
        """The form (a reference) that *widget* is to show, the whole appearance or a *part* of it; None for a
        widget without area, which stays invisible."""
        width, height, frame = _room(widget)
        if not (width and height):
            return None

        def form() -> StreamObject:
            picture = self._picture(width, height, frame, part)
            return _form_of(picture, (0, 0, width, height), geometry.UPRIGHT[frame.rotation])

        return self._once((width, height, frame.rotation, frame.user_unit, part), form)

    def text_in(self, widget: Any, text: str) -> Any:
        """The form (a reference) that shows *text*, which the signer has filled in, in *widget*."""
        width, height, frame = _room(widget)

        def form() -> StreamObject:
            lettering = FontSubset(self._typefaces.sans)
            content = draw_input(lettering, text, width=width, height=height)
            fonts = dictionary(Font={"Small": lettering.embed(self._revision)})
            picture = AppearanceContent(content, fonts)
            return _form_of(picture, (0, 0, width, height), geometry.UPRIGHT[frame.rotation])

        return self._once((width, height, frame.rotation, text), form)

    def _once(self, look: object, draw: Callable[[], StreamObject]) -> Any:
        """The reference of the object that looks like *look*; drawn and added where it is not there yet."""
        if look not in self._added:
            self._added[look] = self._revision.add_object(draw())
        return self._added[look]

    def _picture(
        self, width: float, height: float, frame: geometry.PageFrame, part: SealSlice | None
    ) -> AppearanceContent:
        appearance = self._appearance
        if isinstance(appearance, PersonAppearance):
            if part is not None:
                raise DocumentRefused("not-a-seal", "Only a company seal can be put across pages.")
            return draw_person(self._revision, self._typefaces, appearance, width=width, height=height)
        if part is not None:
            return self._slice(appearance, height, part)
        diameter = min(appearance.diameter_mm * _POINTS_PER_MILLIMETRE / frame.user_unit, width, height)
        return self._seal(appearance, centre=(width / 2, height / 2), diameter=diameter)

    def _slice(self, seal: SealAppearance, diameter: float, part: SealSlice) -> AppearanceContent:
        """The whole seal, moved so that its *part* lies within the bounding box, which cuts off all else."""
        left = diameter * (part.number - 1) / part.count
        content = f"q 1 0 0 1 {-left:.5f} 0 cm /Seal Do Q".encode("ascii")
        return AppearanceContent(content, dictionary(XObject={"Seal": self._whole(seal, diameter)}))

    def _whole(self, seal: SealAppearance, diameter: float) -> Any:
        """The form with the whole seal, which all slices of one size show."""

        def form() -> StreamObject:
            picture = self._seal(seal, centre=(diameter / 2, diameter / 2), diameter=diameter)
            return _form_of(picture, (0, 0, diameter, diameter), geometry.UPRIGHT[0])

        return self._once(diameter, form)

    def _seal(self, seal: SealAppearance, *, centre: tuple[float, float], diameter: float) -> AppearanceContent:
        """The seal around *centre*: its uploaded picture, which is square, or as it is drawn."""
        if seal.picture is None:
            content = seal_picture.pdf(self._typefaces.serif, seal, centre=centre, diameter=diameter)
            return AppearanceContent(content, DictionaryObject())
        left, low = (middle - diameter / 2 for middle in centre)
        content = f"q {diameter:.5f} 0 0 {diameter:.5f} {left:.5f} {low:.5f} cm /Stamp Do Q".encode("ascii")
        stamp = self._once(seal.picture, partial(masked, seal.picture, within=_PICTURE))
        return AppearanceContent(content, dictionary(XObject={"Stamp": stamp}))


def _form_of(picture: AppearanceContent, box: geometry.Box, matrix: geometry.Matrix) -> StreamObject:
    """The form XObject (8.10) of *picture*."""
    return compressed(
        picture.content,
        Type="/XObject",
        Subtype="/Form",
        BBox=map(FloatObject, box),
        Matrix=matrix,
        Resources=picture.resources,
    )


def _room(widget: Any) -> tuple[float, float, geometry.PageFrame]:
    """Width and height of *widget* as it is seen, and the frame of its page."""
    x0, y0, x1, y1 = (float(number) for number in widget["/Rect"])
    frame = _frame(widget)
    across, up = round(abs(x1 - x0), 3), round(abs(y1 - y0), 3)
    width, height = (up, across) if frame.rotation in (90, 270) else (across, up)
    return width, height, frame


def _frame(widget: Any) -> geometry.PageFrame:
    """The frame of the widget's page; of a plain page when the widget does not say which it is on."""
    page = entry(widget, "/P")
    if isinstance(page, DictionaryObject):
        return geometry.frame(page)
    return geometry.PageFrame(geometry.LETTER, 0, 1.0)


LARGEST_IMAGE = 4 * 1024 * 1024
_MOST_PIXELS = 16_000_000


def masked(png: bytes, *, within: tuple[int, int]) -> StreamObject:
    """The picture *within* so many pixels, as an RGB image whose white is masked (8.9.6.4).

    Soft transparency is not allowed in every archive profile. Raises DocumentRefused for what is no PNG or JPEG of
    at most 4 MB.
    """
    try:
        opened = Image.open(BytesIO(png), formats=("PNG", "JPEG"))
        if len(png) > LARGEST_IMAGE or opened.width * opened.height > _MOST_PIXELS:
            raise DocumentRefused(
                "image-too-large", "The picture of the signature is too large; use at most 4 MB."
            )
        picture = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DocumentRefused("image-unreadable", "The picture of the signature is not a PNG or JPEG.") from error
    picture.thumbnail(within)
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A"))
    described = dictionary(
        Type="/XObject",
        Subtype="/Image",
        Width=flat.width,
        Height=flat.height,
        ColorSpace="/DeviceRGB",
        BitsPerComponent=8,
        Filter="/FlateDecode",
        Mask=[255, 255] * 3,
    )
    return StreamObject(described, encoded_data=zlib.compress(flat.tobytes()))


_IMAGE_SIZE = (900, 360)

_RULE = 1.4
_GAP = 5.0
_BREATH = 0.04
"""The share of a field's height that stays empty above and below, and between handwriting and words."""
_NAME_SIZE, _SMALL_SIZE = 20.0, 8.0
_LEADING = 1.25
_LEAST_SHARE = 0.5
"""Of the size that letters want: with less, a name goes on in a further line."""
_READABLE = 5.0
"""In points: before a line is smaller than this, the name gets smaller, down to the size of those below it."""
_INK, _GREY = "0.1 0.1 0.12", "0.36 0.36 0.4"


@dataclass(frozen=True, slots=True)
class AppearanceContent:
    """Content stream operators and the /Resources they use."""

    content: bytes
    resources: DictionaryObject


@dataclass(frozen=True, slots=True)
class _Row:
    """A text with its lettering and font's resource name, the size it wants, and its colour; a name may stand in
    several ``lines``."""

    text: str
    lettering: FontSubset
    font: str
    size: float
    colour: str
    lines: tuple[GlyphLine, ...]

    @classmethod
    def of(cls, text: str, lettering: FontSubset, font: str, size: float, colour: str, parts: int = 1) -> _Row:
        """*text* in at most so many *parts*, which are about as long as each other."""
        longest = math.ceil(len(text) / parts)
        broken = textwrap.wrap(text, longest, break_on_hyphens=False) if parts > 1 else [text]
        return cls(text, lettering, font, size, colour, tuple(lettering.line(each) for each in broken))

    def broken(self) -> _Row:
        """The same in one line more."""
        again = (self.text, self.lettering, self.font, self.size, self.colour)
        return _Row.of(*again, parts=len(self.lines) + 1)

    def at(self, size: float) -> _Row:
        """The same at another size, in points."""
        return replace(self, size=size)

    def fits(self, width: float) -> float:
        """The share of its size at which the widest line has room in *width*."""
        return min(1.0, width * 1000 / (self.size * max(line.width for line in self.lines)))


def draw_person(
    revision: IncrementalUpdate, typefaces: Typefaces, appearance: PersonAppearance, *, width: float, height: float
) -> AppearanceContent:
    """The appearance for a field of *width* by *height*; its fonts and image are added to *revision*."""
    name, small = FontSubset(typefaces.serif), FontSubset(typefaces.sans)
    rows = [_Row.of(text, small, "Small", _SMALL_SIZE, _GREY) for text in _details(appearance)]
    image = None if appearance.image is None else masked(appearance.image, within=_IMAGE_SIZE)
    if image is None:
        rows.insert(0, _Row.of(appearance.name, name, "Name", _NAME_SIZE, _INK))
    else:
        rows.insert(0, _Row.of(appearance.name, small, "Small", _SMALL_SIZE, _INK))
    parts = [f"q {RED} rg 0 0 {_RULE} {height:.3f} re f Q"]
    across, up = max(1.0, width - _RULE - 2 * _GAP), height * (1 - 2 * _BREATH)
    text_height = up if image is None else up * 0.45
    parts += _rows(rows, width=across, height=text_height, base=height * _BREATH)
    resources = dictionary(Font=_fonts(revision, name, small))
    if image is not None:
        base = height * _BREATH + text_height + up * _BREATH
        parts.append(_painted(image, width=across, height=up - text_height - up * _BREATH, base=base))
        resources.update(dictionary(XObject={"Hand": revision.add_object(image)}))
    return AppearanceContent("\n".join(parts).encode("ascii"), resources)


def shown_time(moment: datetime, zone: str) -> str:
    """*moment* (aware) in the IANA *zone*, to the second, with offset and zone: ``2026-11-25 16:30:00 UTC+08:00``.

    Raises DocumentRefused for a zone that does not exist.
    """
    try:
        return f"{instants.second(moment, zone)} {zone}"
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DocumentRefused("no-such-zone", "There is no time zone {zone}.", zone=zone) from error


def _details(appearance: PersonAppearance) -> list[str]:
    translate = translator(appearance.language)
    details = [appearance.organisation] if appearance.organisation else []
    return [*details, translate("signed electronically"), shown_time(appearance.when, appearance.zone)]


def _rows(rows: list[_Row], *, width: float, height: float, base: float) -> list[str]:
    """All rows below each other, in the middle, made small enough for the field in both directions."""
    rows = _balanced(rows, width=width, height=height)
    wanted = _height(rows)
    shrink = min(1.0, height / wanted)
    top = base + (height + wanted * shrink) / 2
    operators = []
    for row in rows:
        size = row.size * min(shrink, row.fits(width))
        for each in row.lines:
            top -= row.size * shrink * _LEADING
            line = top + row.size * shrink * 0.3
            operators.append(
                f"q {row.colour} rg BT /{row.font} {size:.3f} Tf {_RULE + _GAP:.3f} {line:.3f} Td "
                f"{each.shown().decode('ascii')} Tj ET Q"
            )
    return operators


def _balanced(rows: list[_Row], *, width: float, height: float) -> list[_Row]:
    """*rows* in lines that fit, with the largest name beside which the smallest line can be read; where none can,
    with the name beside which it is largest."""
    size, best = rows[0].size, _broken(rows, width=width, height=height)
    while _smallest(best, width, height) < _READABLE and size > _SMALL_SIZE:
        size = max(_SMALL_SIZE, size - 1)
        other = _broken([rows[0].at(size), *rows[1:]], width=width, height=height)
        best = max(best, other, key=lambda each: _smallest(each, width, height))
    return best


def _smallest(rows: list[_Row], width: float, height: float) -> float:
    """The size in points of the smallest line."""
    shrink = min(1.0, height / _height(rows))
    return min(row.size * min(shrink, row.fits(width)) for row in rows)


def _broken(rows: list[_Row], *, width: float, height: float) -> list[_Row]:
    """*rows* with the first two, name and organisation, in several lines, where letters would have less than half
    their size otherwise, and as long as that makes the smallest ones larger."""
    while True:
        least = min(rows[:2], key=lambda row: row.fits(width))
        if least.fits(width) >= _LEAST_SHARE:
            return rows
        further = [row.broken() if row is least else row for row in rows]
        if _scale(further, width, height) <= _scale(rows, width, height):
            return rows
        rows = further


def _scale(rows: list[_Row], width: float, height: float) -> float:
    """The share of its size that the name or the organisation gets, whichever gets less."""
    return min(height / _height(rows), *(row.fits(width) for row in rows[:2]))


def _height(rows: list[_Row]) -> float:
    return sum(row.size * _LEADING * len(row.lines) for row in rows)


def _fonts(revision: IncrementalUpdate, name: FontSubset, small: FontSubset) -> DictionaryObject:
    fonts = dictionary(Small=small.embed(revision))
    if name.used:
        fonts.update(dictionary(Name=name.embed(revision)))
    return fonts


def _painted(image: StreamObject, *, width: float, height: float, base: float) -> str:
    scale = min(width / image["/Width"], height / image["/Height"])
    across, up = image["/Width"] * scale, image["/Height"] * scale
    return f"q {across:.3f} 0 0 {up:.3f} {_RULE + _GAP:.3f} {base + (height - up) / 2:.3f} cm /Hand Do Q"
