"""The files of a package, also of one that some ZIP tool packed again: those that every reader of ZIPs finds.

People unpack a package, look at it, and zip the folder. That loses the canonical form of the container and nothing
of the content, which the manifest lists and the evidence service signed. So every ZIP is read, under rules that
leave one reading: one directory at the end, members one after the other from the first byte to it, each local
header and data descriptor as its entry (:mod:`appliance.evidence.zip_records`), stored or deflated to exactly
the size and CRC-32 that are stated, no link, no encryption, no name twice. A folder around everything is left out
of the paths. What unpacks to far more than it is, is a bomb.

What operating systems add to folders by themselves is measured as every member, so that nothing hides in it, and
then dropped: its content is not looked at, but for parts of a PDF: programs would open the package as that PDF.
"""

from __future__ import annotations

import re
import stat
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from appliance.evidence.container import DEFLATED, LARGEST, STORED, path_refused, require_path
from appliance.evidence.model import PackageRefused
from appliance.evidence.zip_records import DESCRIPTOR, ENCRYPTED, ZipEntry, packed_data, read_directory

_MOST_RATIO, _SMALL = 20, 1024 * 1024
_HARMLESS_FLAGS: Final = 0x0006 | 0x0800 | DESCRIPTOR  # how hard deflate tried; the name is UTF-8
_PART_OF_PDF: Final = re.compile(rb"%PDF-|\d[\0\t\n\f\r ]+obj")
_SYSTEM_FOLDERS: Final = frozenset(
    {"__MACOSX", ".Spotlight-V100", ".Trashes", ".fseventsd", "$RECYCLE.BIN", "System Volume Information"}
)
_SYSTEM_FILES: Final = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
_BESIDE: Final = "._"
"""How names of files begin that macOS puts beside others on disks of other systems (AppleDouble, RFC 1740)."""


@dataclass(frozen=True, slots=True)
class PackageFiles:
    """``files``: path → bytes, sorted by path; ``ignored``: names of what operating systems added, each once."""

    files: dict[str, memoryview]
    ignored: tuple[str, ...]


def read_zip(data: bytes) -> PackageFiles:
    """The files of the ZIP *data*.

    Raises :class:`PackageRefused`, before anything is unpacked where the directory shows the reason.
    """
    view = memoryview(data)
    entries, directory_at = read_directory(view)
    for entry in entries:
        _require_plain(entry)
    total = sum(entry.size for entry in entries)
    if total > LARGEST or total > _SMALL + _MOST_RATIO * len(data):
        raise PackageRefused("The package would unpack to far more than it is; it was not unpacked.")
    placed = placed_inside([entry.name for entry in entries])
    if placed != placed_inside([entry.unicode_name for entry in entries]):
        raise PackageRefused("The package gives two names to one file; readers may differ on it.")
    expected_at = 0
    files: dict[str, memoryview] = {}
    for entry, path in zip(entries, placed, strict=True):
        packed, expected_at = packed_data(view, entry, expected_at)
        content = _content(entry, packed)
        if not path and _PART_OF_PDF.search(packed):
            raise PackageRefused(
                "The file {path}, which does not belong to the package, has parts of a PDF, which programs would"
                " show instead of the package.",
                path=entry.shown,
            )
        if path:
            files[path] = content
    if expected_at != directory_at:
        raise PackageRefused("The package has bytes that belong to no file; it was changed after it was made.")
    return PackageFiles(dict(sorted(files.items())), added_among(each.name for each in entries))


def _require_plain(entry: ZipEntry) -> None:
    """No secrets, no links, nothing that one reader takes for another thing than the next."""
    if entry.flags & ENCRYPTED:
        raise PackageRefused(
            "The file {path} of the package is encrypted; give the package without a password.", path=entry.shown
        )
    kind = stat.S_IFMT(entry.mode)
    if kind not in (0, stat.S_IFDIR if entry.folder else stat.S_IFREG):
        raise PackageRefused(
            "The package has a link or a device in the place of the file {path}.", path=entry.shown
        )
    if entry.method not in (STORED, DEFLATED) or entry.flags & ~_HARMLESS_FLAGS:
        raise PackageRefused(
            "The file {path} of the package is packed in a way that is not read here.", path=entry.shown
        )
    if entry.folder and entry.size:
        raise PackageRefused("The file {path} in the package was changed or cut off.", path=entry.shown)


def added_among(names: Iterable[bytes]) -> tuple[str, ...]:
    """What operating systems added, each once, by the names by which it is known."""
    return tuple(sorted({_added(name) for name in names} - {""}))


def placed_inside(names: Sequence[bytes], around: bytes | None = None) -> list[str]:
    """For each name (of a folder with ``/`` behind it) the path in the package; empty for folders and for what
    operating systems added. *around*: the folder that all lie in, as ``name/``; None finds it.

    Raises :class:`PackageRefused` for a name that is no plain path, and for two alike.
    """
    if around is None:
        around = _around([name for name in names if not name.endswith(b"/") and not _added(name)])
    found = [_path(name, around) for name in names]
    files = {path.lower() for path in found if path}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    if len({name.rstrip(b"/").lower() for name in names}) != len(names) or files & folders:
        raise PackageRefused("The package has two files of one name, or of names alike but for case.")
    return found


def _path(name: bytes, around: bytes) -> str:
    if _added(name):
        inside = name.removesuffix(b"/").split(b"/")
        if b"\\" in name or not set(inside).isdisjoint({b"", b".", b".."}):
            raise path_refused(name.decode("utf-8", "replace"))
        return ""
    if name == around:
        return ""
    path = require_path(name.removeprefix(around).removesuffix(b"/").decode("ascii", "replace"))
    return "" if name.endswith(b"/") else path


def _around(names: Sequence[bytes]) -> bytes:
    """The folder that all files lie in (``name/``), empty where there is none. It is a single plain name."""
    folder, slash, _ = names[0].partition(b"/") if names else (b"", b"", b"")
    plain = folder not in (b"", b".", b"..") and b"\\" not in folder and min(folder) >= ord(" ")
    together = slash and plain and all(name.startswith(folder + b"/") for name in names)
    return folder + b"/" if together else b""


def _added(name: bytes) -> str:
    """The name by which a file is known that macOS or Windows adds to folders; empty for any other file."""
    *folders, last = name.decode("utf-8", "replace").split("/")
    for each in folders:
        if each in _SYSTEM_FOLDERS:
            return each
    return f"{_BESIDE}*" if last.startswith(_BESIDE) else last if last in _SYSTEM_FILES else ""


def _content(entry: ZipEntry, packed: memoryview) -> memoryview:
    content = packed if entry.method == STORED else _inflated(entry, packed)
    if (
        len(packed) != entry.packed
        or content is None
        or len(content) != entry.size
        or zlib.crc32(content) != entry.crc
    ):
        raise PackageRefused("The file {path} in the package was changed or cut off.", path=entry.shown)
    return memoryview(content)


def _inflated(entry: ZipEntry, packed: memoryview) -> bytes | None:
    """None where the deflated stream is none, or does not end exactly with *packed* and at the stated size."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = stream.decompress(packed, entry.size + 1)
    except zlib.error:
        return None
    return content if stream.eof and not stream.unused_data else None
