"""The small picture of a captured page on its certificate.

A page's picture comes from a browser that has run what strangers wrote, so it is decoded in a confined child. What
the child gives are plain pixels, which are encoded here: no file of its making is read by anybody.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image

from appliance.confinement.pool import Confinement
from appliance.errors import DocumentRefused

WIDTH: Final = 720
"""Pixels of the small picture: 70 mm at 260 for an inch."""
SHAPE: Final = 1.35
"""Height of the part that is shown, by its width: the upper part of a long page."""
MOST_PIXELS: Final = 160_000_000
"""Of the whole picture, which is decoded: 5,120 x 31,250."""
_QUALITY: Final = 88


@dataclass(frozen=True, slots=True)
class PlainPicture:
    """Rows of red, green and blue, an octet each."""

    width: int
    height: int
    pixels: bytes


def shrink(picture: bytes) -> PlainPicture:
    """The upper part of a PNG, made small. Raises DocumentRefused for anything else; runs confined."""
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound here is another one
    try:
        opened = Image.open(io.BytesIO(picture), formats=("PNG",))
        if opened.width * opened.height > MOST_PIXELS:
            raise Image.DecompressionBombError
        upper = opened.crop((0, 0, opened.width, min(opened.height, round(opened.width * SHAPE)))).convert("RGB")
    except Image.DecompressionBombError as error:
        raise DocumentRefused("image-too-large", "The picture has too many pixels; make it smaller.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DocumentRefused("image-unreadable", "The file is not a PNG or JPEG picture.") from error
    upper.thumbnail((WIDTH, WIDTH * 2), Image.Resampling.LANCZOS)
    return PlainPicture(upper.width, upper.height, upper.tobytes())


def thumbnail_of(confinement: Confinement, picture: bytes) -> bytes:
    """A JPEG of the upper part of the page's *picture* (PNG), empty where it cannot be read: the certificate says
    so then. Raises ConfinementFailed where no confined child can be had."""
    try:
        small = confinement.process(PlainPicture, "captures.thumbnail", picture=picture)
        drawn = Image.frombytes("RGB", (small.width, small.height), small.pixels)
    except (DocumentRefused, ValueError):
        return b""
    if small.width > WIDTH or small.height > 2 * WIDTH:
        return b""
    written = io.BytesIO()
    drawn.save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()
