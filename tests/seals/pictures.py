"""Pictures of seals as people have them: scanned on paper, cut out, too coarse, of the wrong kind."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw


def print_of(pixels: int = 600, *, around: int = 40, ink: str = "#c81218", clear: bool = False) -> Image.Image:
    """A round print *pixels* wide, on white paper or (*clear*) on none."""
    side = pixels + 2 * around
    picture = Image.new("RGBA", (side, side), (255, 255, 255, 0 if clear else 255))
    draw = ImageDraw.Draw(picture)
    box = (around, around, around + pixels - 1, around + pixels - 1)
    draw.ellipse(box, outline=ink, width=pixels // 20)
    draw.rectangle([side // 2 - pixels // 10] * 2 + [side // 2 + pixels // 10] * 2, fill=ink)
    return picture


def as_png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def as_jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=92)
    return file.getvalue()
