"""Pictures that a browser made, read in confinement (:mod:`appliance.confinement.jobs`): whoever owns the browser
says what is in them.

Nothing here is called elsewhere than in a confined process, but for the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageChops, UnidentifiedImageError

from appliance.errors import DocumentRefused

MOST_PIXELS: Final = 80_000_000
"""Of one picture: a page twice as wide as the window, and 30,000 high."""
TILE: Final = 8_000
"""Pixels: a taller page is pictured in parts, since Chromium repeats itself beyond 16,384."""
_STRIP: Final = 256
"""Rows that are compared at once, so that comparing takes little more memory than the two pictures."""
_MOST_AREAS: Final = 50
_COLOUR: Final = (214, 40, 40)
_PALE: Final = 0.65
_UNREADABLE: Final = (
    *(Image.DecompressionBombError, UnidentifiedImageError),
    *(OSError, SyntaxError, ValueError, EOFError),
)


@dataclass(frozen=True, slots=True)
class ChangedArea:
    """A part of a page's picture in which something is different: pixels from the left and the top."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ComparedPictures:
    """``changed`` of ``pixels`` are different, all in ``areas``; what only one picture has counts as changed.
    ``marked`` (PNG) is the later picture in pale grey with those pixels in red; empty where none is different."""

    pixels: int
    changed: int
    areas: tuple[ChangedArea, ...]
    marked: bytes


def assembled(tiles: list[bytes], width: int, height: int) -> bytes:
    """The PNG of a page from its *tiles* (PNG), :data:`TILE` high but for the last one: written anew, so that
    nothing is in it but pixels. Raises DocumentRefused."""
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise _refused()
    whole = Image.new("RGB", (width, height), "white")
    for number, tile in enumerate(tiles):
        part = _read(tile, "PNG", (width, min(TILE, height - number * TILE)))
        whole.paste(part, (0, number * TILE))
    return _png(whole)


def compared(before: bytes, after: bytes) -> ComparedPictures:
    """What is different between two pictures (PNG) of one page. Raises DocumentRefused."""
    old, new = _read(before, "PNG"), _read(after, "PNG")
    size = max(old.width, new.width), max(old.height, new.height)
    if size[0] * size[1] > MOST_PIXELS:
        raise _refused()
    marked = Image.new("RGB", size, "white")
    changed = 0
    areas: list[ChangedArea] = []
    for top in range(0, size[1], _STRIP):
        box = (0, top, size[0], min(top + _STRIP, size[1]))
        mask = _difference(old, new, box)
        changed += mask.histogram()[255]
        marked.paste(_pale(new.crop(box)), (0, top))
        found = mask.getbbox()
        if found is not None:
            marked.paste(_COLOUR, (0, top, *_corner(mask, top)), mask)
            _add(areas, ChangedArea(found[0], top + found[1], found[2] - found[0], found[3] - found[1]))
    return ComparedPictures(size[0] * size[1], changed, tuple(areas), _png(marked) if changed else b"")


def animated(pictures: list[bytes], milliseconds: list[int]) -> bytes:
    """An animated WebP of *pictures* (JPEG), each shown so long. Raises DocumentRefused."""
    frames = (_read(each, "JPEG") for each in pictures)
    first = next(frames)
    written = BytesIO()
    first.save(
        written,
        "WEBP",
        save_all=True,
        append_images=_alike(frames, first.size),
        duration=milliseconds if len(milliseconds) > 1 else milliseconds[0],
        quality=75,
        method=2,
        loop=1,
    )
    return written.getvalue()


def _alike(frames: Iterator[Image.Image], size: tuple[int, int]) -> Iterator[Image.Image]:
    for each in frames:
        yield each if each.size == size else each.resize(size)


def _read(octets: bytes, kind: str, most: tuple[int, int] | None = None) -> Image.Image:
    """The picture of this *kind*, without what is transparent; no larger than *most*."""
    try:
        # Where WeasyPrint is loaded as well, Pillow takes what breaks off; this looks at the chunks all the same.
        with Image.open(BytesIO(octets), formats=(kind,)) as whole:
            whole.verify()
        with Image.open(BytesIO(octets), formats=(kind,)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise _refused()
            if most is not None and (opened.width > most[0] or opened.height > most[1]):
                raise _refused()
            return opened.convert("RGB")
    except _UNREADABLE as error:
        raise _refused() from error


def _difference(old: Image.Image, new: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """White where the two are different in any colour within *box*, or where one of them has nothing."""
    red, green, blue = ImageChops.difference(old.crop(box), new.crop(box)).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    mask = most.point(lambda value: 255 if value else 0)
    for each in (old, new):
        if each.width < box[2]:
            mask.paste(255, (each.width, 0, *mask.size))
        if each.height < box[3]:
            mask.paste(255, (0, max(0, each.height - box[1]), *mask.size))
    return mask


def _corner(mask: Image.Image, top: int) -> tuple[int, int]:
    return mask.width, top + mask.height


def _pale(part: Image.Image) -> Image.Image:
    grey = part.convert("L").convert("RGB")
    return Image.blend(grey, Image.new("RGB", grey.size, "white"), _PALE)


def _add(areas: list[ChangedArea], area: ChangedArea) -> None:
    """Joins it with the last one where they touch, or where there are enough."""
    last = areas[-1] if areas else None
    if last is None or (last.top + last.height < area.top and len(areas) < _MOST_AREAS):
        areas.append(area)
        return
    left, right = min(last.left, area.left), max(last.left + last.width, area.left + area.width)
    areas[-1] = ChangedArea(left, last.top, right - left, area.top + area.height - last.top)


def _png(picture: Image.Image) -> bytes:
    written = BytesIO()
    picture.save(written, "PNG", compress_level=6)
    return written.getvalue()


def _refused() -> DocumentRefused:
    return DocumentRefused("image-unreadable", "The picture of the page cannot be read, or is too large.")
