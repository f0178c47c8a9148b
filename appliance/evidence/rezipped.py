"""A package that some ZIP tool packed again: its files, where every reader of ZIPs finds the same ones.

People unpack a package, look at it, and zip the folder. That loses the canonical form of the container and nothing
of the content, which the manifest lists and the evidence service signed. So it is read, under rules that leave one
reading (APPNOTE 6.3.10): one directory at the end, members one after the other from the first byte to it, each
local header as its entry, stored or deflated to exactly the size and CRC-32 that are stated, no link, no
encryption, no data descriptor (4.3.9, whose sizes come only after the data), no other name in an extra field
(4.6.9), no name twice. What unpacks to far more than it is, is a bomb.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.evidence import paths
from appliance.evidence.errors import PackageRefused

MOST_FILES: Final = 20_000
"""Entries, those of folders among them."""
LARGEST: Final = 256 * 1024 * 1024
"""Bytes of all files together: as many as a package is made with."""
_MOST_RATIO, _SMALL = 20, 1024 * 1024

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_ENCRYPTED, _DESCRIPTOR = 0x0001, 0x0008
_HARMLESS_FLAGS: Final = 0x0006 | 0x0800  # how hard deflate tried; the name is UTF-8
_STORED, _DEFLATED = 0, 8
_UNIX: Final = 3
_HARMLESS_EXTRAS: Final = frozenset({0x000A, 0x5455, 0x5855, 0x7855, 0x7875})
"""Times and owners of files (NTFS, Unix); others give sizes, names or ciphers, or are not known."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of the directory; ``mode`` is that of Unix, 0 where another system made it."""

    name: str
    encoded_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int
    extra: bytes

    @property
    def folder(self) -> bool:
        return self.name.endswith("/")


def read(data: bytes) -> dict[str, bytes]:
    """Path → bytes, sorted by path; a folder around everything is left out of the paths.

    Raises :class:`PackageRefused`, before anything is unpacked where the directory shows the reason.
    """
    entries, directory_at = _directory(data)
    for entry in entries:
        _require_plain(entry)
    total = sum(entry.size for entry in entries)
    if total > LARGEST or total > _SMALL + _MOST_RATIO * len(data):
        raise PackageRefused("The package would unpack to far more than it is; it was not unpacked.")
    named = _named(entries)
    expected_at = 0
    files: dict[str, bytes] = {}
    for entry in sorted(entries, key=lambda each: each.offset):
        start = _start(data, entry, expected_at)
        expected_at = start + entry.packed
        content = _content(entry, data[start:expected_at])
        if not entry.folder:
            files[named[entry.name]] = content
    if expected_at != directory_at:
        raise PackageRefused("The package has bytes that belong to no file; it was changed after it was made.")
    return dict(sorted(files.items()))


def _directory(data: bytes) -> tuple[list[_Entry], int]:
    """The entries, and where their directory starts."""
    tail = data[-_END.size :]
    if len(tail) < _END.size or tail[:4] != _END_MARK:
        raise PackageRefused("The package does not end as a ZIP does; it is cut off or was added to.")
    _, disk, first_disk, here, count, size, at, comment = _END.unpack(tail)
    if disk or first_disk or here != count or comment or at + size != len(data) - _END.size:
        raise PackageRefused("The package does not end as a ZIP does; it is cut off or was added to.")
    if count > MOST_FILES:
        raise PackageRefused("The package has more than {limit} files; it was not read.", limit=MOST_FILES)
    entries = list(_entries(data[at : at + size]))
    if len(entries) != count:
        raise PackageRefused("The directory of the package has more bytes than entries.")
    return entries, at


def _entries(directory: bytes) -> Iterator[_Entry]:
    at = 0
    while at < len(directory):
        if len(directory) - at < _CENTRAL.size or directory[at : at + 4] != _CENTRAL_MARK:
            raise PackageRefused("The directory of the package is cut off.")
        fields = _CENTRAL.unpack(directory[at : at + _CENTRAL.size])
        name = directory[at + _CENTRAL.size : at + _CENTRAL.size + fields[10]]
        yield _Entry(
            name=name.decode("utf-8", "replace"),
            encoded_name=name,
            flags=fields[3],
            method=fields[4],
            crc=fields[7],
            packed=fields[8],
            size=fields[9],
            offset=fields[16],
            mode=fields[15] >> 16 if fields[1] >> 8 == _UNIX else 0,
            extra=directory[at + _CENTRAL.size + fields[10] :][: fields[11]],
        )
        at += _CENTRAL.size + sum(fields[10:13])


def _require_plain(entry: _Entry) -> None:
    """No secrets, no links, nothing that one reader takes for another thing than the next."""
    name = entry.name[: paths.LONGEST]
    if entry.flags & _ENCRYPTED:
        raise PackageRefused(
            "The file {path} of the package is encrypted; give the package without a password.", path=name
        )
    if entry.flags & _DESCRIPTOR:
        raise PackageRefused(
            "The file {path} of the package states its size only after its bytes (data descriptor), so readers may"
            " differ on it; give the package as it was made, or zip its folder with another tool.",
            path=name,
        )
    kind = stat.S_IFMT(entry.mode)
    if kind not in (0, stat.S_IFDIR if entry.folder else stat.S_IFREG):
        raise PackageRefused("The package has a link or a device in the place of the file {path}.", path=name)
    known = entry.method in (_STORED, _DEFLATED) and not entry.flags & ~_HARMLESS_FLAGS
    if not known or not _harmless(entry.extra):
        raise PackageRefused("The file {path} of the package is packed in a way that is not read here.", path=name)
    if entry.folder and entry.size:
        raise PackageRefused("The file {path} in the package was changed or cut off.", path=name)


def _named(entries: Iterable[_Entry]) -> dict[str, str]:
    """Name in the ZIP → path in the package, for the files."""
    names = [entry.name for entry in entries if not entry.folder]
    around = _around(names)
    found = {name: paths.require(name.removeprefix(around)) for name in names}
    for entry in entries:
        if entry.folder and entry.name != around:
            paths.require(entry.name.removeprefix(around).removesuffix("/"))
    if len({path.lower() for path in found.values()}) != len(names):
        raise PackageRefused("The package has two files of one name, or of names alike but for case.")
    return found


def _around(names: list[str]) -> str:
    """The folder that all files lie in (``name/``), empty where there is none. It is a single plain name."""
    folder, slash, _ = names[0].partition("/") if names else ("", "", "")
    plain = folder not in ("", ".", "..") and "\\" not in folder and folder.isprintable()
    together = slash and plain and all(name.startswith(f"{folder}/") for name in names)
    return f"{folder}/" if together else ""


def _start(data: bytes, entry: _Entry, expected_at: int) -> int:
    """Where the bytes of *entry* start: after its local header, which says the same."""
    head = data[entry.offset : entry.offset + _LOCAL.size]
    if entry.offset != expected_at or len(head) != _LOCAL.size:
        raise PackageRefused("The package has bytes that belong to no file; it was changed after it was made.")
    mark, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(head)
    name_at = entry.offset + _LOCAL.size
    stated = (mark, flags, method, crc, packed, size, data[name_at : name_at + name_length])
    own = (_LOCAL_MARK, entry.flags, entry.method, entry.crc, entry.packed, entry.size, entry.encoded_name)
    if stated != own:
        raise PackageRefused("The header of {path} in the package was changed.", path=entry.name[: paths.LONGEST])
    start = name_at + int(name_length) + int(extra_length)
    if not _harmless(data[name_at + name_length : start]):
        raise PackageRefused("The header of {path} in the package was changed.", path=entry.name[: paths.LONGEST])
    return start


def _harmless(extra: bytes) -> bool:
    """Whether an extra field is blocks (id, size, bytes) that say nothing about the name or the bytes."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind not in _HARMLESS_EXTRAS:
            return False
        at += 4 + size
    return at == len(extra)


def _content(entry: _Entry, packed: bytes) -> bytes:
    content = packed if entry.method == _STORED else _inflated(entry, packed)
    if (
        len(packed) != entry.packed
        or content is None
        or len(content) != entry.size
        or zlib.crc32(content) != entry.crc
    ):
        raise PackageRefused(
            "The file {path} in the package was changed or cut off.", path=entry.name[: paths.LONGEST]
        )
    return content


def _inflated(entry: _Entry, packed: bytes) -> bytes | None:
    """None where the deflated stream is none, or does not end exactly with *packed* and at the stated size."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = stream.decompress(packed, entry.size + 1)
    except zlib.error:
        return None
    return content if stream.eof and not stream.unused_data else None


__all__ = ["LARGEST", "MOST_FILES", "read"]
