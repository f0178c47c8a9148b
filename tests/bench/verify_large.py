"""Large documents with many signatures, judged in confinement: 5 s for up to 50 MB and 30 signatures."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pyhanko.sign.fields import SigFieldSpec

from appliance.confinement.pool import Confinement
from appliance.verification import Indication, TrustAnchors, Verifier
from appliance.verification.verifier import MOST_SECONDS
from tests.attacks.registry import LATER
from tests.attacks.victims import GOOD, next_signature
from tests.attacks.writing import FONT, stream, written
from tests.bench.measure import Figure, median, milliseconds_of
from tests.verification.documents import add_document_timestamp, add_validation_data, plain, stamper

MEGABYTE = 1_000_000
SIGNATURES = 30
_PAGES = 25
_ACROSS = 6


def figures() -> list[Figure]:
    """Each kind of document at its size and at a tenth, of bytes and of signatures."""
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
    if report.indication is not Indication.PASSED or len(report.signatures) < SIGNATURES * tenths // 10:
        raise RuntimeError(f"The file to measure on does not verify: {report.reasons}")
    return milliseconds_of(lambda: verifier.verify_pdf(document, at=LATER), times=5)


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
        left, bottom = 20 + 95 * (number % _ACROSS), 20 + 50 * (number // _ACROSS)
        field = SigFieldSpec(f"new {number}", on_page=0, box=(left, bottom, left + 90, bottom + 45))
        document = next_signature(document, f"new {number}", new_field=field)
    return document


def signed_and_archived(document: bytes, count: int) -> bytes:
    """Half of the signatures, then rounds of validation data and a document timestamp: B-LTA, renewed."""
    document = signed_beside(document, count // 2)
    for _ in range(count - count // 2):
        document = add_validation_data(document, [GOOD.other, GOOD.tsa, GOOD.issuing], GOOD.revocations)
        document = add_document_timestamp(document, stamper(GOOD))
    return document


KINDS: dict[str, tuple[Make, Sign]] = {
    "50 MB of scans, 30 new fields": (scanned, signed_beside),
    "50 MB of scans, 15 signatures and 15 archive timestamps": (scanned, signed_and_archived),
    "50 MB of drawings, 30 new fields": (drawn, signed_beside),
    "100,000 objects, 30 new fields": (linked, signed_beside),
    "300 pages of text, 15 signatures and 15 archive timestamps": (
        lambda tenths: plain(30 * tenths),
        signed_and_archived,
    ),
}
