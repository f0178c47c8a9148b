"""The records of a ZIP made by any tool: what is stated twice must be the same twice (APPNOTE 6.3.10).

The directory at the end is what most readers go by, the local headers and data descriptors what those do that read
from the front. A data descriptor (4.3.9) has the CRC-32 and the sizes behind the data, for tools that write to a
pipe; it may have a signature, and its sizes have 64 bits exactly where the local header has a ZIP64 block (4.5.3).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from appliance.evidence.container import CENTRAL, CENTRAL_MARK, END, END_MARK, LOCAL, LOCAL_MARK, LONGEST, STORED
from appliance.evidence.model import PackageRefused

MOST_FILES: Final = 20_000
"""Entries, those of folders among them."""
ENCRYPTED, DESCRIPTOR = 0x0001, 0x0008
"""General purpose flags (4.4.4)."""

_DESCRIPTOR_MARK: Final = b"PK\x07\x08"
_FULL: Final = 0xFFFFFFFF
_ZIP64, _UNICODE_PATH = 0x0001, 0x7075
_EXTRAS: Final = frozenset({_ZIP64, _UNICODE_PATH, 0x000A, 0x5455, 0x5855, 0x7855, 0x7875, 0xCAFE})
"""Besides sizes and names: times and owners of files (NTFS, Unix), and the mark of Java's archives (empty).
Others give other sizes, names or ciphers, or are not known."""
_LARGEST_EXTRA: Final = 64
"""Bytes, but for a name; more could hold another file, which programs that do not read ZIPs would find."""
_DOS: Final = 0


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One entry of the directory (4.3.12), sizes and ``offset`` in bytes.

    ``encoded_name`` is the name in the header; ``name`` and ``unicode_name`` are what readers make of it: those
    that do not know the extra field for a name in UTF-8 (4.6.9), and those that do.
    """

    encoded_name: bytes
    name: bytes
    unicode_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int

    @property
    def folder(self) -> bool:
        return self.name.endswith(b"/")

    @property
    def shown(self) -> str:
        """The name for a sentence."""
        return self.name.decode("utf-8", "replace")[:LONGEST]


def read_directory(data: memoryview) -> tuple[list[ZipEntry], int]:
    """The entries in the order of their offsets, and where the directory starts.

    Raises :class:`PackageRefused`, as all here do.
    """
    tail = data[-END.size :]
    if len(tail) < END.size or tail[:4] != END_MARK:
        raise PackageRefused("The package does not end as a ZIP does; it is cut off or was added to.")
    _, disk, first_disk, here, count, size, at, comment = END.unpack(tail)
    if disk or first_disk or here != count or comment or at + size != len(data) - END.size:
        raise PackageRefused("The package does not end as a ZIP does; it is cut off or was added to.")
    if count > MOST_FILES:
        raise PackageRefused("The package has more than {limit} files; it was not read.", limit=MOST_FILES)
    entries = list(_entries(bytes(data[at : at + size])))
    if len(entries) != count:
        raise PackageRefused("The directory of the package has more bytes than entries.")
    return sorted(entries, key=lambda each: each.offset), at


def packed_data(data: memoryview, entry: ZipEntry, expected_at: int) -> tuple[memoryview, int]:
    """The packed bytes of *entry*, whose local header must be at *expected_at*, and where the next one must be."""
    head = data[entry.offset : entry.offset + LOCAL.size]
    if entry.offset != expected_at or len(head) != LOCAL.size:
        raise PackageRefused("The package has bytes that belong to no file; it was changed after it was made.")
    mark, _, flags, method, _, _, crc, packed, size, name_length, extra_length = LOCAL.unpack(head)
    name_at = entry.offset + LOCAL.size
    start = name_at + int(name_length) + int(extra_length)
    blocks = _blocks(bytes(data[name_at + name_length : start]), entry.shown)
    stated = (mark, flags, method, bytes(data[name_at : name_at + name_length]))
    same = stated == (LOCAL_MARK, entry.flags, entry.method, entry.encoded_name)
    own_name = _unicode_name(blocks, entry.encoded_name, entry.shown)
    named = own_name == entry.encoded_name or _slashed(own_name) == _slashed(entry.unicode_name)
    if not (same and named and _agree(entry, crc, (size, packed), blocks.get(_ZIP64))):
        raise PackageRefused("The header of {path} in the package was changed.", path=entry.shown)
    end = start + entry.packed
    content = data[start:end]
    return content, end + (_descriptor(data, entry, end, wide=_ZIP64 in blocks) if _described(entry) else 0)


def _described(entry: ZipEntry) -> bool:
    return bool(entry.flags & DESCRIPTOR)


def _agree(entry: ZipEntry, crc: int, sizes: tuple[int, int], block: bytes | None) -> bool:
    """Whether a local header has the CRC-32 and sizes (unpacked, packed) of *entry*; 0 if a descriptor follows."""
    if block is not None and len(block) != struct.calcsize("<2Q"):
        return False
    said = [(crc, entry.crc)]
    for place, own in enumerate((entry.size, entry.packed)):
        if block is not None:
            said.append((struct.unpack_from("<Q", block, 8 * place)[0], own))
        if block is None or sizes[place] != _FULL:
            said.append((sizes[place], own))
    return all(found == own or (found == 0 and _described(entry)) for found, own in said)


def _descriptor(data: memoryview, entry: ZipEntry, at: int, *, wide: bool) -> int:
    """The length of the data descriptor, which says what the directory says.

    Where the data are stored, nothing but the descriptor shows to a reader from the front where they end: nothing
    in them may look like a record of a ZIP.
    """
    values = struct.pack("<I2Q" if wide else "<3I", entry.crc, entry.packed, entry.size)
    signed = _DESCRIPTOR_MARK + values
    if data[at : at + len(signed)] == signed:
        length = len(signed)
    elif data[at : at + len(values)] == values and not values.startswith(_DESCRIPTOR_MARK):
        length = len(values)
    else:
        raise PackageRefused(
            "What the package states behind the bytes of {path} (data descriptor) is not what its directory"
            " states; it was changed after it was made.",
            path=entry.shown,
        )
    marks = (LOCAL_MARK, CENTRAL_MARK, END_MARK, _DESCRIPTOR_MARK)
    if entry.method == STORED and any(mark in bytes(data[at - entry.packed : at]) for mark in marks):
        raise PackageRefused(
            "The size of the file {path} stands only behind its bytes, and they hold what could be their end, so"
            " readers may differ on it; give the package as it was made, or zip its folder with another tool.",
            path=entry.shown,
        )
    return length


def _entries(records: bytes) -> Iterator[ZipEntry]:
    at = 0
    while at < len(records):
        if len(records) - at < CENTRAL.size or records[at : at + 4] != CENTRAL_MARK:
            raise PackageRefused("The directory of the package is cut off.")
        fields = CENTRAL.unpack(records[at : at + CENTRAL.size])
        name_at = at + CENTRAL.size
        extra_at = name_at + fields[10]
        at = name_at + sum(fields[10:13])
        if at > len(records) or fields[13]:
            raise PackageRefused("The directory of the package is cut off.")
        yield _entry(fields, records[name_at:extra_at], records[extra_at : extra_at + fields[11]])


def _entry(fields: tuple[int, ...], encoded: bytes, extra: bytes) -> ZipEntry:
    shown = encoded.decode("utf-8", "replace")[:LONGEST]
    blocks = _blocks(extra, shown)
    size, packed, offset = _widened((fields[9], fields[8], fields[16]), blocks.get(_ZIP64, b""), shown)
    unicode = _unicode_name(blocks, encoded, shown)
    dos = fields[1] >> 8 == _DOS
    return ZipEntry(
        encoded_name=encoded,
        name=_slashed(encoded) if dos else encoded,
        unicode_name=_slashed(unicode) if dos else unicode,
        flags=fields[3],
        method=fields[4],
        crc=fields[7],
        packed=packed,
        size=size,
        offset=offset,
        mode=fields[15] >> 16,
    )


def _slashed(name: bytes) -> bytes:
    """Some tools of Windows separate with backslashes; taken for that, as unzip does, where there is no slash."""
    return name if b"/" in name else name.replace(b"\\", b"/")


def _widened(fields: tuple[int, int, int], block: bytes, shown: str) -> tuple[int, ...]:
    """*fields* of 32 bits, those that are full from the ZIP64 block, which has these alone, in this order."""
    full = fields.count(_FULL)
    if len(block) != 8 * full:
        raise _not_read(shown)
    values = iter(struct.unpack(f"<{full}Q", block))
    return tuple(next(values) if field == _FULL else field for field in fields)


def _blocks(extra: bytes, shown: str) -> Mapping[int, bytes]:
    """The blocks (id, size, bytes) of an extra field, each once and of a known kind."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind in found or kind not in _EXTRAS or (size > _LARGEST_EXTRA and kind != _UNICODE_PATH):
            raise _not_read(shown)
        found[kind] = extra[at + 4 : at + 4 + size]
        at += 4 + size
    if at != len(extra):
        raise _not_read(shown)
    return found


def _unicode_name(blocks: Mapping[int, bytes], encoded: bytes, shown: str) -> bytes:
    """The name in UTF-8 (4.6.9: version 1, CRC-32 of the header's name, name), *encoded* where there is none."""
    block = blocks.get(_UNICODE_PATH)
    if block is None:
        return encoded
    if block[:5] != struct.pack("<BI", 1, zlib.crc32(encoded)):
        raise _not_read(shown)
    return block[5:]


def _not_read(shown: str) -> PackageRefused:
    return PackageRefused("The file {path} of the package is packed in a way that is not read here.", path=shown)
