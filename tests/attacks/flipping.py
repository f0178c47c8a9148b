"""Flipped bytes, a few in every structure of a B-LTA file (``make flips`` flips all of them)."""

from __future__ import annotations

import re

from tests.attacks.registry import CRYPTO, FORMAT, HASH, register
from tests.attacks.victims import lasting, ranges
from tests.verification.flips import flipped

STRUCTURES = {
    "header": rb"%PDF-1\.\d",
    "object header": rb"\d+ 0 obj",
    "endobj": rb"endobj",
    "dictionary": rb"<<",
    "page": rb"/Type /Page\b",
    "page tree": rb"/Kids \[",
    "media box": rb"/MediaBox \[",
    "contents": rb"/Contents \d",
    "resources": rb"/Resources",
    "stream": rb"stream\r?\n",
    "endstream": rb"endstream",
    "length": rb"/Length \d+",
    "filter": rb"/Filter",
    "table": rb"\nxref\s",
    "table's entry": rb"\d{10} \d{5} n",
    "trailer": rb"trailer",
    "size": rb"/Size \d+",
    "previous": rb"/Prev \d+",
    "root": rb"/Root \d+",
    "startxref": rb"startxref\s+\d+",
    "end": rb"%%EOF",
    "form": rb"/AcroForm",
    "fields": rb"/Fields \[",
    "kind of field": rb"/FT /Sig",
    "name of the field": rb"/T \(",
    "value": rb"/V \d+",
    "range": rb"/ByteRange \[",
    "range's numbers": rb"(?<=/ByteRange \[0 )\d+",
    "kind of signature": rb"/SubFilter",
    "permissions": rb"/DocMDP",
    "store": rb"/DSS",
    "stored certificates": rb"/Certs",
    "stored lists": rb"/CRLs",
    "message": rb"/Contents <30",
}
_MASKS = (0x01, 0x80, 0x10)
_PARTS_OF_A_MESSAGE = 24
_MESSAGES = 3


def _flip(document: bytes, place: int, mask: int) -> bytes:
    altered = flipped(document, place, mask)
    return document[:place] + b"\0" + document[place + 1 :] if altered is None else altered


def in_structure(document: bytes, pattern: bytes, which: int, mask: int = 0x01) -> bytes:
    """*document* with a byte flipped at the end of that occurrence of *pattern*. Raises IndexError for none."""
    found = [match.end() - 1 for match in re.finditer(pattern, document)]
    return _flip(document, found[which], mask)


def in_message(document: bytes, number: int, part: int, mask: int = 0x01) -> bytes:
    """*document* with a byte flipped in the given 24th of a signature's message."""
    start, end, _ = ranges(document)[number]
    used = len(document[start:end].rstrip(b">").rstrip(b"0"))
    return _flip(document, start + 2 + part * (used - 4) // _PARTS_OF_A_MESSAGE, mask)


for _structure, _pattern in STRUCTURES.items():
    for _which, _word in ((0, "first"), (-1, "last")):
        _mask = _MASKS[len(_structure) % 3]
        register(
            "flipped bytes",
            f"{_structure}, the {_word}",
            lambda pattern=_pattern, which=_which, mask=_mask: in_structure(lasting(), pattern, which, mask),
            FORMAT,
            HASH,
            CRYPTO,
        )
for _number in range(_MESSAGES):
    for _part in range(_PARTS_OF_A_MESSAGE):
        register(
            "flipped bytes",
            f"message {_number}, part {_part}",
            lambda number=_number, part=_part: in_message(lasting(), number, part, _MASKS[part % 3]),
            FORMAT,
            HASH,
            CRYPTO,
        )
