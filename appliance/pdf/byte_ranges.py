"""Where the signatures of a PDF lie and what they cover, from the file's bytes without trusting its structure.

A signature is where a ``/ByteRange`` leaves exactly one hexadecimal string out (ISO 32000-2, 12.8.1). A flipped
byte may hide a signature from the parser or make a parser give up. What a signature covers is known from the bytes
alone, so it is checked from the bytes alone as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from appliance.errors import EvidenceIncomplete
from hsm.cms import MessageHash, message_digest

_STATED = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")
_WRITTEN = re.compile(rb"/ByteRange\s{0,8}\[([\s\d]{7,100})\]")
_HEXADECIMAL = re.compile(rb"<[0-9A-Fa-f]*>\Z")
_NAMED = re.compile(
    rb"/(?:B|#42)(?:y|#79)(?:t|#74)(?:e|#65)(?:R|#52)(?:a|#61)(?:n|#6[eE])(?:g|#67)(?:e|#65)"
    rb"(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])"
)
"""The name, however it is written (ISO 32000-2, 7.3.5)."""
_LONGEST_NAME = len("/") + 9 * len("#42")
_PLAIN_NUMBERS = re.compile(
    rb"[\x00\t\n\x0c\r ]*\[[\x00\t\n\x0c\r ]*0+" + 3 * rb"[\x00\t\n\x0c\r ]+(\d{1,12})" + rb"[\x00\t\n\x0c\r ]*\]"
)
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

    def covers(self, place: int) -> bool:
        """Whether the byte at *place* is signed."""
        return place < self.gap_start or self.gap_end <= place < self.end

    @property
    def length(self) -> int:
        """How many bytes are signed after the gap."""
        return self.end - self.gap_end

    def content(self, document: bytes) -> bytes:
        """The signed bytes."""
        return document[: self.gap_start] + document[self.gap_end : self.end]

    def contents(self, document: bytes) -> bytes | None:
        """The bytes in the gap, padding included, or None unless it is exactly one hexadecimal string."""
        gap = document[self.gap_start : self.gap_end]
        if not _HEXADECIMAL.match(gap) or len(gap) % 2:
            return None
        return bytes.fromhex(gap[1:-1].decode("ascii"))

    def digest(self, document: bytes, name: str) -> bytes:
        """The hash *name* over the signed bytes (:func:`hsm.cms.message_digest`)."""
        view = memoryview(document)
        return message_digest(name, view[: self.gap_start], view[self.gap_end : self.end])


class SignedDigests:
    """Digests over what signatures of one document cover. What comes before their gaps is the same bytes again and
    again, and is hashed once."""

    def __init__(self, document: bytes, ranges: Iterable[ByteRange]) -> None:
        self._document = document
        self._gaps = sorted({each.gap_start for each in ranges})
        self._before: dict[str, dict[int, MessageHash]] = {}

    def digest(self, signed: ByteRange, name: str) -> bytes:
        """The hash *name* over what *signed* covers. Raises ValueError for a hash that nobody here knows."""
        before = self._hashes(name).get(signed.gap_start)
        if before is None:
            return signed.digest(self._document, name)
        whole = before.copy()
        whole.update(memoryview(self._document)[signed.gap_end : signed.end])
        return whole.digest()

    def _hashes(self, name: str) -> dict[int, MessageHash]:
        """The hashes of what comes before each gap."""
        if name not in self._before:
            running, found, done = MessageHash(name), dict[int, MessageHash](), 0
            for gap in self._gaps:
                running.update(memoryview(self._document)[done:gap])
                found[gap], done = running.copy(), gap
            self._before[name] = found
        return self._before[name]


def signed_sizes(document: bytes, *, since: int = 0) -> list[int] | None:
    """How many bytes each ByteRange says to cover that is written in the file, and not before byte *since*,
    whether anything refers to it or not; None when one is not four numbers in a row, of which the first is 0."""
    found: list[int] = []
    for _, size in stated_sizes(document, since=since):
        if size is None:
            return None
        found.append(size)
    return found


def stated_sizes(document: bytes, *, since: int = 0) -> Iterator[tuple[int, int | None]]:
    """The same, each with where it ends; None for one that is not four such numbers."""
    for name in _NAMED.finditer(document, max(0, since - _LONGEST_NAME)):
        if name.end() <= since:
            continue
        numbers = _PLAIN_NUMBERS.match(document, name.end())
        if numbers is None:
            yield name.end(), None
        else:
            yield numbers.end(), int(numbers[1]) + int(numbers[3])


def has_room_elsewhere(document: bytes) -> bool:
    """Whether a signature over all of *document* could be one in it: a ByteRange says, or may say, that so many
    bytes are signed. With the gap that it names everything behind moves, and tables lead to other objects."""
    sizes = signed_sizes(document)
    return sizes is None or len(document) in sizes


def startxref_at(document: bytes, end: int) -> int | None:
    """The startxref with which the first *end* bytes end, or None when they do not end like a revision."""
    found = _REVISION_END.search(document[max(0, end - _TAIL) : end])
    return int(found[1]) if found else None


def find_byte_ranges(document: bytes) -> dict[ByteRange, list[int]]:
    """Every ByteRange that is written in the file, with the places where it is; placeholders are left out, and
    what can be none."""
    found: dict[ByteRange, list[int]] = {}
    for match in islice(_WRITTEN.finditer(document), _MOST_SIGNATURES):
        numbers = [int(each) for each in match[1].split()]
        signed = ByteRange.from_numbers(numbers, len(document))
        if signed is not None and not _is_placeholder(signed, document):
            found.setdefault(signed, []).append(match.start())
    return found


def ends_cleanly(document: bytes) -> bool:
    """Whether nothing but ends of line follows the last ``startxref … %%EOF``."""
    return _REVISION_END.search(document[-_TAIL:]) is not None


def _is_placeholder(signed: ByteRange, document: bytes) -> bool:
    """Whether the gap is still all zeros: a signature that was prepared and never made."""
    contents = signed.contents(document)
    return contents is not None and not any(contents)


def stated_ranges(document: bytes, *, since: int = 0) -> Iterator[ByteRange | None]:
    """Every ByteRange that *document* states after byte *since*, in its order; None for one that cannot be."""
    for match in _STATED.finditer(document, since):
        yield ByteRange.from_numbers([0, *map(int, match.groups())], len(document))


def newest_contents(document: bytes, *, since: int) -> bytes:
    """What the last signature of *document* after byte *since* holds, padding included.

    Raises :class:`EvidenceIncomplete` when there is none.
    """
    *_, newest = None, *stated_ranges(document, since=since)
    contents = newest.contents(document) if newest else None
    if not contents:
        raise EvidenceIncomplete("The revision holds no signature that can be read.")
    return contents
