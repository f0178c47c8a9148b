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

from appliance.pdf import geometry, person_picture, seal_picture
from appliance.pdf.person_picture import Picture
from appliance.pdf.reading import entry
from appliance.pdf.revision import Revision
from appliance.pdf.typefaces import Typefaces
from appliance.pdf.values import Appearance, SealAppearance

_POINTS_PER_MILLIMETRE = 72 / 25.4


def show(revision: Revision, widget: Any, appearance: Appearance, typefaces: Typefaces) -> None:
    """Give *widget* the *appearance*; the caller marks it as changed. A field without area stays invisible."""
    x0, y0, x1, y1 = (float(number) for number in widget["/Rect"])
    frame = _frame(widget)
    across, up = abs(x1 - x0), abs(y1 - y0)
    width, height = (up, across) if frame.rotation in (90, 270) else (across, up)
    if not (width and height):
        return
    if isinstance(appearance, SealAppearance):
        diameter = appearance.diameter_mm * _POINTS_PER_MILLIMETRE / frame.user_unit
        picture = _seal(typefaces, appearance, width, height, min(diameter, width, height))
    else:
        picture = person_picture.draw(revision, typefaces, appearance, width=width, height=height)
    stream = StreamObject(
        DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): ArrayObject(
                    [NumberObject(0), NumberObject(0), FloatObject(width), FloatObject(height)]
                ),
                pdf_name("/Matrix"): ArrayObject(
                    NumberObject(number) for number in geometry.UPRIGHT[frame.rotation]
                ),
                pdf_name("/Resources"): picture.resources,
            }
        ),
        stream_data=picture.content,
    )
    stream.compress()
    widget[pdf_name("/AP")] = DictionaryObject({pdf_name("/N"): revision.add_object(stream)})


def _seal(
    typefaces: Typefaces, appearance: SealAppearance, width: float, height: float, diameter: float
) -> Picture:
    content = seal_picture.pdf(typefaces.serif, appearance, centre=(width / 2, height / 2), diameter=diameter)
    return Picture(content, DictionaryObject())


def _frame(widget: Any) -> geometry.PageFrame:
    """The frame of the widget's page; of a plain page when the widget does not say which it is on."""
    page = entry(widget, "/P")
    if isinstance(page, DictionaryObject):
        return geometry.frame(page)
    return geometry.PageFrame(geometry.LETTER, 0, 1.0)
