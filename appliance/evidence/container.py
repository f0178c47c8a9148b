"""The ZIP container of a package: plain paths, and one canonical form."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from appliance.errors import EvidenceIncomplete
from appliance.evidence.model import PackageRefused
from appliance.language.sizes import ByteSize

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of all files together."""
MOST_FILES: Final = 10_000

LOCAL: Final = struct.Struct("<4s5H3I2H")
CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
END: Final = struct.Struct("<4s4H2IH")
LOCAL_MARK, CENTRAL_MARK, END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
STORED, DEFLATED = 0, 8
"""Compression methods (APPNOTE 6.3.10, 4.4.5)."""
_VERSION, _FLAGS, _TIME, _DATE = 20, 0, 0, 0x21
_MADE_BY: Final = (3 << 8) | _VERSION  # Unix, so that the mode below is heeded
_MODE_FILE, _MODE_SCRIPT = 0o100644, 0o100755


def write_container(files: Mapping[str, bytes | memoryview]) -> bytes:
    """The container of *files* (path → bytes). Raises EvidenceIncomplete when it would be larger than LARGEST."""
    if len(files) > MOST_FILES or sum(map(len, files.values())) > LARGEST:
        raise EvidenceIncomplete(
            "The evidence has more than {files} files or {bytes}; export it in parts.",
            files=MOST_FILES,
            bytes=ByteSize(LARGEST),
        )
    return b"".join(_pieces(files))


def is_canonical(data: bytes, files: Mapping[str, bytes | memoryview]) -> bool:
    """Whether *data* is the container that :func:`write_container` makes of *files*."""
    at = 0
    for piece in _pieces(files):
        if not data.startswith(piece, at):
            return False
        at += len(piece)
    return at == len(data)


def digest_of(files: Mapping[str, bytes | memoryview]) -> str:
    """The SHA-256 (hex) of the container that :func:`write_container` makes of *files*."""
    digest = hashlib.sha256()
    for piece in _pieces(files):
        digest.update(piece)
    return digest.hexdigest()


def _pieces(files: Mapping[str, bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """The container, piece by piece: header and bytes of each file by its path, directory, end."""
    at, directory = 0, bytearray()
    for name in sorted(files):
        data, encoded = files[name], require_path(name).encode()
        stated = (_VERSION, _FLAGS, STORED, _TIME, _DATE, zlib.crc32(data), len(data), len(data), len(encoded), 0)
        mode = _MODE_SCRIPT if name.endswith((".sh", ".py")) else _MODE_FILE
        directory += CENTRAL.pack(CENTRAL_MARK, _MADE_BY, *stated, 0, 0, 0, mode << 16, at) + encoded
        yield LOCAL.pack(LOCAL_MARK, *stated) + encoded
        yield data
        at += LOCAL.size + len(encoded) + len(data)
    yield bytes(directory)
    yield END.pack(END_MARK, 0, 0, len(files), len(files), len(directory), at, 0)


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
