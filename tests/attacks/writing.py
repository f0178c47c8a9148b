"""PDF files written by hand: what a library would refuse to write is what attacks are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

RED_BOX = b"q 1 0 0 rg 100 500 300 100 re f Q"
TEXT = b"BT /F1 18 Tf 72 700 Td (The buyer pays 100 euro) Tj ET"
OTHER_TEXT = b"BT /F1 18 Tf 72 700 Td (The buyer pays 900 euro) Tj ET"
FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<<>>/Contents %s>>"
HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_ROOM = 6000
_EMPTY_RANGE = b"/ByteRange [0 0          0          0         ]"


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream object's text."""
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


def written(objects: Mapping[int, bytes], *, after: bytes = b"", trailer: bytes = b"") -> bytes:
    """A file of *objects* by number, or *after* with one more revision of them; *trailer*: more entries for it."""
    body, places = bytearray(after or HEAD), {}
    for number, value in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, value)
    # an object that was written into a string of another one has an entry as well
    for found in re.finditer(rb"\((\d+) 0 obj", bytes(body[len(after) :])):
        places[int(found[1])] = len(after) + found.start() + 1
    return bytes(body) + section(places, len(body), after=after, trailer=trailer)


def section(
    places: Mapping[int, int], start: int, *, after: bytes = b"", trailer: bytes = b"", previous: int | None = None
) -> bytes:
    """A cross-reference table with its trailer for the objects at *places*; it lies at *start*."""
    entries = [b"%d 1\n%010d 00000 n \n" % (number, places[number]) for number in sorted(places)]
    free = b"" if after else b"0 1\n0000000000 65535 f \n"
    size = max(*places, *(int(each) - 1 for each in re.findall(rb"/Size (\d+)", after)), 0, 0) + 1
    if previous is None and after:
        previous = startxref(after)
    back = b"" if previous is None else b"/Prev %d" % previous
    root = b"" if b"/Root" in trailer else b"/Root " + (root_of(after) if after else b"1 0 R")
    closing = b"trailer\n<</Size %d%s%s%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, back, trailer, start)
    return b"xref\n" + (free + b"".join(entries) or b"0 0\n") + closing


def startxref(document: bytes) -> int:
    """Where the last cross-reference section of *document* lies."""
    return int(re.findall(rb"startxref\s+(\d+)", document)[-1])


def root_of(document: bytes) -> bytes:
    """The reference to the last catalogue, as written."""
    return bytes(re.findall(rb"/Root\s+(\d+ 0 R)", document)[-1])


def present(document: bytes, number: int) -> bytes:
    """The text of the last object *number* in *document*."""
    return bytes(re.findall(rb"(?<!\d)%d 0 obj\s*(.*?)\s*endobj" % number, document, re.DOTALL)[-1])


def number_of(document: bytes, pattern: bytes) -> int:
    """The number of the last object whose text holds *pattern* (a regular expression)."""
    found = re.findall(rb"(?<!\d)(\d+) 0 obj\s*((?:(?!endobj).)*?)endobj", document, re.DOTALL)
    return int([number for number, text in found if re.search(pattern, text)][-1])


def same_length(document: bytes, pattern: bytes, replacement: bytes) -> bytes:
    """*document* with all that *pattern* finds replaced, and nothing moved."""

    def fill(match: re.Match[bytes]) -> bytes:
        return replacement[: len(match[0])].ljust(len(match[0]))

    altered = re.sub(pattern, fill, document)
    if altered == document:
        raise ValueError(f"nothing to replace: {pattern!r}")
    return altered


def contract(more: Mapping[int, bytes] | None = None, *, annotations: bytes = b"") -> dict[int, bytes]:
    """The objects of a contract of one page, with a number in it that matters; object 6 is free for a form."""
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F1 5 0 R>>>>/Contents 4 0 R"
        b"/Annots[%s]>>" % annotations
    )
    objects = {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: PAGES, 3: page, 4: stream(TEXT), 5: FONT}
    return objects | dict(more or {})


def placeholder(
    *, subfilter: bytes = b"/ETSI.CAdES.detached", entries: bytes = b"", room: int = _ROOM, kind: bytes = b"/Sig"
) -> bytes:
    """A signature dictionary with room for a message of *room* hexadecimal digits, for :func:`sealed` to fill."""
    return b"<</Type%s/Filter/Adobe.PPKLite/SubFilter%s%s%s/Contents <%s>>>" % (
        kind, subfilter, entries, _EMPTY_RANGE, b"0" * room,
    )  # fmt: skip


def sealed(document: bytes, make: Callable[[bytes], bytes]) -> bytes:
    """*document* with its placeholder filled: *make* gives the CMS message for the bytes that are covered."""
    dictionary = document.index(_EMPTY_RANGE)
    gap = document.index(b"/Contents <0", dictionary) + len(b"/Contents ")
    end = document.index(b">", gap) + 1
    places = b"/ByteRange [0 %-10d %-10d %-10d]" % (gap, end, len(document) - end)
    document = document.replace(_EMPTY_RANGE, places)
    digits = make(document[:gap] + document[end:]).hex().encode()
    if len(digits) > end - gap - 2:
        raise ValueError("the message needs more room")
    return document[: gap + 1] + digits.ljust(end - gap - 2, b"0") + document[end - 1 :]


def signed_by_hand(make: Callable[[bytes], bytes], *, begun: bytes = HEAD, **how: Any) -> bytes:
    """A small file of one signature, all of it written here; *how* as for :func:`placeholder`. *begun*: what it
    begins with, as long as the usual header."""
    form = {
        1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[7 0 R]/SigFlags 3>>>>",
        7: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(one)/F 132/Rect[0 0 0 0]/P 3 0 R/V 8 0 R>>",
        8: placeholder(**how),
    }
    document = written(contract(form, annotations=b"7 0 R"))
    return sealed(begun + document[len(HEAD) :], make)
