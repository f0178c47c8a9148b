"""The typefaces of appearances: Noto Serif and Noto Sans CJK SC (Debian's ``fonts-noto-cjk``, SIL OFL 1.1).

The package ships collections (.ttc) of ten faces; the simplified-Chinese one is taken out into the cache once,
as two files: one to measure and draw text with, and one with the outlines alone, because subsetting a face without
a character map takes 0.3 ms instead of 3 ms (it does not walk 45,000 characters).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import uharfbuzz
from fontTools.ttLib import TTCollection, TTFont

from appliance.errors import ConfigurationError
from appliance.sharing import file_mode, give_mode, make_directory

_COLLECTIONS = Path("/usr/share/fonts/opentype/noto")
_SERIF = "NotoSerifCJK-Bold.ttc"
_SANS = "NotoSansCJK-Regular.ttc"
_TEXT_TABLES = frozenset({"GlyphOrder", "head", "hhea", "maxp", "cmap", "hmtx", "OS/2", "CFF ", "GPOS"})
_OUTLINE_TABLES = frozenset({"GlyphOrder", "head", "maxp", "CFF "})


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


def load(cache: Path) -> Typefaces:
    """Both faces, taken out of Debian's collections into *cache* when they are not there yet (1.5 s).

    Raises ConfigurationError when the package ``fonts-noto-cjk`` is not installed.
    """
    return Typefaces(serif=_open(_SERIF, cache), sans=_open(_SANS, cache))


def _open(collection: str, cache: Path) -> Typeface:
    name = collection.replace("CJK", "CJKsc").removesuffix(".ttc")
    text = _taken_out(collection, cache / "typefaces" / f"{name}.otf", _TEXT_TABLES)
    outlines = _taken_out(collection, cache / "typefaces" / f"{name}.outlines.otf", _OUTLINE_TABLES)
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


def _taken_out(collection: str, target: Path, tables: Collection[str]) -> Path:
    source = _COLLECTIONS / collection
    if not source.is_file():
        raise ConfigurationError("The font {path} is missing; install the package fonts-noto-cjk.", path=source)
    if not target.is_file() or target.stat().st_mtime < source.stat().st_mtime:
        make_directory(target.parent)
        _extract(source, target, tables)
    return target


def _extract(source: Path, target: Path, tables: Collection[str]) -> None:
    """Write the simplified-Chinese face of *source*, with *tables* only; several processes may do so at once."""
    with TTCollection(str(source), lazy=True) as collection:
        face: TTFont = next(font for font in collection.fonts if "CJK SC" in font["name"].getDebugName(1))
        for table in set(face.keys()) - set(tables):
            del face[table]
        descriptor, temporary = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            give_mode(descriptor, file_mode(target.parent))
            face.save(file)
    Path(temporary).replace(target)
