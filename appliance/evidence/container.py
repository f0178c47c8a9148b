"""The ZIP container of a package: plain paths, one canonical form, and its strict inverse."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from appliance.evidence.model import EvidenceIncomplete, PackageRefused
from appliance.language.sizes import ByteSize

LARGEST: Final = 512 * 1024 * 1024
MOST_FILES: Final = 10_000

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _FLAGS, _STORED, _TIME, _DATE = 20, 0, 0, 0, 0x21
_MADE_BY: Final = (3 << 8) | _VERSION  # Unix, so that the mode below is heeded
_MODE_FILE, _MODE_SCRIPT = 0o100644, 0o100755


@dataclass(frozen=True, slots=True)
class _Member:
    """One file of the container: ``offset`` of its local header, ``crc`` and ``size`` of its bytes."""

    name: str
    crc: int
    size: int
    offset: int

    def local(self) -> bytes:
        name = self.name.encode()
        head = (_VERSION, _FLAGS, _STORED, _TIME, _DATE, self.crc, self.size, self.size, len(name), 0)
        return _LOCAL.pack(_LOCAL_MARK, *head) + name

    def central(self) -> bytes:
        name = self.name.encode()
        mode = _MODE_SCRIPT if self.name.endswith((".sh", ".py")) else _MODE_FILE
        head = (_MADE_BY, _VERSION, _FLAGS, _STORED, _TIME, _DATE, self.crc, self.size, self.size, len(name))
        return _CENTRAL.pack(_CENTRAL_MARK, *head, 0, 0, 0, 0, mode << 16, self.offset) + name


def write_container(files: Mapping[str, bytes]) -> bytes:
    """The container of *files* (path → bytes). Raises EvidenceIncomplete when it would be larger than LARGEST."""
    if len(files) > MOST_FILES or sum(map(len, files.values())) > LARGEST // 2:
        raise EvidenceIncomplete(
            "The evidence has more than {files} files or {bytes}; export it in parts.",
            files=MOST_FILES,
            bytes=ByteSize(LARGEST // 2),
        )
    body = bytearray()
    directory = bytearray()
    for name in sorted(files):
        data = files[name]
        member = _Member(require_path(name), zlib.crc32(data), len(data), len(body))
        body += member.local()
        body += data
        directory += member.central()
    end = _end(len(files), len(directory), len(body))
    return bytes(body + directory + end)


def read_container(data: bytes) -> dict[str, memoryview]:
    """Path → bytes of a canonical container, not copied. Raises :class:`PackageRefused` for any other bytes."""
    if len(data) > LARGEST:
        raise PackageRefused("The package has more than {limit}; it was not read.", limit=ByteSize(LARGEST))
    count, directory_size, directory_at = _read_end(data)
    view = memoryview(data)
    directory = view[directory_at : directory_at + directory_size]
    files: dict[str, memoryview] = {}
    expected_at = 0
    for member in _read_directory(directory, count):
        files[member.name] = _read_member(view[:directory_at], member, expected_at)
        expected_at = member.offset + _LOCAL.size + len(member.name) + member.size
    if expected_at != directory_at:
        raise PackageRefused("The package has bytes that belong to no file; it was changed after it was made.")
    return files


def _end(count: int, directory_size: int, directory_at: int) -> bytes:
    return _END.pack(_END_MARK, 0, 0, count, count, directory_size, directory_at, 0)


def _read_end(data: bytes) -> tuple[int, int, int]:
    if len(data) < _END.size:
        raise PackageRefused("The package is cut off: a ZIP needs at least {size} bytes.", size=_END.size)
    tail = data[-_END.size :]
    _, _, _, _, count, directory_size, directory_at, _ = _END.unpack(tail)
    fits = directory_at + directory_size == len(data) - _END.size
    if not fits or tail != _end(count, directory_size, directory_at):
        raise PackageRefused("The package does not end as its canonical form does; it is cut off or was added to.")
    if count > MOST_FILES:
        raise PackageRefused("The package has more than {limit} files; it was not read.", limit=MOST_FILES)
    return count, directory_size, directory_at


def _read_directory(directory: memoryview, count: int) -> Iterator[_Member]:
    at, previous = 0, ""
    for _ in range(count):
        member = _read_entry(directory, at)
        _require_order(previous, member.name)
        if directory[at : at + len(member.central())] != member.central():
            raise PackageRefused(
                "The entry of {path} in the package is not in its canonical form (stored, dated 1980-01-01).",
                path=member.name,
            )
        at, previous = at + len(member.central()), member.name
        yield member
    if at != len(directory):
        raise PackageRefused("The directory of the package has more bytes than entries.")


def _read_entry(directory: memoryview, at: int) -> _Member:
    if len(directory) - at < _CENTRAL.size:
        raise PackageRefused("The directory of the package is cut off.")
    fields = _CENTRAL.unpack(directory[at : at + _CENTRAL.size])
    crc, size, name_length, offset = fields[7], fields[9], fields[10], fields[16]
    name = bytes(directory[at + _CENTRAL.size : at + _CENTRAL.size + name_length])
    return _Member(require_path(name.decode("ascii", "replace")), crc, size, offset)


def _require_order(previous: str, name: str) -> None:
    if name == previous:
        raise PackageRefused("The package has the file {path} twice.", path=name)
    if name < previous:
        raise PackageRefused("The files of the package are not sorted: {path} stands too late.", path=name)


def _read_member(body: memoryview, member: _Member, expected_at: int) -> memoryview:
    local = member.local()
    start = member.offset + len(local)
    if member.offset != expected_at or body[member.offset : start] != local:
        raise PackageRefused("The header of {path} in the package was changed.", path=member.name)
    data = body[start : start + member.size]
    if len(data) != member.size or zlib.crc32(data) != member.crc:
        raise PackageRefused("The file {path} in the package was changed or cut off.", path=member.name)
    return data


LONGEST: Final = 120
_SEGMENT: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]*(?<!\.)"
_PATH: Final = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,3}}")


def require_path(path: str) -> str:
    """*path* itself when it is relative, in ASCII, without ``..`` and white space, at most four levels deep.

    Raises :class:`PackageRefused` for anything that could be written outside the package's own folder, or that
    Windows, macOS and ISO images would store under another name.
    """
    if len(path) > LONGEST or not _PATH.fullmatch(path):
        raise path_refused(path)
    return path


def path_refused(path: str) -> PackageRefused:
    """The refusal of a package that has the file *path*."""
    return PackageRefused(
        "The package names a file {path}, which is not a plain relative path; do not unpack it.",
        path=repr(path[:LONGEST]),
    )
