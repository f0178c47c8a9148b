"""The typefaces of appearances: Noto Serif and Noto Sans CJK SC (Debian's ``fonts-noto-cjk``, SIL OFL 1.1).

The package ships collections (.ttc) of ten faces; the simplified-Chinese one is taken out into the cache once,
as two files: one to measure and draw text with, and one with the outlines alone, because subsetting a face without
a character map takes 0.3 ms instead of 3 ms (it does not walk 45,000 characters).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import uharfbuzz

from appliance.pdf.typeface_files import taken_out

_SERIF = "NotoSerifCJK-Bold.ttc"
_SANS = "NotoSansCJK-Regular.ttc"


@dataclass(frozen=True, slots=True)
class Typeface:
    """One loaded face: ``font`` measures and draws, ``outlines`` is subset; ``units`` per em, ``ascender`` and
    ``descender`` (negative) in those units."""

    postscript_name: str
    font: uharfbuzz.Font
    outlines: uharfbuzz.Face
    units: int
    ascender: int
    descender: int


@dataclass(frozen=True, slots=True)
class Typefaces:
    """``serif`` for names and seals, ``sans`` for everything small."""

    serif: Typeface
    sans: Typeface


def load_typefaces(cache: Path) -> Typefaces:
    """Both faces, taken out of Debian's collections into *cache* when they are not there yet (2 s).

    Raises ConfigurationError when the package ``fonts-noto-cjk`` is not installed, or *cache* cannot be written.
    """
    return Typefaces(serif=_open(_SERIF, cache), sans=_open(_SANS, cache))


def _open(collection: str, cache: Path) -> Typeface:
    name = collection.replace("CJK", "CJKsc").removesuffix(".ttc")
    text = taken_out(collection, "text", cache / "typefaces" / f"{name}.otf")
    outlines = taken_out(collection, "outlines", cache / "typefaces" / f"{name}.outlines.otf")
    font = uharfbuzz.Font(_face(text))
    extents = font.get_font_extents("ltr")
    return Typeface(
        postscript_name=name,
        font=font,
        outlines=_face(outlines),
        units=font.face.upem,
        ascender=extents.ascender,
        descender=extents.descender,
    )


def _face(path: Path) -> uharfbuzz.Face:
    return uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
