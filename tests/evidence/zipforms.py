"""ZIPs byte by byte, in the forms of tools that write to a pipe, and with one thing changed.

Info-ZIP's ``zip -r -`` with and without ``-0``, and Java's ``jar`` and ZipOutputStream, are as their output was
read; macOS Archive Utility (Finder) and .NET's ZipFile of Windows as public descriptions have them.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

SIGNATURE: Final = b"PK\x07\x08"
DOS, UNIX = 0, 3
_TIMES_OF_MAC: Final = struct.pack("<HH8x", 0x5855, 8)
_TIMES_OF_INFO_ZIP: Final = struct.pack("<HH5x", 0x5455, 5)


@dataclass(frozen=True, slots=True)
class Member:
    """One file or folder; ``described`` gives it a data descriptor, ``wide`` a ZIP64 block in the local header.

    The fields that begin with ``local`` and ``descriptor`` say something else there than in the directory.
    """

    name: bytes
    data: bytes = b""
    deflated: bool = True
    flags: int = 0
    system: int = UNIX
    described: bool = False
    signed: bool = True
    wide: bool = False
    extra: bytes = b""
    mode: int = 0
    local_name: bytes | None = None
    local_sizes: tuple[int, int, int] | None = None
    descriptor: bytes | None = None
    packed: bytes | None = None

    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if not self.deflated:
            return self.data
        stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        return stream.compress(self.data) + stream.flush()

    def _head(self) -> tuple[int, int, int, int]:
        return self.flags | (8 if self.described else 0), 8 if self.deflated else 0, 0, 0x5B7B

    def _true(self) -> tuple[int, int, int]:
        """CRC-32, packed size, size."""
        return zlib.crc32(self.data), len(self.body()), len(self.data)

    def local(self) -> bytes:
        name = self.name if self.local_name is None else self.local_name
        crc, packed, size = self.local_sizes or ((0, 0, 0) if self.described else self._true())
        block = struct.pack("<HHQQ", 1, 16, size, packed) if self.wide else b""
        sizes = (0xFFFFFFFF, 0xFFFFFFFF) if self.wide else (packed, size)
        extra = self.extra + block
        head = struct.pack("<4s5H3I2H", b"PK\3\4", 20, *self._head(), crc, *sizes, len(name), len(extra))
        return head + name + extra + self.body() + (self.closing() if self.described else b"")

    def closing(self) -> bytes:
        if self.descriptor is not None:
            return self.descriptor
        values = struct.pack("<I2Q" if self.wide else "<3I", *self._true())
        return (SIGNATURE if self.signed else b"") + values

    def central(self, offset: int) -> bytes:
        made_by = self.system << 8 | 20
        lengths = (len(self.name), len(self.extra), 0)
        head = (b"PK\1\2", made_by, 20, *self._head(), *self._true(), *lengths, 0, 0, self.mode << 16, offset)
        return struct.pack("<4s6H3I5H2I", *head) + self.name + self.extra


def zipped(members: Iterable[Member]) -> bytes:
    body, directory, count = b"", b"", 0
    for member in members:
        directory += member.central(len(body))
        body += member.local()
        count += 1
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def by_finder(files: dict[str, bytes], folder: str) -> list[Member]:
    """Compressed in Finder: descriptors, the names in UTF-8 without its flag, AppleDouble files, ``.DS_Store``."""
    like = Member(b"", described=True, extra=_TIMES_OF_MAC, mode=0o100644)
    inside = replace(like, described=False, deflated=False, mode=0o040755)
    found = [replace(inside, name=f"{folder}/".encode())]
    found.append(replace(like, name=f"{folder}/.DS_Store".encode(), data=b"\0\0\0\1Bud1" + bytes(6000)))
    found += [replace(inside, name=b"__MACOSX/"), replace(inside, name=f"__MACOSX/{folder}/".encode())]
    found.append(replace(like, name=f"__MACOSX/{folder}/._.DS_Store".encode(), data=b"\0\5\x16\7" + bytes(100)))
    for path, data in files.items():
        parent, _, name = f"{folder}/{path}".rpartition("/")
        found.append(replace(like, name=f"{parent}/{name}".encode(), data=data))
        found.append(replace(like, name=f"__MACOSX/{parent}/._{name}".encode(), data=b"\0\5\x16\7" + bytes(200)))
    return found


def by_info_zip(files: dict[str, bytes], folder: str) -> list[Member]:
    """``zip -r - FOLDER``; empty files are stored, with a descriptor as well."""
    like = Member(b"", described=True, extra=_TIMES_OF_INFO_ZIP, mode=0o100644)
    return [
        replace(like, name=f"{folder}/{path}".encode(), data=data, deflated=bool(data))
        for path, data in files.items()
    ]


def by_info_zip_stored(files: dict[str, bytes], folder: str) -> list[Member]:
    """``zip -0 -r - FOLDER``."""
    return [replace(each, deflated=False) for each in by_info_zip(files, folder)]


def by_java(files: dict[str, bytes], folder: str) -> list[Member]:
    """ZipOutputStream: made by "DOS", folders deflated too, the mark of ``jar`` in the first."""
    like = Member(b"", described=True, system=DOS, flags=0x0800)
    mark = replace(like, name=f"{folder}/".encode(), extra=struct.pack("<HH", 0xCAFE, 0))
    return [mark, *(replace(like, name=f"{folder}/{path}".encode(), data=data) for path, data in files.items())]


def by_older_windows(files: dict[str, bytes], folder: str) -> list[Member]:
    """.NET before 4.6.1: backslashes. Windows' own litter; the folder's name in the code page of the system."""
    like = Member(b"", system=DOS)
    added = {"desktop.ini": b"[.ShellClassInfo]", "contract\\Thumbs.db": b"\xd0\xcf\x11\xe0" + bytes(900)}
    return [
        replace(like, name=b"\\".join((folder.encode("gb18030"), path.replace("/", "\\").encode())), data=data)
        for path, data in (files | added).items()
    ]


def by_chinese_tools(files: dict[str, bytes], folder: str) -> list[Member]:
    """The code page of the system in the header, UTF-8 in an extra field (4.6.9)."""

    def member(path: str, data: bytes) -> Member:
        name = f"{folder}/{path}".encode("gb18030")
        unicode = struct.pack("<BI", 1, zlib.crc32(name)) + f"{folder}/{path}".encode()
        return Member(name, data, system=DOS, extra=struct.pack("<HH", 0x7075, len(unicode)) + unicode)

    return [member(path, data) for path, data in files.items()]


def unsigned(files: dict[str, bytes], folder: str) -> list[Member]:
    """Descriptors without a signature, as older tools wrote them."""
    return [replace(each, signed=False) for each in by_info_zip(files, folder)]


def wide(files: dict[str, bytes], folder: str) -> list[Member]:
    """ZIP64 blocks and descriptors of 64 bits, as by what writes to a pipe without knowing the size."""
    return [replace(each, wide=True) for each in by_info_zip(files, folder)]


FORMS: Final[tuple[Callable[[dict[str, bytes], str], list[Member]], ...]] = (
    by_finder,
    by_info_zip,
    by_info_zip_stored,
    by_java,
    by_older_windows,
    by_chinese_tools,
    unsigned,
    wide,
)


def flipped(good: bytes, *, seed: int) -> Iterator[bytes]:
    """3,000 copies of *good* with one bit of each turned over."""
    chance = random.Random(seed)  # noqa: S311 - bytes for a parser, no secret
    for _ in range(3000):
        changed = bytearray(good)
        changed[chance.randrange(len(good))] ^= 1 << chance.randrange(8)
        yield bytes(changed)
