"""A small picture of a captured page, for pages of ours: read and written anew in a confined process
(:mod:`appliance.confinement.jobs`), since a browser that a page has taken over made the large one."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from PIL import Image, UnidentifiedImageError

from appliance.errors import DocumentRefused

WIDTH: Final = 960
HEIGHT: Final = 6_000
"""Pixels at most; what is below on the page is left out."""

MOST_PIXELS: Final = 80_000_000
"""Of the large picture."""


def preview(data: bytes) -> bytes:
    """The upper part of the PNG *data*, scaled, as WebP. Raises DocumentRefused for what is no such picture."""
    try:
        with Image.open(BytesIO(data), formats=("PNG",)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            scale = min(1.0, WIDTH / opened.width)
            shown = opened.crop((0, 0, opened.width, min(opened.height, round(HEIGHT / scale)))).convert("RGB")
        size = max(1, round(shown.width * scale)), max(1, round(shown.height * scale))
        written = BytesIO()
        shown.resize(size, Image.Resampling.LANCZOS).save(written, "WEBP", quality=80, method=4)
    except Image.DecompressionBombError as error:
        raise DocumentRefused("image-too-large", "The picture has too many pixels; make it smaller.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DocumentRefused("image-unreadable", "The file is not a PNG or JPEG picture.") from error
    return written.getvalue()
