"""What validation learns about a PDF's structure, in values that know nothing of pyHanko, and what it learns from
the file's bytes without trusting that structure (ISO 32000-2, 12.8.1).

A flipped byte may hide a signature from the parser or make a parser give up. What a signature covers is known
from the bytes alone, so it is checked from the bytes alone as well.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class StepKind(Enum):
    """What one revision did to the one before it, in rising order of concern."""

    NOTHING = 0
    VALIDATION_DATA = 1
    FORM_FILLING = 2
    UNEXPLAINED = 3


@dataclass(frozen=True, slots=True)
class RevisionStep:
    """The change from revision ``number - 1`` to ``number``.

    ``fields`` are the form fields that it filled or added (visible ones only); ``new_visible`` those of them
    that are new and can be seen; ``recognised`` when every changed object is known to touch nothing else;
    ``detail`` is the analysis' own sentence, in English, for the detailed report.
    """

    number: int
    kind: StepKind
    fields: frozenset[str] = frozenset()
    new_visible: frozenset[str] = frozenset()
    detail: str = ""
    recognised: bool = False


@dataclass(frozen=True, slots=True)
class FieldLock:
    """FieldMDP (ISO 32000-2, 12.8.2.4): ``action`` is All, Include or Exclude."""

    action: str
    fields: frozenset[str]

    def locks(self, name: str) -> bool:
        """Whether the field *name*, or one above it, is locked."""
        parts = name.split(".")
        listed = any(".".join(parts[: length + 1]) in self.fields for length in range(len(parts)))
        return {"All": True, "Include": listed, "Exclude": not listed}.get(self.action, True)


@dataclass(frozen=True, slots=True)
class FoundSignature:
    """A signature that the form leads to.

    ``signed`` is None when its ByteRange is none; ``contents`` are the bytes in the gap, None when the gap is
    not this signature's /Contents. ``complete`` says that it covers its whole ``revision``.
    """

    field: str
    document_timestamp: bool
    subfilter: str
    signed: ByteRange | None
    contents: bytes | None
    revision: int
    complete: bool
    claimed: datetime | None = None
    permission: int | None = None
    lock: FieldLock | None = None


@dataclass(frozen=True, slots=True)
class ValidationStore:
    """The document security store (ETSI EN 319 142-1, 5.4.2), all in DER."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()
    responses: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRegion:
    """A rectangle of a page (from 0) in points, in the page's own coordinates: left, bottom, right, top."""

    page: int
    box: tuple[float, float, float, float]


class Unparseable(Exception):
    """The file cannot be read as a PDF; ``encrypted`` when only the key is missing."""

    def __init__(self, *, encrypted: bool = False) -> None:
        super().__init__("encrypted" if encrypted else "damaged")
        self.encrypted = encrypted


_BYTE_RANGE = re.compile(rb"/ByteRange\s{0,8}\[([\s\d]{7,100})\]")
_HEXADECIMAL = re.compile(rb"<[0-9A-Fa-f]*>\Z")
_REVISION_END = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF[\r\n]*\Z")
_TAIL = 256
_MOST_SIGNATURES = 1000


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A ByteRange: bytes 0 to ``gap_start`` and ``gap_end`` to ``end`` are signed; the gap has the signature."""

    gap_start: int
    gap_end: int
    end: int

    @classmethod
    def from_numbers(cls, numbers: list[int], size: int) -> ByteRange | None:
        """From the four numbers, or None unless they are the start, one gap, and within a file of *size*."""
        if len(numbers) != 4 or numbers[0] != 0 or any(number <= 0 for number in numbers[1:]):
            return None
        _, first, second, length = numbers
        return cls(first, second, second + length) if first < second and second + length <= size else None

    def contents(self, document: bytes) -> bytes | None:
        """The bytes in the gap, or None unless it is exactly one hexadecimal string."""
        gap = document[self.gap_start : self.gap_end]
        if not _HEXADECIMAL.match(gap) or len(gap) % 2:
            return None
        return bytes.fromhex(gap[1:-1].decode("ascii"))

    def digest(self, document: bytes, name: str) -> bytes:
        """The hash *name* over the signed bytes."""
        view = memoryview(document)
        digest = hashlib.new(name, view[: self.gap_start], usedforsecurity=False)
        digest.update(view[self.gap_end : self.end])
        return digest.digest()

    def startxref(self, document: bytes) -> int | None:
        """The startxref with which the signed bytes end, or None when they do not end like a revision."""
        return startxref_at(document, self.end)


def startxref_at(document: bytes, end: int) -> int | None:
    """The startxref with which the first *end* bytes end, or None when they do not end like a revision."""
    found = _REVISION_END.search(document[max(0, end - _TAIL) : end])
    return int(found[1]) if found else None


def find_byte_ranges(document: bytes) -> tuple[ByteRange | None, ...]:
    """Every ByteRange that is written in the file, None for one that cannot be; placeholders are left out."""
    found: list[ByteRange | None] = []
    for match in _BYTE_RANGE.finditer(document):
        numbers = [int(each) for each in match[1].split()]
        if any(numbers[1:]) and not _is_placeholder(numbers, document):
            found.append(ByteRange.from_numbers(numbers, len(document)))
        if len(found) == _MOST_SIGNATURES:
            break
    return tuple(dict.fromkeys(found))


def ends_cleanly(document: bytes) -> bool:
    """Whether nothing but ends of line follows the last ``startxref … %%EOF``."""
    return _REVISION_END.search(document[-_TAIL:]) is not None


def _is_placeholder(numbers: list[int], document: bytes) -> bool:
    """A ByteRange whose gap is still all zeros: a signature that was prepared and never made."""
    signed = ByteRange.from_numbers(numbers, len(document))
    contents = signed.contents(document) if signed else None
    return contents is not None and not any(contents)
