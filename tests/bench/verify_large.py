"""Large documents with many signatures, judged in confinement: 5 s of processor time for up to 50 MB and 30
signatures. What is measured is that of the confined process and of ours: it is what has the limit, and no other
process of the machine counts (:mod:`tests.bench.machine_time`)."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from asn1crypto import crl
from PIL import Image
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.stamp import TextStampStyle

from appliance.confinement.pool import Confinement
from appliance.verification import Indication, TrustAnchors, Verifier
from appliance.verification.verifier import MOST_SECONDS
from hsm import der
from tests.attacks.permitted import new_field, signed_anew, tag
from tests.attacks.recipes import sign as by_key
from tests.attacks.registry import LATER
from tests.attacks.victims import GOOD, next_signature, signing
from tests.attacks.writing import FONT, HEAD, contract, stream, written
from tests.bench.machine_time import used_milliseconds
from tests.bench.measure import Figure, median
from tests.verification.authorities import revocation_list
from tests.verification.documents import add_document_timestamp, add_validation_data, plain, sign, stamper
from tests.verification.reencoding import as_ber, message_of, replaced

MEGABYTE = 1_000_000
SIGNATURES = 30
_PAGES = 25
_ACROSS = 6


def figures() -> list[Figure]:
    """Each kind of document at its size and at a tenth, of bytes and of signatures."""
    used_milliseconds()  # what starts from now on counts
    with tempfile.TemporaryDirectory() as cache, Confinement(Path(cache)) as confinement:
        verifier = Verifier(confinement, TrustAnchors((GOOD.root.certificate,)))
        return [_figure(verifier, kind, *make) for kind, make in KINDS.items()]


Make = Callable[[int], bytes]
Sign = Callable[[bytes, int], bytes]


def _figure(verifier: Verifier, kind: str, make: Make, sign: Sign) -> Figure:
    taken = {tenth: _milliseconds(verifier, make, sign, tenth) for tenth in (1, 10)}
    return Figure(
        f"verify a large document, confined: {kind}",
        "ms",
        median(taken[10]),
        rounds=taken[10],
        target=MOST_SECONDS * 1000,
        smaller_is_better=True,
        growth={"a tenth of the size and of the signatures": median(taken[1])},
    )


def _milliseconds(verifier: Verifier, make: Make, sign: Sign, tenths: int) -> tuple[float, ...]:
    document = sign(make(tenths), SIGNATURES * tenths // 10)
    report = verifier.verify_pdf(document, at=LATER)
    if report.indication is not Indication.PASSED or not report.signatures:
        raise RuntimeError(f"The file to measure on does not verify: {report.reasons}")
    return tuple(_processor_time(lambda: verifier.verify_pdf(document, at=LATER)) for _ in range(5))


def _processor_time(work: Callable[[], object]) -> float:
    """Milliseconds of *work*, with what was started for it."""
    started = used_milliseconds()
    work()
    return used_milliseconds() - started


def scanned(tenths: int) -> bytes:
    """25 pages, each with a picture that fills it: 50 MB."""
    chance = random.Random(1)  # noqa: S311 - noise, no secret
    side = int((5 * MEGABYTE * tenths / _PAGES) ** 0.5)
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceGray" % (
        side,
        side,
    )
    light = bytes(200 + each % 56 for each in range(256))  # nobody takes it for letters that a signature hides
    pictures = (stream(chance.randbytes(side * side).translate(light), entries) for _ in range(_PAGES))
    return _pages((b"q 500 0 0 500 50 300 cm /X Do Q", each) for each in pictures)


def drawn(tenths: int) -> bytes:
    """25 pages of line drawings: 50 MB."""
    chance = random.Random(1)  # noqa: S311 - noise, no secret
    count = 5 * MEGABYTE * tenths // _PAGES // len(b"100 400 m 100 400 l S\n")
    lines = (
        b"".join(b"%d %d m %d %d l S\n" % tuple(chance.randint(300, 599) for _ in range(4)) for _ in range(count))
        for _ in range(_PAGES)
    )
    return _pages((each, b"") for each in lines)


def linked(tenths: int) -> bytes:
    """300 pages with 100,000 links: 50 MB of objects."""
    link = (
        b"<</Type/Annot/Subtype/Link/Border[0 0 0]/Rect[%d 300 %d 310]/A<</S/URI/URI(https://host.example/%s)>>>>"
    )
    per_page = 1000 * tenths // 30
    objects, pages, number = {1: b"<</Type/Catalog/Pages 2 0 R>>", 4: FONT}, list[int](), 5
    for _ in range(300):
        links = range(number, number + per_page)
        objects |= {each: link % (each % 500, each % 500 + 9, b"%0300d" % each) for each in links}
        number += per_page + 2
        objects[number - 2] = stream(b"BT /F1 18 Tf 72 700 Td (Page %d) Tj ET" % number)
        objects[number - 1] = _page(number - 2, b"/Annots[%s]" % b" ".join(b"%d 0 R" % each for each in links))
        pages.append(number - 1)
    return _written(objects, pages)


def packed(tenths: int) -> bytes:
    """The same objects in streams of 100, and a cross-reference stream: 50 MB, nothing compressed."""
    plainly = linked(tenths)
    objects = {int(each[1]): each[2] for each in _OBJECT.finditer(plainly)}
    streams = {number: text for number, text in objects.items() if b"stream" in text}
    others = [(number, text) for number, text in objects.items() if number not in streams]
    size = max(objects) + 1
    body, entries = bytearray(HEAD), {0: b"\0" + bytes(5)}
    for first in range(0, len(others), 100):
        some = others[first : first + 100]
        places, content = [], b""
        for at, (number, text) in enumerate(some):
            places.append(b"%d %d" % (number, len(content)))
            content += text + b"\n"
            entries[number] = b"\2" + size.to_bytes(4) + bytes([at])
        head = b" ".join(places) + b"\n"
        streams[size] = stream(head + content, b"/Type/ObjStm/N %d/First %d" % (len(some), len(head)))
        size += 1
    for number, text in streams.items():
        entries[number] = b"\1" + len(body).to_bytes(4) + b"\0"
        body += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    entries[size] = b"\1" + len(body).to_bytes(4) + b"\0"
    table = b"".join(entries.get(number, bytes(6)) for number in range(size + 1))
    start = len(body)
    body += b"%d 0 obj\n%s\nendobj\n" % (
        size,
        stream(table, b"/Type/XRef/Size %d/W[1 4 1]/Root 1 0 R" % (size + 1)),
    )
    return bytes(body) + b"startxref\n%d\n%%%%EOF\n" % start


_OBJECT = re.compile(rb"^(\d+) 0 obj\n(.*?)\nendobj$", re.DOTALL | re.MULTILINE)


def attached(tenths: int) -> bytes:
    """One page, and a file of 50 MB attached as one stream."""
    data = random.Random(1).randbytes(5 * MEGABYTE * tenths)  # noqa: S311 - noise, no secret
    names = b"/Names<</EmbeddedFiles<</Names[(a)<</Type/Filespec/F(a)/EF<</F 7 0 R>>>>]>>>>"
    more = {
        1: b"<</Type/Catalog/Pages 2 0 R%s>>" % names,
        5: FONT,
        7: stream(data, b"/Type/EmbeddedFile"),
    }
    return written(contract(more))


def described(tenths: int) -> bytes:
    """One page whose structure has 100,000 elements."""
    count, first = 10_000 * tenths, 20
    numbers = range(first, first + count)
    element = b"<</Type/StructElem/S/P/P 11 0 R/Pg 3 0 R/K %d/Alt(%0200d)>>"
    more = {
        1: b"<</Type/Catalog/Pages 2 0 R/MarkInfo<</Marked true>>/StructTreeRoot 10 0 R>>",
        5: FONT,
        10: b"<</Type/StructTreeRoot/K 11 0 R/ParentTree 12 0 R/ParentTreeNextKey 1>>",
        11: b"<</Type/StructElem/S/Document/P 10 0 R/K[%s]>>" % b" ".join(b"%d 0 R" % each for each in numbers),
        12: b"<</Nums[0 13 0 R]>>",
        13: b"[%s]" % b" ".join(b"%d 0 R" % each for each in numbers),
        **{each: element % (each - first, each) for each in numbers},
    }
    return written(contract(more))


def _pages(made: Iterator[tuple[bytes, bytes]]) -> bytes:
    """A page of each content, with the picture that may come with it."""
    objects, pages, number = {1: b"<</Type/Catalog/Pages 2 0 R>>", 4: FONT}, list[int](), 5
    for content, picture in made:
        objects |= {
            number: stream(content),
            number + 1: picture or b"null",
            number + 2: _page(number, picture=number + 1),
        }
        pages.append(number + 2)
        number += 3
    return _written(objects, pages)


def _page(content: int, more: bytes = b"", *, picture: int = 0) -> bytes:
    drawn = b"/XObject<</X %d 0 R>>" % picture if picture else b""
    return (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F1 4 0 R>>%s>>/Contents %d 0 R%s>>"
        % (drawn, content, more)
    )


def _written(objects: dict[int, bytes], pages: list[int]) -> bytes:
    kids = b" ".join(b"%d 0 R" % each for each in pages)
    return written(objects | {2: b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), kids)})


def signed_beside(document: bytes, count: int) -> bytes:
    """Signed *count* times, each time in a new field on the first page."""
    for number in range(count):
        document = next_signature(document, f"new {number}", new_field=_beside(number))
    return document


def _beside(number: int) -> SigFieldSpec:
    """A new field on the first page, beside those of lower numbers."""
    left, bottom = 20 + 95 * (number % _ACROSS), 20 + 50 * (number // _ACROSS)
    return SigFieldSpec(f"new {number}", on_page=0, box=(left, bottom, left + 90, bottom + 45))


def signed_and_archived(document: bytes, count: int) -> bytes:
    """Half of the signatures, then rounds of validation data and a document timestamp: B-LTA, renewed."""
    document = signed_beside(document, count // 2)
    for _ in range(count - count // 2):
        document = add_validation_data(document, [GOOD.other, GOOD.tsa, GOOD.issuing], GOOD.revocations)
        document = add_document_timestamp(document, stamper(GOOD))
    return document


def signed_here_and_there(document: bytes, count: int) -> bytes:
    """Signed *count* times, each time in a new field on another page."""
    pages = document.count(b"/Type /Page\n")
    for number in range(count):
        field = SigFieldSpec(f"new {number}", on_page=pages * number // count, box=(20, 20, 110, 65))
        document = next_signature(document, f"new {number}", new_field=field)
    return document


def signed_and_updated(document: bytes, count: int) -> bytes:
    """Signed *count* times, each time with validation data after it."""
    for number in range(count):
        document = next_signature(document, f"new {number}", new_field=_beside(number))
        lists = [revocation_list(GOOD.issuing, days=30 + number)]
        document = add_validation_data(document, [GOOD.other, GOOD.tsa, GOOD.issuing], lists)
    return document


def signed_with_pictures(document: bytes, count: int) -> bytes:
    """Signed *count* times, each time with a picture of 2 MB."""
    chance = random.Random(1)  # noqa: S311 - noise, no secret
    light = bytes(200 + each % 56 for each in range(256))
    for number in range(count):
        picture = Image.frombytes("RGB", (800, 800), chance.randbytes(3 * 800 * 800).translate(light))
        style = TextStampStyle(stamp_text=" ", background=PdfImage(picture))
        document = next_signature(document, f"new {number}", new_field=_beside(number), stamp=style)
    return document


def signed_and_described(document: bytes, count: int) -> bytes:
    """Signed twice, by new fields in the structure (of *count* nothing is taken)."""
    document = next_signature(document, "first", new_field=new_field("first", (72, 72, 172, 132)))
    return signed_anew(document, tag)


def signed_in_ber(document: bytes, count: int) -> bytes:
    """Signed once, by a message in BER with a list of 4,000 revoked certificates for each of *count*."""
    document = sign(document, signing("first", new_field=new_field("first"), room=600_000 * count + 100_000))
    kind, content = der.members(message_of(document))
    version, digests, covered, bag, *signers = der.members(der.contents(content))
    lists = der.element(0xA1, _long_list(4_000 * count))
    signed = der.element(der.SEQUENCE, version, digests, covered, bag, lists, *signers)
    return replaced(document, as_ber(der.element(der.SEQUENCE, kind, der.element(0xA0, signed))))


def _long_list(count: int) -> bytes:
    """The list of the good issuer with *count* revoked certificates, none of which signs here."""
    made = crl.CertificateList.load(revocation_list(GOOD.issuing))
    time = made["tbs_cert_list"]["this_update"].dump()
    each = (der.element(der.SEQUENCE, der.integer(number << 64 | 1), time) for number in range(1, count + 1))
    parts = der.members(made["tbs_cert_list"].dump())
    text = der.element(der.SEQUENCE, *parts[:5], der.element(der.SEQUENCE, *each), *parts[5:])
    signature = der.element(0x03, b"\0" + by_key(GOOD.issuing.key, text))
    return der.element(der.SEQUENCE, text, made["signature_algorithm"].dump(), signature)


KINDS: dict[str, tuple[Make, Sign]] = {
    "50 MB of scans, 30 new fields": (scanned, signed_beside),
    "50 MB of scans, 15 signatures and 15 archive timestamps": (scanned, signed_and_archived),
    "50 MB of drawings, 30 new fields": (drawn, signed_beside),
    "100,000 objects, 30 new fields": (linked, signed_beside),
    "100,000 objects, each of 30 signatures with validation data": (linked, signed_and_updated),
    "100,000 objects in object streams, 30 new fields": (packed, signed_beside),
    "100,000 elements of structure, signed twice": (described, signed_and_described),
    "50 MB attached, 30 new fields": (attached, signed_beside),
    "50 MB of pictures in 30 signatures": (lambda tenths: written(contract({5: FONT})), signed_with_pictures),
    "a message of 5 MB in BER": (lambda tenths: plain(1), signed_in_ber),
    "300 pages of text, 30 new fields all over": (lambda tenths: plain(30 * tenths), signed_here_and_there),
    "300 pages of text, 15 signatures and 15 archive timestamps": (
        lambda tenths: plain(30 * tenths),
        signed_and_archived,
    ),
}
