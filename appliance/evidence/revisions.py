"""The signatures inside a signed PDF as plain byte ranges, so that ``head``, ``tail`` and ``openssl`` can follow.

Nothing is interpreted: a signature is where a ``/ByteRange`` leaves exactly one hexadecimal string out
(ISO 32000-2, 12.8.1), and only those whose bytes the caller names are taken, so a document cannot smuggle one in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from appliance.evidence.errors import EvidenceIncomplete

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


def locate_signatures(document: bytes, signature: bytes) -> SignatureRange:
    """The range of *signature* (DER of a CMS or of a timestamp token) in *document*.

    Raises :class:`EvidenceIncomplete` when the document does not carry it exactly once, padded with zeros.
    """
    found = []
    for match in _BYTE_RANGE.finditer(document):
        candidate = SignatureRange(*(int(number) for number in match.groups()))
        room = candidate.room(document)
        if room is not None and room.startswith(signature) and not room[len(signature) :].strip(b"\0"):
            found.append(candidate)
    if len(found) != 1:
        raise EvidenceIncomplete(
            "The signed contract has {count} signatures with the bytes of this one, instead of one.",
            count=len(found),
        )
    return found[0]


def newest_contents(document: bytes, *, since: int) -> bytes:
    """What the last signature of *document* after byte *since* holds, padding included.

    Raises :class:`EvidenceIncomplete` when there is none.
    """
    found = list(_BYTE_RANGE.finditer(document, since))
    room = SignatureRange(*(int(number) for number in found[-1].groups())).room(document) if found else None
    if room is None:
        raise EvidenceIncomplete("The revision holds no signature that can be read.")
    return room
