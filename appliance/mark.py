"""The organisation's mark: a small SVG or PNG picture that the operator names, checked before the first page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from appliance.errors import ConfigurationError
from appliance.language.sizes import ByteSize

LARGEST = 200 * 1024
"""Bytes; the mark is on every page."""

_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = "{http://www.w3.org/2000/svg}svg"


@dataclass(frozen=True, slots=True)
class Mark:
    """The picture, and what it is: ``image/svg+xml`` or ``image/png``."""

    content: bytes
    content_type: str


def read_mark(path: Path) -> Mark:
    """The picture at *path*. Raises :class:`ConfigurationError` when absent, too large or of another kind."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise ConfigurationError(
                "The mark {path} has {size}; at most {largest} are allowed.",
                path=path,
                size=ByteSize(size),
                largest=ByteSize(LARGEST),
            )
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            "The mark {path} cannot be read: {problem}. Correct organisation.mark, or leave it empty.",
            path=path,
            problem=error.strerror,
        ) from error
    kind = _kind(content)
    if kind is None:
        raise ConfigurationError("The mark {path} is neither an SVG nor a PNG picture.", path=path)
    return Mark(content, kind)


def _kind(content: bytes) -> str | None:
    """What *content* is, whatever its name says."""
    if content.startswith(_PNG):
        return "image/png"
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  # the operator's own file, of bounded size
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    return "image/svg+xml" if root.tag == _SVG else None
