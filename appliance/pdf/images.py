"""Pictures in appearances: as images whose white is left out, so that they do not hide what they stand on."""

from __future__ import annotations

import zlib
from io import BytesIO

from PIL import Image, UnidentifiedImageError
from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, NumberObject, StreamObject, pdf_name

from appliance.errors import DocumentRefused

LARGEST_IMAGE = 4 * 1024 * 1024
_MOST_PIXELS = 16_000_000


def masked(png: bytes, *, within: tuple[int, int]) -> StreamObject:
    """The picture *within* so many pixels, as an RGB image whose white is masked (8.9.6.4).

    Soft transparency is not allowed in every archive profile. Raises DocumentRefused for what is no PNG or JPEG of
    at most 4 MB.
    """
    try:
        opened = Image.open(BytesIO(png), formats=("PNG", "JPEG"))
        if len(png) > LARGEST_IMAGE or opened.width * opened.height > _MOST_PIXELS:
            raise DocumentRefused(
                "image-too-large", "The picture of the signature is too large; use at most 4 MB."
            )
        picture = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DocumentRefused("image-unreadable", "The picture of the signature is not a PNG or JPEG.") from error
    picture.thumbnail(within)
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A"))
    return StreamObject(
        DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Image"),
                pdf_name("/Width"): NumberObject(flat.width),
                pdf_name("/Height"): NumberObject(flat.height),
                pdf_name("/ColorSpace"): pdf_name("/DeviceRGB"),
                pdf_name("/BitsPerComponent"): NumberObject(8),
                pdf_name("/Filter"): pdf_name("/FlateDecode"),
                pdf_name("/Mask"): ArrayObject(NumberObject(value) for value in [255, 255] * 3),
            }
        ),
        encoded_data=zlib.compress(flat.tobytes()),
    )
