"""From a photograph or a scan of a signature to its ink alone: paper becomes transparent, the rest is cut away.
And from a scan or a file of a seal's print to the picture that is put on documents: transparent, square, sharp.

A seal's picture is as wide as the seal is printed, so what counts is how many of its pixels fall on an inch of
paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

from PIL import Image, ImageChops, ImageFilter, ImageOps, UnidentifiedImageError

from appliance.errors import DocumentRefused

LARGEST = 2 * 1024 * 1024
_MOST_PIXELS = 24_000_000
_WORKED_ON = (1600, 1600)
_KEPT = (900, 360)
_DARKER = (28, 110)
"""How much darker than the paper something is before it counts as ink, and when it is nothing but ink."""

_MOST_INK = 0.6
_MARGIN = 8


def cleaned(data: bytes) -> bytes:
    """The ink in the PNG or JPEG *data* as a transparent PNG. Raises DocumentRefused for what shows none."""
    if len(data) > LARGEST:
        raise DocumentRefused("image-too-large", "The picture is larger than 2 MB; make it smaller.")
    picture = _opened(data, most_pixels=_MOST_PIXELS, photograph=True)
    ink = picture if _is_cut_out(picture) else _ink_on_paper(picture.convert("RGB"))
    solid, box = _solid(ink)
    share = sum(solid.histogram()[255:]) / (solid.width * solid.height)
    if box is None:
        raise DocumentRefused("image-empty", "The picture shows no signature: use dark ink on light paper.")
    if share > _MOST_INK:
        raise DocumentRefused(
            "image-too-dark", "The picture is mostly dark; take it on light paper, with even light and no flash."
        )
    cut = ink.crop((box[0] - _MARGIN, box[1] - _MARGIN, box[2] + _MARGIN, box[3] + _MARGIN))
    cut.thumbnail(_KEPT)
    return _png(cut)


def readable(data: bytes) -> bool:
    """True for a PNG or JPEG that can be read. Raises DocumentRefused for others."""
    _opened(data, most_pixels=_MOST_PIXELS)
    return True


def _opened(data: bytes, *, most_pixels: int, photograph: bool = False) -> Image.Image:
    """The PNG or JPEG *data*; a *photograph* upright and no larger than it is worked on."""
    try:
        picture = Image.open(BytesIO(data), formats=("PNG", "JPEG"))
        if picture.width * picture.height > most_pixels:
            raise Image.DecompressionBombError
        if photograph:
            picture.draft("RGB", _WORKED_ON)
            ImageOps.exif_transpose(picture, in_place=True)
        opened = picture.convert("RGBA")
    except Image.DecompressionBombError as error:
        raise DocumentRefused("image-too-large", "The picture has too many pixels; make it smaller.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DocumentRefused("image-unreadable", "The file is not a PNG or JPEG picture.") from error
    if photograph:
        opened.thumbnail(_WORKED_ON)
    return opened


def _is_cut_out(picture: Image.Image) -> bool:
    """Whether the picture came with its paper taken away already."""
    histogram = picture.getchannel("A").histogram()
    return sum(histogram[:32]) > picture.width * picture.height * 0.2


def _ink_on_paper(picture: Image.Image) -> Image.Image:
    """What is darker than the paper around it, in any of the three colours: blue and red ink count as well.

    The paper's colour is taken from around each spot, so that a shadow on it does not become ink.
    """
    small = picture.resize((max(1, picture.width // 16), max(1, picture.height // 16)), Image.Resampling.BOX)
    paper = small.filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(4))
    darker = ImageChops.subtract(paper.resize(picture.size, Image.Resampling.BICUBIC), picture)
    return _with_ink(picture.copy(), darker, *_DARKER)


def _with_ink(picture: Image.Image, distance: Image.Image, faint: int, full: int) -> Image.Image:
    """*picture* as opaque as the *distance* of each spot from its ground, in any colour, is between the two."""
    red, green, blue = distance.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    picture.putalpha(most.point(lambda value: round(255 * min(1.0, max(0.0, (value - faint) / (full - faint))))))
    return picture


def _solid(ink: Image.Image) -> tuple[Image.Image, tuple[int, int, int, int] | None]:
    """White where there is ink and black elsewhere; and the box around it, specks left out."""
    solid = ink.getchannel("A").point(lambda value: 255 if value > 64 else 0)
    return solid, solid.filter(ImageFilter.MedianFilter(3)).getbbox()


def _png(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


LARGEST_SEAL = 5 * 1024 * 1024
LEAST_DPI, BEST_DPI = 300, 600
"""Below the first a print looks ragged beside text; above the second nothing is gained."""

_MOST_SEAL_PIXELS = 16_000_000
_MILLIMETRES_PER_INCH = 25.4
_CUT_OUT = 0.1
"""The share of clear pixels from which on a picture counts as cut out already."""

_FROM_WHITE = (24, 90)
"""How far from white something is before it counts as ink, and when it is nothing but ink."""

_MOST_SEAL_INK = 0.8
_REDDER_BY = 40


UNPROCESSABLE = "The picture could not be processed; use another one."


class Advice(StrEnum):
    """What an officer should know before taking the picture into use; nothing that forbids it."""

    NOT_RED = "not-red"
    OBLONG = "oblong"


@dataclass(frozen=True, slots=True)
class SealPicture:
    """A picture fit for use: a square ``png``; ``dpi``: the file's pixels to the inch of paper."""

    png: bytes
    dpi: int
    advice: tuple[Advice, ...]


def prepare_seal_picture(data: bytes, *, width_mm: float) -> SealPicture:
    """The picture in the PNG or JPEG *data* for a seal *width_mm* wide. Raises DocumentRefused when unfit."""
    if len(data) > LARGEST_SEAL:
        raise DocumentRefused("image-too-large", "The picture is larger than 5 MB; make it smaller.")
    ink = _ink(_opened(data, most_pixels=_MOST_SEAL_PIXELS))
    solid, box = _solid(ink)
    if box is None:
        raise DocumentRefused("image-empty", "The picture shows no seal: use a red print on white paper.")
    cut, mask = ink.crop(box), solid.crop(box)
    if sum(mask.histogram()[255:]) > _MOST_SEAL_INK * cut.width * cut.height:
        raise DocumentRefused(
            "image-covered", "The picture has no clear ground: use a print on white paper, or a transparent PNG."
        )
    longest = max(cut.size)
    dpi = int(longest * _MILLIMETRES_PER_INCH / width_mm)
    if dpi < LEAST_DPI:
        raise DocumentRefused(
            "image-too-coarse",
            "At {width} mm the seal is {found} pixels wide in this picture, and needs {needed} (300 dpi).",
            width=f"{width_mm:g}",
            found=longest,
            needed=-int(-LEAST_DPI * width_mm // _MILLIMETRES_PER_INCH),
        )
    advice = tuple(_advice(cut, mask))
    return SealPicture(_square(cut, width_mm), dpi, advice)


def _ink(picture: Image.Image) -> Image.Image:
    """The picture with its ground clear: as it came when it was cut out, else what is white becomes clear."""
    alpha = picture.getchannel("A")
    clear = sum(alpha.histogram()[:32])
    if clear >= _CUT_OUT * picture.width * picture.height:
        return picture
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=alpha)
    return _with_ink(flat, ImageChops.invert(flat), *_FROM_WHITE)


def _square(cut: Image.Image, width_mm: float) -> bytes:
    most = round(BEST_DPI * width_mm / _MILLIMETRES_PER_INCH)
    cut.thumbnail((most, most), Image.Resampling.LANCZOS)
    side = max(cut.size)
    square = Image.new("RGBA", (side, side), (255, 255, 255, 0))
    square.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    return _png(square)


def _advice(cut: Image.Image, mask: Image.Image) -> list[Advice]:
    found = []
    red, green, blue = (_mean(cut.getchannel(channel), mask) for channel in "RGB")
    if red - max(green, blue) < _REDDER_BY:
        found.append(Advice.NOT_RED)
    if min(cut.size) < 0.8 * max(cut.size):
        found.append(Advice.OBLONG)
    return found


def _mean(channel: Image.Image, mask: Image.Image) -> float:
    counts = channel.histogram(mask)
    return sum(value * count for value, count in enumerate(counts)) / max(1, sum(counts))
