"""The byte work around a signature's ByteRange (ISO 32000-2, 12.8.1): pure, and checked, not believed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from appliance.errors import ConfinementFailed, StateRefused
from appliance.pdf.values import ContentsSpan, PreparedRevision

_BYTE_RANGE = re.compile(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]")


def prepared(document: bytes, revision: Mapping[str, Any]) -> PreparedRevision:
    """*document* with a child's *revision* appended (``appended`` bytes, ``start`` and ``end`` of the gap).

    Raises ConfinementFailed when the placeholder is not all zeros or the one ByteRange does not name exactly all
    bytes but the placeholder: a digest over anything else must never be signed.
    """
    match revision:
        case {"appended": bytes(appended), "start": int(start), "end": int(end)}:
            pass
        case _:
            raise _not_a_revision()
    whole = document + appended
    ranges = _BYTE_RANGE.findall(appended)
    expected = [tuple(str(number).encode() for number in (start, end, len(whole) - end))]
    gap = whole[start:end]
    if ranges != expected or start < len(document) or gap != b"<" + b"0" * (len(gap) - 2) + b">":
        raise _not_a_revision()
    return PreparedRevision(whole, _digest(whole, start, end), ContentsSpan(start, end - start))


def _not_a_revision() -> ConfinementFailed:
    return ConfinementFailed("The prepared revision does not have the form of one.", cause="output", detail="")


def fill(revision: PreparedRevision, cms: bytes) -> bytes:
    """The signed document: *cms* (DER) in hexadecimal in the placeholder, zeros after it.

    Raises StateRefused when it does not fit, or when the placeholder is not where it was said to be.
    """
    start, length = revision.contents.offset, revision.contents.length
    room = length - 2
    digits = cms.hex().upper().encode()
    if len(digits) > room:
        raise StateRefused(
            "The signature has {size} bytes and only {room} were kept for it; prepare it again with more room.",
            size=len(cms),
            room=room // 2,
        )
    document = bytearray(revision.document)
    if document[start : start + 1] != b"<" or document[start + length - 1 : start + length] != b">":
        raise StateRefused("The prepared document is not the one that was prepared; prepare it again.")
    document[start + 1 : start + 1 + len(digits)] = digits
    return bytes(document)


def _digest(document: bytes, start: int, end: int) -> bytes:
    view = memoryview(document)
    digest = hashlib.sha256(view[:start])
    digest.update(view[end:])
    return digest.digest()
