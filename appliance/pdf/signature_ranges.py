"""Where the signatures of a PDF lie, byte by byte.

A signature is where a ``/ByteRange`` leaves exactly one hexadecimal string out (ISO 32000-2, 12.8.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from appliance.errors import EvidenceIncomplete

_BYTE_RANGE: Final = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")


@dataclass(frozen=True, slots=True)
class SignatureRange:
    """What one signature covers: ``head`` bytes from the start, then ``length`` bytes from ``tail``."""

    head: int
    tail: int
    length: int

    @property
    def end(self) -> int:
        """The size of the revision that the signature closes."""
        return self.tail + self.length

    def content(self, document: bytes) -> bytes:
        """The signed bytes of *document*."""
        return document[: self.head] + document[self.tail : self.end]

    def room(self, document: bytes) -> bytes | None:
        """What ``/Contents`` holds, padding included; ``None`` when no hexadecimal string fills the gap."""
        gap = document[self.head : self.tail]
        if self.end > len(document) or len(gap) < 4 or gap[:1] != b"<" or gap[-1:] != b">":
            return None
        try:
            return bytes.fromhex(gap[1:-1].decode("ascii"))
        except ValueError:
            return None


def signature_ranges(document: bytes, *, since: int = 0) -> Iterator[SignatureRange]:
    """Every range that *document* states after byte *since*, in its order."""
    for match in _BYTE_RANGE.finditer(document, since):
        yield SignatureRange(*(int(number) for number in match.groups()))


def newest_contents(document: bytes, *, since: int) -> bytes:
    """What the last signature of *document* after byte *since* holds, padding included.

    Raises :class:`EvidenceIncomplete` when there is none.
    """
    found = list(signature_ranges(document, since=since))
    room = found[-1].room(document) if found else None
    if room is None:
        raise EvidenceIncomplete("The revision holds no signature that can be read.")
    return room
