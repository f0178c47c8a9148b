"""The typefaces of appearances: Noto Serif and Noto Sans CJK SC (Debian's ``fonts-noto-cjk``, SIL OFL 1.1).

The package ships collections (.ttc) of ten faces; the simplified-Chinese one is taken out into the cache once,
as two files: one to measure and draw text with, and one with the outlines alone, because subsetting a face without
a character map takes 0.3 ms instead of 3 ms (it does not walk 45,000 characters).

Each is taken out in a process that then ends: it reads some 50 MB that the heap keeps for ever after; the parent
of the confined processes would carry them, and copy them with every fork.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import uharfbuzz
from fontTools.ttLib import TTCollection, TTFont

from appliance.confinement.kernel import die_with_parent
from appliance.errors import ConfigurationError
from appliance.sharing import make_directory, write_whole

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


_COLLECTIONS = Path("/usr/share/fonts/opentype/noto")
_TABLES = {
    "text": frozenset({"GlyphOrder", "head", "hhea", "maxp", "cmap", "hmtx", "OS/2", "CFF ", "GPOS"}),
    "outlines": frozenset({"GlyphOrder", "head", "maxp", "CFF "}),
}
"""What of a face is kept: to measure and draw text with, or to subset."""


def taken_out(collection: str, purpose: str, target: Path) -> Path:
    """*target* with the face of *collection* for *purpose* (``text``, ``outlines``); made where missing or older.

    Raises ConfigurationError when the package is not installed, or when the face cannot be taken out.
    """
    source = _COLLECTIONS / collection
    if not source.is_file():
        raise ConfigurationError("The font {path} is missing; install the package fonts-noto-cjk.", path=source)
    if not _is_current(target, source):
        make_directory(target.parent)
        with _alone(target.parent):
            _take_out(source, purpose, target)
    return target


def extract(source: Path, purpose: str, target: Path) -> None:
    """Write the face of *source* for *purpose* into *target*, whole or not at all."""
    with TTCollection(str(source), lazy=True) as collection:
        face: TTFont = next(font for font in collection.fonts if "CJK SC" in font["name"].getDebugName(1))
        for table in set(face.keys()) - _TABLES[purpose]:
            del face[table]
        file = BytesIO()
        face.save(file)
    write_whole(target, file.getvalue())


def _take_out(source: Path, purpose: str, target: Path) -> None:
    if _is_current(target, source):
        return  # made by somebody else meanwhile
    order = [sys.executable, "-m", "appliance.pdf.typefaces", str(source), purpose, str(target)]
    subprocess.run(order, stdin=subprocess.DEVNULL, check=False)
    if not _is_current(target, source):
        raise ConfigurationError(
            "The font {path} could not be taken out into {place}; look there for room and permissions.",
            path=source,
            place=target.parent,
        )


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One process at a time; all of them map the same file then, and 20 MB of pages are in memory once."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_current(target: Path, source: Path) -> bool:
    return target.is_file() and target.stat().st_mtime >= source.stat().st_mtime


if __name__ == "__main__":
    die_with_parent()
    extract(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
