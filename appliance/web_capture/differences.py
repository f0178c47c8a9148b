"""What is different between two captures of one address: text, picture, resources, certificate, title, address.

Each part has a limit, so that comparing takes seconds whatever the pages are; a part that was cut says so.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from appliance.confinement import frames
from appliance.confinement.pool import Confinement
from appliance.errors import DocumentRefused
from appliance.sequence_differences import long_differences
from appliance.web_capture.pictures import ChangedArea, ComparedPictures
from appliance.web_capture.wacz import INDEX

_LONGEST_TEXT: Final = 8_000_000
"""Characters that are compared."""
_MOST_LINES: Final = 100_000
_MOST_SHOWN: Final = 200
"""Lines, or resources, that are told one by one."""
_LONGEST_LINE: Final = 500
_LARGEST_INDEX: Final = 32 * 1024 * 1024
_SECONDS: Final = 120.0
_UNREADABLE: Final = (
    *(ValueError, LookupError, TypeError, AttributeError, OSError, EOFError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What comes of an index by a program that a page has taken over: encrypted, damaged, nested without end."""


@dataclass(frozen=True, slots=True)
class ComparedPage:
    """One of the two captures: last ``address`` and ``title`` of the page, its ``text``, ``picture`` (PNG), WACZ,
    and the SHA-256 (hex) of the certificate that the server of ``address`` showed, empty without TLS."""

    address: str
    title: str
    text: str
    picture: bytes
    wacz: bytes
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class ChangedLines:
    """Lines of the earlier text, from ``line`` (counted from 1), and what the later one has in their place."""

    line: int
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextDifferences:
    """How many lines are ``removed`` and ``added``; the first of them are in ``changes``. ``coarse``: the texts
    were too different to be compared line by line everywhere, or too long to be compared whole."""

    removed: int = 0
    added: int = 0
    changes: tuple[ChangedLines, ...] = ()
    coarse: bool = False


@dataclass(frozen=True, slots=True)
class PictureDifferences:
    """``changed`` of ``pixels``, all in ``areas``. ``unread``: a picture could not be compared."""

    pixels: int = 0
    changed: int = 0
    areas: tuple[ChangedArea, ...] = ()
    unread: bool = False


@dataclass(frozen=True, slots=True)
class ResourceDifferences:
    """How many addresses are ``added``, ``gone``, or gave other octets (``changed``); the first of each are in
    ``added_addresses`` and so on. ``unread``: an index could not be read."""

    added: int = 0
    gone: int = 0
    changed: int = 0
    added_addresses: tuple[str, ...] = ()
    gone_addresses: tuple[str, ...] = ()
    changed_addresses: tuple[str, ...] = ()
    unread: bool = False


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """Something that each capture has once."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PageDifferences:
    """What is different; parts that are the same are empty, single values None."""

    text: TextDifferences = field(default_factory=TextDifferences)
    picture: PictureDifferences = field(default_factory=PictureDifferences)
    resources: ResourceDifferences = field(default_factory=ResourceDifferences)
    title: ChangedValue | None = None
    address: ChangedValue | None = None
    certificate: ChangedValue | None = None

    @property
    def same(self) -> bool:
        """Whether a visitor would have seen the same page: resources may differ all the same."""
        return (self.text, self.picture, self.title, self.address, self.certificate) == (
            TextDifferences(),
            PictureDifferences(pixels=self.picture.pixels),
            None,
            None,
            None,
        )

    def encode(self) -> dict[str, Any]:
        """It in what JSON has."""
        return dict(frames.encode(self))

    @classmethod
    def decode(cls, value: Mapping[str, Any]) -> PageDifferences:
        """What :meth:`encode` gave, after JSON as well. Raises ValueError for anything else."""
        return frames.decode(cls, value)


@dataclass(frozen=True, slots=True)
class MarkedDifferences:
    """Differences, and the later picture with what is different in red (PNG; empty where nothing is)."""

    differences: PageDifferences
    marked: bytes


def compare_pages(before: ComparedPage, after: ComparedPage, confinement: Confinement) -> MarkedDifferences:
    """What is different between two captures; their pictures are read in *confinement* (``captures.compared``).
    Raises ConfinementFailed (``unavailable``) alone."""
    pictures = _pictures(before.picture, after.picture, confinement)
    seen = PictureDifferences(unread=True)
    if pictures is not None:
        seen = PictureDifferences(pictures.pixels, pictures.changed, pictures.areas)
    found = PageDifferences(
        text=_texts(before.text, after.text),
        picture=seen,
        resources=_indexes(before.wacz, after.wacz),
        title=_values(before.title, after.title),
        address=_values(before.address, after.address),
        certificate=_values(before.certificate, after.certificate),
    )
    return MarkedDifferences(found, pictures.marked if pictures is not None else b"")


def _pictures(before: bytes, after: bytes, confinement: Confinement) -> ComparedPictures | None:
    with suppress(DocumentRefused):
        return confinement.process(
            ComparedPictures, "captures.compared", timeout=_SECONDS, before=before, after=after
        )
    return None


def _texts(before: str, after: str) -> TextDifferences:
    old, new = _lines(before), _lines(after)
    whole = max(len(before), len(after)) <= _LONGEST_TEXT and max(len(old), len(new)) <= _MOST_LINES
    old, new = old[:_MOST_LINES], new[:_MOST_LINES]
    found, coarse = long_differences(old, new)
    changes: list[ChangedLines] = []
    left = _MOST_SHOWN
    for first, last, start, end in found:
        removed, added = _shown(old[first:last], left), _shown(new[start:end], left)
        left -= len(removed) + len(added)
        changes.append(ChangedLines(first + 1, removed, added))
        if left <= 0:
            break
    return TextDifferences(
        removed=sum(last - first for first, last, _, _ in found),
        added=sum(end - start for _, _, start, end in found),
        changes=tuple(changes),
        coarse=coarse or not whole,
    )


def _lines(text: str) -> list[str]:
    return text[:_LONGEST_TEXT].splitlines()


def _shown(lines: Sequence[str], most: int) -> tuple[str, ...]:
    return tuple(each[:_LONGEST_LINE] for each in lines[: max(0, most)])


def _indexes(before: bytes, after: bytes) -> ResourceDifferences:
    try:
        old, new = _resources_of(before), _resources_of(after)
    except _UNREADABLE:
        return ResourceDifferences(unread=True)
    added, gone = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    changed = sorted(each for each in old.keys() & new.keys() if old[each] != new[each])
    return ResourceDifferences(
        added=len(added),
        gone=len(gone),
        changed=len(changed),
        added_addresses=tuple(added[:_MOST_SHOWN]),
        gone_addresses=tuple(gone[:_MOST_SHOWN]),
        changed_addresses=tuple(changed[:_MOST_SHOWN]),
    )


def _resources_of(wacz: bytes) -> dict[str, frozenset[str]]:
    """Digests of what each address gave, by the index of *wacz*."""
    with zipfile.ZipFile(io.BytesIO(wacz)) as archive:
        if archive.getinfo(INDEX).file_size > _LARGEST_INDEX:
            raise ValueError("an index that is too large")
        lines = archive.read(INDEX).decode().splitlines()
    found: dict[str, set[str]] = {}
    for line in lines:
        told = json.loads(line.split(" ", 2)[2])
        found.setdefault(_writable(told["url"]), set()).add(_writable(told["digest"]))
    return {address: frozenset(digests) for address, digests in found.items()}


def _writable(text: str) -> str:
    """It, if it is text that can be kept: half a character has no encoding. Raises ValueError, AttributeError."""
    return text.encode().decode()


def _values(before: str, after: str) -> ChangedValue | None:
    return ChangedValue(before, after) if before != after else None
