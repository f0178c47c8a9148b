"""From a photograph or a scan of a signature to its ink alone: paper becomes transparent, the rest is cut away."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageChops, ImageFilter, ImageOps, UnidentifiedImageError

from appliance.errors import DocumentRefused

LARGEST = 2 * 1024 * 1024
_MOST_PIXELS = 24_000_000
_WORKED_ON = (1600, 1600)
_KEPT = (900, 360)
_FAINT, _FULL = 28, 110
"""How much darker than the paper something is before it counts as ink, and when it is nothing but ink."""

_MOST_INK = 0.6
_MARGIN = 8


def cleaned(data: bytes) -> bytes:
    """The ink in the PNG or JPEG *data* as a transparent PNG. Raises DocumentRefused for what shows none."""
    picture = _opened(data)
    ink = _ink_of_transparent(picture) if _is_cut_out(picture) else _ink_on_paper(picture.convert("RGB"))
    alpha = ink.getchannel("A")
    solid = alpha.point(lambda value: 255 if value > 64 else 0)
    box = solid.filter(ImageFilter.MedianFilter(3)).getbbox()
    share = sum(solid.histogram()[255:]) / (solid.width * solid.height)
    if box is None:
        raise DocumentRefused("image-empty", "The picture shows no signature: use dark ink on light paper.")
    if share > _MOST_INK:
        raise DocumentRefused(
            "image-too-dark", "The picture is mostly dark; take it on light paper, with even light and no flash."
        )
    return _saved(ink.crop((box[0] - _MARGIN, box[1] - _MARGIN, box[2] + _MARGIN, box[3] + _MARGIN)))


def _opened(data: bytes) -> Image.Image:
    if len(data) > LARGEST:
        raise DocumentRefused("image-too-large", "The picture is larger than 2 MB; make it smaller.")
    try:
        picture = Image.open(BytesIO(data), formats=("PNG", "JPEG"))
        if picture.width * picture.height > _MOST_PIXELS:
            raise DocumentRefused("image-too-large", "The picture has too many pixels; make it smaller.")
        picture.draft("RGB", _WORKED_ON)
        upright = ImageOps.exif_transpose(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DocumentRefused("image-unreadable", "The file is not a PNG or JPEG picture.") from error
    upright = upright.convert("RGBA")
    upright.thumbnail(_WORKED_ON)
    return upright


def _is_cut_out(picture: Image.Image) -> bool:
    """Whether the picture came with its paper taken away already."""
    histogram = picture.getchannel("A").histogram()
    return sum(histogram[:32]) > picture.width * picture.height * 0.2


def _ink_of_transparent(picture: Image.Image) -> Image.Image:
    return picture


def _ink_on_paper(picture: Image.Image) -> Image.Image:
    """What is darker than the paper around it, in any of the three colours: blue and red ink count as well.

    The paper's colour is taken from around each spot, so that a shadow on it does not become ink.
    """
    small = picture.resize((max(1, picture.width // 16), max(1, picture.height // 16)), Image.Resampling.BOX)
    paper = small.filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(4))
    darker = ImageChops.subtract(paper.resize(picture.size, Image.Resampling.BICUBIC), picture)
    red, green, blue = darker.split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    alpha = most.point(lambda value: round(255 * min(1.0, max(0.0, (value - _FAINT) / (_FULL - _FAINT)))))
    ink = picture.copy()
    ink.putalpha(alpha)
    return ink


def _saved(picture: Image.Image) -> bytes:
    picture.thumbnail(_KEPT)
    file = BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()
