"""Flipped bytes, a few in every structure of a B-LTA file (``make flips`` flips all of them)."""

from __future__ import annotations

import re
from functools import partial

from tests.attacks.registry import CRYPTO, FORMAT, HASH, register
from tests.attacks.victims import lasting, ranges
from tests.verification.flips import flipped

_STRUCTURES = {
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


def _flip(place: int, mask: int) -> bytes:
    altered = flipped(lasting(), place, mask)
    return lasting()[:place] + b"\0" + lasting()[place + 1 :] if altered is None else altered


def _in_structure(pattern: bytes, which: int, mask: int) -> bytes:
    found = [match.end() - 1 for match in re.finditer(pattern, lasting())]
    return _flip(found[which], mask)


def _in_message(number: int, part: int, mask: int) -> bytes:
    start, end, _ = ranges(lasting())[number]
    used = len(lasting()[start:end].rstrip(b">").rstrip(b"0"))
    return _flip(start + 2 + part * (used - 4) // _PARTS_OF_A_MESSAGE, mask)


for _structure, _pattern in _STRUCTURES.items():
    for _which, _word in ((0, "first"), (-1, "last")):
        _build = partial(_in_structure, _pattern, _which, _MASKS[len(_structure) % 3])
        register("flipped bytes", f"{_structure}, the {_word}", _build, FORMAT, HASH, CRYPTO)
for _number in range(_MESSAGES):
    for _part in range(_PARTS_OF_A_MESSAGE):
        _build = partial(_in_message, _number, _part, _MASKS[_part % 3])
        register("flipped bytes", f"message {_number}, part {_part}", _build, FORMAT, HASH, CRYPTO)
