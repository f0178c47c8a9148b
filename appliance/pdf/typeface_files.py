"""The simplified-Chinese face of Debian's collections, taken out into the cache, each in a process that then ends.

Taking a face out reads some 50 MB that the heap keeps for ever after; the parent of the confined processes would
carry them, and copy them with every fork.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont

from appliance.confinement.kernel import die_with_parent
from appliance.errors import ConfigurationError
from appliance.sharing import file_mode, give_mode, make_directory

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
        descriptor, temporary = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            give_mode(descriptor, file_mode(target.parent))
            face.save(file)
    Path(temporary).replace(target)


def _take_out(source: Path, purpose: str, target: Path) -> None:
    if _is_current(target, source):
        return  # made by somebody else meanwhile
    order = [sys.executable, "-m", "appliance.pdf.typeface_files", str(source), purpose, str(target)]
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
