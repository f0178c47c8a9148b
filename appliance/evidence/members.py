"""The files of a package that is judged, by their paths, and how large those may be that are parsed."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.evidence.model import PackageRefused
from appliance.language.sizes import ByteSize

LARGEST_RECORD = 4 * 1024 * 1024
"""Bytes of a file that is parsed here; documents are not, the verifier's confined process reads them."""

LARGEST_SIGNATURE = 256 * 1024
"""Bytes of a signature or timestamp. A reply of an authority outside has 64 KiB at most."""

Files = Mapping[str, memoryview]


def part(files: Files, path: str, *, limit: int | None = None) -> bytes:
    """The bytes of the file *path*. Raises :class:`PackageRefused` when it is missing, or larger than *limit* or
    what is of its kind."""
    if limit is None:
        limit = LARGEST_SIGNATURE if path.endswith((".p7s", ".tsr", ".tst")) else LARGEST_RECORD
    if path not in files:
        raise PackageRefused("The package lacks the file {path}.", path=path)
    if len(files[path]) > limit:
        raise PackageRefused(
            "The file {path} of the package is larger than {limit}.", path=path, limit=ByteSize(limit)
        )
    return bytes(files[path])
