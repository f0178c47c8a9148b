"""What a picture that is drawn over a part of a page does to the letters there: hide them, or add to them.

Lines and borders of boxes, on which signatures are usually put, are no letters.
"""

from __future__ import annotations

import re

from PIL import Image, ImageChops, ImageFilter, ImageOps

_CONTRAST = 48
_LONGEST_STROKE = 48  # in pixels at 144 dpi: what runs further is a line
_LONG_RUN = re.compile(rb"\xff{49,}")
_LONGEST_THICK_STROKE = 216
_THICK = 5
"""In pixels at 144 dpi: lines of forms and tables are thinner, strokes of letters as long as that are not."""
_LEAST_INK = 6
_SOLID = 13  # in pixels at 144 dpi: thicker than the strokes of seals
_INK = 255
_NEAR = 8
"""In pixels at 144 dpi: ink so near to a letter may be read as part of its word."""
_MOSTLY = 3
BESIDE = 24
"""The same of a letter with thick strokes, which is a large one."""
_FAINTER = 96
_COLOURED = 0.4
"""How much of a colour's darkness is colour, from which on nobody takes it for grey or black."""


def hides(before: Image.Image, after: Image.Image) -> bool:
    """Whether *after*, drawn over *before* (the same part of the same page, at 144 dpi), hides letters of it."""
    was = _ink(before)
    if was.histogram()[_INK] < _LEAST_INK:
        return False
    now = _ink(after)
    lost = ImageChops.lighter(
        ImageChops.subtract(was, now), ImageChops.darker(was, _flattened(before, after, now))
    )
    faded = ImageChops.subtract(_lightest_part(after), _lightest_part(before)).point(
        [_INK * (step >= _FAINTER) for step in range(256)]
    )
    lost = ImageChops.lighter(lost, ImageChops.darker(was, faded))
    return lost.histogram()[_INK] >= _LEAST_INK and _is_more(ImageChops.subtract(lost, _lines(was)))


def adds(text: Image.Image, before: Image.Image, after: Image.Image) -> bool:
    """Whether *after*, drawn over *before* (as for :func:`hides`), adds ink to the letters of *text*, what counts
    as text of it, that may be taken for theirs: so near that it is read with them, and not clearly of another
    colour. Lines that touch none, such as a frame, are no part of letters."""
    was = _ink(text)
    letters = ImageChops.subtract(was, _lines(was))
    if not _is_more(letters):
        return False
    changed = ImageChops.difference(before.convert("RGB"), after.convert("RGB")).split()
    new = Image.new("L", before.size)
    for colour in changed:
        new = ImageChops.lighter(new, colour.point([_INK * (step >= _CONTRAST) for step in range(256)]))
    new = ImageChops.subtract(new, was)
    touching = letters.filter(ImageFilter.MaxFilter(3))
    near, large = _grown(letters, _NEAR), _thick(letters)
    if (
        large.histogram()[_INK] * _MOSTLY >= letters.histogram()[_INK]
    ):  # else these are where strokes of others meet
        near = ImageChops.lighter(near, _grown(large, BESIDE))
    added = ImageChops.lighter(
        ImageChops.darker(new, touching),
        ImageChops.darker(ImageChops.subtract(new, _lines(new, solid=True)), near),
    )
    return _is_more(added) and _is_more(ImageChops.darker(added, _like(text, after, near)))


def _grown(mask: Image.Image, pixels: int) -> Image.Image:
    for _ in range(pixels // 2 if mask.getbbox() else 0):
        mask = mask.filter(ImageFilter.MaxFilter(5))
    return mask


def _thick(inked: Image.Image) -> Image.Image:
    """White where the white of *inked* is as thick as only large letters are."""
    return inked.filter(ImageFilter.MinFilter(_THICK)).filter(ImageFilter.MaxFilter(_THICK))


def _is_more(mask: Image.Image) -> bool:
    """Whether *mask* has enough white to be part of a letter."""
    return bool(mask.histogram()[_INK] >= _LEAST_INK)


def _lightest_part(picture: Image.Image) -> Image.Image:
    """Of each pixel its least colour: 0 for every full one."""
    red, green, blue = picture.convert("RGB").split()
    return ImageChops.darker(ImageChops.darker(red, green), blue)


def _like(before: Image.Image, after: Image.Image, near: Image.Image) -> Image.Image:
    """White where *after* may be of the colour of the letters of *before*: both grey or black, or no clear step
    between the two."""
    around = before.convert("RGB")
    for _ in range(_NEAR // 2 + 1):  # beyond the rim of a letter, which is paler
        around = around.filter(ImageFilter.MinFilter(5))
    steps = [_INK * (step < _FAINTER) for step in range(256)]
    alike = near
    for one, other in zip(around.split(), after.convert("RGB").split(), strict=True):
        alike = ImageChops.darker(alike, ImageChops.difference(one, other).point(steps))
    grey = ImageChops.darker(_grey(around), _grey(after))
    return ImageChops.lighter(alike, grey)


def _grey(picture: Image.Image) -> Image.Image:
    """White where it is nearly without colour: the darker, the more colour that takes."""
    red, green, blue = picture.convert("RGB").split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    least = _lightest_part(picture)
    colour = ImageChops.subtract(most, least)
    darkness = least.point([round((_INK - step) * _COLOURED) for step in range(256)])
    return ImageChops.subtract(darkness, colour).point([_INK * (step > 0) for step in range(256)])


def _lines(inked: Image.Image, *, solid: bool = False) -> Image.Image:
    """White where the white of *inked* runs further than any stroke of a letter so thick; also in and around what
    is *solid*, as parts of a seal are, if that is asked for."""
    found, longest, thick = Image.new("L", inked.size), Image.new("L", inked.size), _thick(inked)
    if solid:
        thick = ImageChops.subtract(thick, _grown(_solid(inked), BESIDE))
    for turned in (False, True):
        picture = inked.transpose(Image.Transpose.TRANSPOSE) if turned else inked
        width, pixels = picture.width, picture.tobytes()
        for run in _LONG_RUN.finditer(pixels):
            for y in range(run.start() // width, (run.end() - 1) // width + 1):
                left, right = max(run.start(), y * width), min(run.end(), (y + 1) * width)
                if right - left > _LONGEST_STROKE:
                    at = (left - y * width, y, right - y * width, y + 1)
                    place = (at[1], at[0], at[3], at[2]) if turned else at
                    (longest if right - left > _LONGEST_THICK_STROKE else found).paste(_INK, place)
    return ImageChops.lighter(longest, ImageChops.subtract(found, thick))


def _ink(picture: Image.Image) -> Image.Image:
    """White for each pixel that stands out, in any of the three colours, from the picture's ground, which is what
    is most frequent; else black."""
    inked = Image.new("L", picture.size)
    for colour in picture.convert("RGB").split():
        counts = colour.histogram()
        ground = counts.index(max(counts))
        stands_out = [_INK * (abs(level - ground) >= _CONTRAST) for level in range(256)]
        inked = ImageChops.lighter(inked, colour.point(stands_out))
    return inked


def _flattened(before: Image.Image, after: Image.Image, now: Image.Image) -> Image.Image:
    """White where an edge of *before* is none any more under a solid area of *now*, the ink of *after*: strokes of
    a seal or of a name in writing are too thin to be one."""
    solid = _solid(now)
    was = edges(before).point([_INK * (step >= _CONTRAST) for step in range(256)])
    left = edges(after).point([_INK * (step >= _CONTRAST // 4) for step in range(256)])
    return ImageChops.darker(solid, ImageChops.subtract(was, left))


def _solid(inked: Image.Image) -> Image.Image:
    framed = ImageOps.expand(inked, _SOLID)
    for smallest in (ImageFilter.MinFilter(3), ImageFilter.MaxFilter(3)):
        for _ in range(_SOLID // 2):  # one pixel more at each side; at once it takes three times as long
            framed = framed.filter(smallest)
    return ImageOps.crop(framed, _SOLID)


def edges(picture: Image.Image) -> Image.Image:
    """How much each pixel of *picture* differs from that on its left or above it, in the colour in which it does
    most."""
    picture, found = picture.convert("RGB"), Image.new("L", picture.size)
    for place in ((1, 0), (0, 1)):
        beside = picture.copy()
        beside.paste(picture, place)
        for colour in ImageChops.difference(picture, beside).split():
            found = ImageChops.lighter(found, colour)
    return found
