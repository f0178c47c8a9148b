"""Universal signature forgery: what a verifier needs is missing, empty or odd, and a lenient one does without.

Each in two ways: altered where it stands, and as an update that gives the field a signature of the attacker's.
"""

from __future__ import annotations

import re
from functools import partial

from tests.attacks.registry import FORMAT, HASH, UNREADABLE, register
from tests.attacks.victims import by_hand, certified
from tests.attacks.writing import OTHER_TEXT, number_of, present, same_length, stream, written

RANGE = rb"/ByteRange\s*\[[^]]*\]"
MESSAGE = rb"/Contents\s*<[0-9a-fA-F]{1000,}>"
RANGES = (
    b"",
    b"/ByteRange null",
    b"/ByteRange",
    b"/ByteRange []",
    b"/ByteRange [0 0 0 0]",
    b"/ByteRange [0 1 0 0]",
    b"/ByteRange [0 10]",
    b"/ByteRange [0 1 2 3 4 5]",
    b"/ByteRange [0 1.5 2 3]",
    b"/ByteRange [0 -1 5 9]",
    b"/ByteRange [-1 -1 -1 -1]",
    b"/ByteRange [0 900 800 99]",
    b"/ByteRange [10 900 1000 99]",
    b"/ByteRange [0 9999999999999 99999999 9]",
    b"/ByteRange [0 900 1000 99999999999]",
    b"/ByteRange [/A /B /C /D]",
    b"/ByteRange [(0) (9) (99) (9)]",
    b"/ByteRange [null null null null]",
    b"/ByteRange [true 1 2 3]",
    b"/ByteRange [[0 1 2 3]]",
    b"/ByteRange <</A 1>>",
    b"/ByteRange /X",
    b"/ByteRange (x)",
    b"/ByteRange 0",
    b"/ByteRange 99 0 R",
    b"/ByteRange 1 0 R",
    b"/ByteWange [0 1 2 3]",
)
MESSAGES = (
    b"",
    b"/Contents",
    b"/Contents null",
    b"/Contents <>",
    b"/Contents ()",
    b"/Contents <00>",
    b"/Contents <30>",
    b"/Contents <3000>",
    b"/Contents <3080>",
    b"/Contents <3082FFFF>",
    b"/Contents <FFFFFFFF>",
    b"/Contents <zz>",
    b"/Contents <3",
    b"/Contents 0",
    b"/Contents true",
    b"/Contents []",
    b"/Contents <<>>",
    b"/Contents /X",
    b"/Contents 99 0 R",
    b"/Contents 1 0 R",
    b"/Kontents <3000>",
)
_KINDS = (
    (rb"/SubFilter /ETSI\.CAdES\.detached", b"/SubFilter /XTSI.CAdES.detached"),
    (rb"/SubFilter /ETSI\.CAdES\.detached", b"/SubFilter /adbe.pkcs7.sha1"),
    (rb"/SubFilter /ETSI\.CAdES\.detached", b"/SubFilter /adbe.x509.rsa_sha1"),
    (rb"/SubFilter /ETSI\.CAdES\.detached", b"/SubFilter /ETSI.RFC3161"),
    (rb"/SubFilter /ETSI\.CAdES\.detached", b""),
    (rb"/Filter /Adobe\.PPKLite", b"/Filter /Nothing"),
    (rb"/Filter /Adobe\.PPKLite", b""),
    (rb"/Type /Sig(?=\s)", b"/Type /Sog"),
    (rb"/Type /Sig(?=\s)", b"/Type /X"),
    (rb"/FT /Sig", b"/FT /Tx"),
    (rb"/FT /Sig", b""),
)


def _in_place(pattern: bytes, replacement: bytes) -> bytes:
    return same_length(certified(), pattern, replacement)


def _by_update(pattern: bytes, replacement: bytes) -> bytes:
    """The signature dictionary written anew with the entry altered, and the amount with it."""
    document = by_hand("B-B")
    number = number_of(document, rb"/ByteRange")
    altered = re.sub(pattern, lambda match: replacement, present(document, number))
    return written({4: stream(OTHER_TEXT), number: altered}, after=document)


for _entry, _values in ((RANGE, RANGES), (MESSAGE, MESSAGES)):
    for _value in _values:
        _word = _value.decode() or f"no {'ByteRange' if _entry == RANGE else 'Contents'}"
        register("forgery", f"{_word}, in place", partial(_in_place, _entry, _value), FORMAT, HASH)
        register("forgery", f"{_word}, by update", partial(_by_update, _entry, _value), FORMAT, HASH)
for _entry, _value in _KINDS:
    _word = f"{_value.decode() or 'nothing'} for {_entry.decode()}"
    register("forgery", f"{_word}, in place", partial(_in_place, _entry, _value), HASH, FORMAT)


def _without(entry: bytes, value: bytes) -> bytes:
    """A file with a signature that nobody ever made, the entry missing or odd."""
    signature = {
        b"/Type": b"/Sig",
        b"/Filter": b"/Adobe.PPKLite",
        b"/SubFilter": b"/ETSI.CAdES.detached",
        b"/ByteRange": b"[0 10 20 30]",
        b"/Contents": b"<3000>",
    }
    signature[entry] = value
    text = b"<<%s>>" % b"".join(key + b" " + given for key, given in signature.items() if given)
    field = b"<</FT/Sig/T(one)/Subtype/Widget/Rect[0 0 0 0]/P 3 0 R/V 5 0 R>>"
    return written(
        {
            1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]/SigFlags 3>>>>",
            2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Annots[4 0 R]>>",
            4: field,
            5: text,
        }
    )


for _key in (b"/Type", b"/Filter", b"/SubFilter", b"/ByteRange", b"/Contents"):
    for _value in (b"", b"null", b"0", b"[]", b"()", b"<<>>", b"/X"):
        _word = f"made up, {_key.decode()} {_value.decode() or 'missing'}"
        register("forgery", _word, partial(_without, _key, _value), FORMAT, HASH, UNREADABLE)
