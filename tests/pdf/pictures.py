"""Comparing rendered pages."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageChops

from appliance.pdf.values import FieldPlacement
from appliance.pdf.workshop import PdfWorkshop


def page(workshop: PdfWorkshop, document: bytes, number: int, dpi: int = 72) -> Image.Image:
    return Image.open(BytesIO(workshop.render(document, number, dpi=dpi))).convert("RGB")


def pixels(picture: Image.Image, placement: FieldPlacement, margin: int = 0) -> tuple[int, int, int, int]:
    """The placement's place in *picture*, grown by *margin* pixels."""
    width, height = picture.size
    return (
        int(placement.x / 100 * width) - margin,
        int(placement.y / 100 * height) - margin,
        int((placement.x + placement.width) / 100 * width) + margin,
        int((placement.y + placement.height) / 100 * height) + margin,
    )


def difference_outside(before: Image.Image, after: Image.Image, places: list[FieldPlacement]) -> object:
    """The box of what differs outside *places*, or None."""
    assert before.size == after.size
    changes = ImageChops.difference(before, after)
    for placement in places:
        changes.paste((0, 0, 0), pixels(after, placement, margin=2))
    return changes.getbbox()


def red_share(picture: Image.Image) -> float:
    """The share of pixels that are seal-red."""
    data = list(picture.get_flattened_data())
    return sum(red > 150 and green < 90 and blue < 90 for red, green, blue in data) / len(data)
