"""The appearance stream of a signature's widget (12.5.5): upright on turned pages, the size of its field."""

from __future__ import annotations

from typing import Any

from pyhanko.pdf_utils.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    NumberObject,
    StreamObject,
    pdf_name,
)

from appliance.errors import DocumentRefused
from appliance.pdf import geometry, person_picture, seal_picture
from appliance.pdf.incremental_updates import IncrementalUpdate
from appliance.pdf.person_picture import AppearanceContent, masked
from appliance.pdf.places import SealSlice
from appliance.pdf.reader import entry
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
        self._drawn: dict[tuple[object, ...], Any] = {}
        self._wholes: dict[float, Any] = {}
        self._images: dict[bytes, Any] = {}

    def appearance_of(self, widget: Any, part: SealSlice | None = None) -> Any:
        """The form (a reference) that *widget* is to show, the whole appearance or a *part* of it; None for a
        widget without area, which stays invisible."""
        x0, y0, x1, y1 = (float(number) for number in widget["/Rect"])
        frame = _frame(widget)
        across, up = round(abs(x1 - x0), 3), round(abs(y1 - y0), 3)
        width, height = (up, across) if frame.rotation in (90, 270) else (across, up)
        if not (width and height):
            return None
        look = (width, height, frame.rotation, frame.user_unit, part)
        if look not in self._drawn:
            self._drawn[look] = self._revision.add_object(self._form(width, height, frame, part))
        return self._drawn[look]

    def _form(
        self, width: float, height: float, frame: geometry.PageFrame, part: SealSlice | None
    ) -> StreamObject:
        picture = self._picture(width, height, frame, part)
        return _form_of(picture, (0, 0, width, height), geometry.UPRIGHT[frame.rotation])

    def _picture(
        self, width: float, height: float, frame: geometry.PageFrame, part: SealSlice | None
    ) -> AppearanceContent:
        appearance = self._appearance
        if isinstance(appearance, PersonAppearance):
            if part is not None:
                raise DocumentRefused("not-a-seal", "Only a company seal can be put across pages.")
            return person_picture.draw_person(
                self._revision, self._typefaces, appearance, width=width, height=height
            )
        if part is not None:
            return self._slice(appearance, height, part)
        diameter = min(appearance.diameter_mm * _POINTS_PER_MILLIMETRE / frame.user_unit, width, height)
        return self._seal(appearance, centre=(width / 2, height / 2), diameter=diameter)

    def _slice(self, seal: SealAppearance, diameter: float, part: SealSlice) -> AppearanceContent:
        """The whole seal, moved so that its *part* lies within the bounding box, which cuts off all else."""
        left = diameter * (part.number - 1) / part.count
        whole = DictionaryObject({pdf_name("/Seal"): self._whole(seal, diameter)})
        content = f"q 1 0 0 1 {-left:.5f} 0 cm /Seal Do Q".encode("ascii")
        return AppearanceContent(content, DictionaryObject({pdf_name("/XObject"): whole}))

    def _whole(self, seal: SealAppearance, diameter: float) -> Any:
        """The form with the whole seal, which all slices of one size show."""
        if diameter not in self._wholes:
            centre = (diameter / 2, diameter / 2)
            picture = self._seal(seal, centre=centre, diameter=diameter)
            form = _form_of(picture, (0, 0, diameter, diameter), geometry.UPRIGHT[0])
            self._wholes[diameter] = self._revision.add_object(form)
        return self._wholes[diameter]

    def _seal(self, seal: SealAppearance, *, centre: tuple[float, float], diameter: float) -> AppearanceContent:
        """The seal around *centre*: its uploaded picture, which is square, or as it is drawn."""
        if seal.picture is None:
            content = seal_picture.pdf(self._typefaces.serif, seal, centre=centre, diameter=diameter)
            return AppearanceContent(content, DictionaryObject())
        left, low = (middle - diameter / 2 for middle in centre)
        content = f"q {diameter:.5f} 0 0 {diameter:.5f} {left:.5f} {low:.5f} cm /Stamp Do Q".encode("ascii")
        image = DictionaryObject({pdf_name("/Stamp"): self._image(seal.picture)})
        return AppearanceContent(content, DictionaryObject({pdf_name("/XObject"): image}))

    def _image(self, png: bytes) -> Any:
        if png not in self._images:
            self._images[png] = self._revision.add_object(masked(png, within=_PICTURE))
        return self._images[png]


def _form_of(picture: AppearanceContent, box: geometry.Box, matrix: geometry.Matrix) -> StreamObject:
    """The form XObject (8.10) of *picture*."""
    stream = StreamObject(
        DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): ArrayObject(FloatObject(number) for number in box),
                pdf_name("/Matrix"): ArrayObject(NumberObject(number) for number in matrix),
                pdf_name("/Resources"): picture.resources,
            }
        ),
        stream_data=picture.content,
    )
    stream.compress()
    return stream


def _frame(widget: Any) -> geometry.PageFrame:
    """The frame of the widget's page; of a plain page when the widget does not say which it is on."""
    page = entry(widget, "/P")
    if isinstance(page, DictionaryObject):
        return geometry.frame(page)
    return geometry.PageFrame(geometry.LETTER, 0, 1.0)
