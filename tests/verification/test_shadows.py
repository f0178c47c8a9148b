"""Shadow attacks: prepared before signing, so that what looks like validation data afterwards reveals them."""

from __future__ import annotations

import re

import pytest

from appliance.verification import Indication
from tests.verification.authorities import World
from tests.verification.conftest import Verify
from tests.verification.documents import Signing, sign, stamper, with_fields

RED_BOX = b"q 1 0 0 rg 100 500 300 100 re f Q"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<<>>/Contents %s>>"


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


def written(objects: dict[int, bytes], *, after: bytes = b"") -> bytes:
    """A file of *objects* by number, or *after* with one more revision of them."""
    body, places = bytearray(after or b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), {}
    for number, value in objects.items():
        places[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, value)
    # an object that was written into a string of another one has an entry as well
    for found in re.finditer(rb"\((\d+) 0 obj", bytes(body[len(after) :])):
        places[int(found[1])] = len(after) + found.start() + 1
    start = len(body)
    sections = [b"%d 1\n%010d 00000 n \n" % (number, places[number]) for number in sorted(places)]
    free = b"" if after else b"0 1\n0000000000 65535 f \n"
    size = max(*places, *(int(each) - 1 for each in re.findall(rb"/Size (\d+)", after)), 1) + 1
    previous = b"/Prev %s" % re.findall(rb"startxref\s+(\d+)", after)[-1] if after else b""
    trailer = b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, previous, start)
    return bytes(body) + b"xref\n" + free + b"".join(sections) + trailer


def prepared(catalogue: bytes = b"", page: bytes = PAGE % b"5 0 R", **others: bytes) -> dict[int, bytes]:
    objects = {1: b"<</Type/Catalog/Pages 2 0 R%s>>" % catalogue, 2: PAGES, 3: page, 4: stream(b"q Q")}
    return objects | {int(name[1:]): value for name, value in others.items()}


LAYERED = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Properties<</L 7 0 R>>>>/Contents 5 0 R>>"
LAYERS = {
    "n5": stream(b"/OC /L BDC " + RED_BOX + b" EMC"),
    "n6": b"<</OCGs[7 0 R]/D<</OFF[7 0 R]>>>>",
    "n7": b"<</Type/OCG/Name(x)>>",
}
SHOWN = {6: b"<</OCGs[7 0 R]/D<<>>>>"}
WIDGET = b"/Type/Annot/Subtype/Widget/FT/Sig/T(z)/F 132/Rect[0 0 0 0]/P 3 0 R"
WAITING = {form: prepared(n5=b"[ 4 0 R %s ]" % form) for form in (
    b"900 0 R", b"900 +0 R", b"900.0 0 R", b"900 0.0 R", b"900 -0 R", b"+900 0 R", b"900 0 %x\nR", b"0900 00 R"
)}  # fmt: skip

CASES = {
    **{f"waits as {form.decode()!r}": (base, {900: stream(RED_BOX)}) for form, base in WAITING.items()},
    "layers in a VRI entry": (
        prepared(b"/OCProperties 6 0 R/DSS<</VRI<</A 6 0 R>>>>", LAYERED, **LAYERS),
        SHOWN,
    ),
    "layers as metadata": (prepared(b"/OCProperties 6 0 R/Metadata 6 0 R", LAYERED, **LAYERS), SHOWN),
    "pages in a VRI entry": (
        prepared(b"/DSS<</VRI<</A<</Cert[2 0 R]>>>>>>", n5=stream(b"q Q")),
        {5: stream(RED_BOX)},
    ),
    "resources in a VRI entry": (
        prepared(
            b"/DSS<</VRI<</A 6 0 R>>>>/Extensions 6 0 R",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources 6 0 R/Contents 5 0 R>>",
            n5=stream(b"/X Do"),
            n6=b"<</XObject<</X 7 0 R>>/Cert[7 0 R]>>",
            n7=stream(b"", b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]"),
        ),
        {7: stream(RED_BOX, b"/Type/XObject/Subtype/Form/BBox[0 0 600 800]")},
    ),
    "the store's list is the page's": (
        prepared(b"/DSS<</Certs 5 0 R>>", n5=b"[4 0 R]"),
        {4: stream(RED_BOX)},
    ),
    "the store's list grows on the page": (
        prepared(b"/DSS<</Certs 5 0 R>>", n5=b"[4 0 R]"),
        {5: b"[4 0 R 900 0 R]", 900: stream(RED_BOX)},
    ),
    "the store in a string of the contents": (
        prepared(b"/DSS 6 0 R", n5=b"[ 4 0 R (6 0 obj\n<</Certs[7 0 R]>>\nendobj\n) 7 0 R ]", n7=stream(b"q Q")),
        {7: stream(RED_BOX)},
    ),
    "the list of fields is the page's": (
        prepared(b"/AcroForm<</Fields 5 0 R/SigFlags 3>>", n5=b"[]"),
        {5: b"[%s900 0 R]", 900: stream(RED_BOX, WIDGET)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_prepared_shows_unseen(case: str, good: World, verify: Verify) -> None:
    base, later = CASES[case]
    document = with_fields(written(base), "one")
    document = sign(document, Signing("one", good.signer, [good.issuing], stamper(good)))
    assert verify(document).indication is Indication.PASSED
    present = re.findall(rb"\n5 0 obj\s*\[(.*?)\]", document, re.S)
    revealed = {number: value.replace(b"%s", present[-1] + b" ") if b"%s" in value else value
                for number, value in later.items()}  # fmt: skip
    report = verify(written(revealed, after=document))
    assert report.indication is not Indication.PASSED
    assert report.reasons


SIZE, PREVIOUS = b"/Size 99", b"/Prev %d"
HIDDEN = b"4 0 obj\n" + stream(RED_BOX) + b"\nendobj\n"
SECTIONS = {
    "an object that no section lists": (HIDDEN, b"0 0\n", SIZE + PREVIOUS),
    "short entries": (b"", b"0 1\n0000000000 65535 f\n", SIZE + PREVIOUS),
    "a number beyond all": (b"", b"2147483648 1\n0000000015 00000 n \n", SIZE + PREVIOUS),
    "no size": (b"", b"0 0\n", b"/Size 1" + PREVIOUS),
    "a negative size": (b"", b"0 0\n", b"/Size -1" + PREVIOUS),
    "two sizes": (b"", b"0 0\n", SIZE + b"/Size 1" + PREVIOUS),
    "two ways back": (b"", b"0 0\n", SIZE + PREVIOUS + b"/Prev 0"),
    "an escaped key": (b"", b"0 0\n", SIZE + PREVIOUS + b"/Siz#65 1"),
    "the catalogue twice the same key": (
        b"1 0 obj\n<</Type/Catalog/Pages 2 0 R/Pages 4 0 R%s>>\nendobj\n",
        b"",
        SIZE + PREVIOUS,
    ),
}


@pytest.mark.parametrize("case", SECTIONS)
def test_no_section_that_readers_read_in_two_ways(case: str, good: World, verify: Verify) -> None:
    """Readers search the file for objects when a section is odd, and show what nothing lists."""
    body, table, trailer = SECTIONS[case]
    document = with_fields(written(prepared(n5=stream(b"q Q"))), "one")
    document = sign(document, Signing("one", good.signer, [good.issuing], stamper(good)))
    form = re.findall(rb"/AcroForm \d+ 0 R", document)[-1]
    body = body.replace(b"%s", form)
    table = table or b"1 1\n%010d 00000 n \n" % len(document)
    previous = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    section = b"xref\n%strailer\n<</Root 1 0 R%s>>\n" % (table, trailer.replace(b"%d", b"%d" % previous))
    report = verify(document + body + section + b"startxref\n%d\n%%%%EOF\n" % len(document + body))
    assert report.indication is not Indication.PASSED
    assert report.reasons
    plain = b"xref\n0 0\ntrailer\n<</Size 99/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
    assert verify(document + plain % (previous, len(document))).indication is Indication.PASSED


def test_no_key_twice_inside_an_object_stream(good: World, verify: Verify) -> None:
    document = with_fields(written(prepared(n5=stream(b"q Q"))), "one")
    document = sign(document, Signing("one", good.signer, [good.issuing], stamper(good)))
    root = re.findall(rb"\n1 0 obj\s*(<<.*?>>)\s*endobj", document, re.S)[-1]
    member = b"1 0 " + root.replace(b"/Pages 2 0 R", b"/Pages 2 0 R/Pages 80 0 R")
    container = stream(member, b"/Type/ObjStm/N 1/First 4")
    first, second = len(document), len(document) + len(container) + len(b"90 0 obj\n\nendobj\n")
    entries = b"\x02%s\0\x01%s\0\x01%s\0" % tuple(each.to_bytes(4, "big") for each in (90, first, second))
    previous = int(re.findall(rb"startxref\s+(\d+)", document)[-1])
    keys = b"/Type/XRef/W[1 4 1]/Index[1 1 90 2]/Size 92/Root 1 0 R/Prev %d" % previous
    objects = b"90 0 obj\n%s\nendobj\n91 0 obj\n%s\nendobj\n" % (container, stream(entries, keys))
    report = verify(document + objects + b"startxref\n%d\n%%%%EOF\n" % second)
    assert report.indication is not Indication.PASSED
