"""Content streams that break the rules are refused, and what programs write is not."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfStreamError

from appliance.errors import DocumentRefused
from appliance.pdf import inspection
from appliance.pdf.content_streams import LzwDecode, RunLengthDecode
from tests.pdf import content_cases
from tests.pdf.content_cases import ODD, ODD_DOCUMENTS, PLACES, PLAIN, PLAIN_DOCUMENTS


def refusal_of(document: bytes) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as refusal:
        inspection.inspect(document, most_pages=9)
    return refusal.value


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_what_programs_draw_differently_is_refused(content: bytes) -> None:
    refusal = refusal_of(content_cases.with_content(content))
    assert refusal.reason == "odd-content"
    assert "on page 2 breaks the rules of PDF" in str(refusal)


@pytest.mark.parametrize("content", PLAIN.values(), ids=PLAIN)
def test_what_all_draw_alike_is_taken_in(content: bytes) -> None:
    assert inspection.inspect(content_cases.with_content(content), most_pages=9).pages


@pytest.mark.parametrize("place", PLACES)
def test_all_that_draws_is_looked_at(place: str) -> None:
    make, begins = PLACES[place]
    assert inspection.inspect(make(begins + b"0 0 9 9 re f"), most_pages=9).pages
    for odd in (b"--1 0 9 9 re f", b"0 0 9 9 re f foo", b"/None gs"):
        assert refusal_of(make(begins + odd)).reason == "odd-content"


@pytest.mark.parametrize("make", ODD_DOCUMENTS.values(), ids=ODD_DOCUMENTS)
def test_so_are_parts_and_depths(make: Callable[[], bytes]) -> None:
    assert refusal_of(make()).reason == "odd-content"


@pytest.mark.parametrize("make", PLAIN_DOCUMENTS.values(), ids=PLAIN_DOCUMENTS)
def test_ordinary_parts_and_depths_are_taken_in(make: Callable[[], bytes]) -> None:
    assert inspection.inspect(make(), most_pages=9).pages


def test_a_stream_of_many_megabytes_is_read_in_one_go() -> None:
    line = b"0 0 m 10 10 l S 1 0 0 rg BT /F1 9 Tf (words) Tj ET\n"
    assert inspection.inspect(content_cases.with_content(b" " + line * 20_000), most_pages=9).pages
    assert refusal_of(content_cases.with_content(b" " + line * 20_000 + b"--1 g")).reason == "odd-content"
    for hostile in (b"(", b"(\\", b"(a", b"[<<", b"1 ", b"/A<</B 1>>"):
        assert refusal_of(content_cases.with_content(b" " + hostile * 300_000)).reason == "odd-content"


def test_old_packing_is_undone() -> None:
    words = bytes(range(256)) * 40
    fax = BytesIO()
    with Image.frombytes("L", (100, 100), words[:10_000]) as picture:
        picture.save(fax, "TIFF", compression="tiff_lzw")
    with Image.open(BytesIO(fax.getvalue())) as picture:
        strips = zip(picture.tag_v2[273], picture.tag_v2[279], strict=True)
        data = [fax.getvalue()[start : start + length] for start, length in strips]
    unpacked = b"".join(LzwDecode().decode_bounded(each, {}, None) for each in data)
    assert unpacked == words[:10_000]
    with pytest.raises(PdfDecodeLimitError):
        LzwDecode().decode_bounded(data[0], {}, 5)
    with pytest.raises(PdfStreamError):
        LzwDecode().decode_bounded(data[0][:-2], {}, None)
    assert RunLengthDecode().decode_bounded(b"\x02abc\xfed\x80", {}, None) == b"abcddd"
    with pytest.raises(PdfStreamError):
        RunLengthDecode().decode_bounded(b"\x02abc", {}, None)
