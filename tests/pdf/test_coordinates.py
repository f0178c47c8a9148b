"""What is drawn so far from a page that programs draw it differently is refused; charts and long ways are not."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from pikepdf import Array, Dictionary, Name, Pdf

from appliance.errors import DocumentRefused
from appliance.pdf import inspection
from tests.pdf import content_cases, documents
from tests.pdf.content_cases import PLACES, in_glyph, stated

_TEXT = b" BT /F1 %s Tf %s Tm (ONE MILLION) Tj ET"

FAR: dict[str, bytes] = {
    "a line": b" -9000 -9000 m 9000 9000 l S",
    "a line between colours": b" -9000 -9000 m 0 g 9000 9000 l S",
    "an area": b" 0 0 m 99999 99 l 99 0 l f",
    "an area that is closed": b" 0 0 m 0 99999 l 9 99999 l f",
    "a clip": b" q -9000 -9000 m 9000 9000 l 9000 8000 l W n 0 0 99 99 re f Q",
    "a curve": b" 0 0 m 0 9999 99 9999 99 0 c f",
    "a turned rectangle": b" q .7 .7 -.7 .7 0 0 cm -20000 -20000 40000 40000 re f Q",
    "a dashed rectangle": b" [9] 0 d 0 -20000 99 40000 re S",
    "a path to a rectangle": b" 99999 0 9 9 re 9 9 l f",
    "a rectangle out of all reach": b" 0 0 9 99999999 re f",
    "a matrix": b" q 100 0 0 100 0 0 cm 0 0 m 99 99 l S Q",
    "a small matrix": b" q .001 0 0 .001 0 0 cm 0 0 m 99999999 9999999 l S Q",
    "matrices": b" q 10 0 0 10 0 0 cm q 10 0 0 10 0 0 cm 0 0 m 99 99 l S Q Q",
    "a way there and back": b" q 1 0 0 1 99999999 0 cm 1 0 0 1 -99999999 0 cm 0 0 9 9 re f Q",
    "a picture": b" q 9000 0 0 9000 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID 1 EI Q",
    "a wide line": b" 20000 w 0 0 m 99 0 l S",
    "a line that a matrix widens": b" 90 w 0 g q 900 0 0 900 0 0 cm 0 0 m .1 0 l S Q",
    "a line that a comment hides": b" 20000%0\nw%1 w\n 0 0 m 99 0 l S",
    "a wide line before a narrow one": b" 20000 w 0 0 m 99 0 l S 1 w",
    "a wide line beside Tw": b" 20000 w 0 Tw 0 0 m 99 0 l S",
    "wide lines of letters": b" q 900 0 0 900 0 0 cm 90 w BT /F1 .1 Tf 1 Tr (WORDS) Tj ET Q",
    "large letters": _TEXT % (b"2000", b"1 0 0 1 0 0"),
    "letters that are enlarged": _TEXT % (b"20", b"100 0 0 100 0 0"),
    "letters of hardly any size": _TEXT % (b".0001", b"600000 0 0 600000 60 400"),
    "squeezed letters": b" 2 Tz" + _TEXT % (b"60", b"1 0 0 1 0 0"),
    "letters that are squeezed on": b" BT /F1 60 Tf 2 Tz (WORDS) Tj ET",
    "letters in a squeezed matrix": _TEXT % (b"60", b".02 0 0 1 60 400"),
    "letters squeezed while they are hidden": b" BT /F1 60 Tf 3 Tr 2 Tz (a) Tj ET BT 0 Tr (WORDS) Tj ET",
    "letters that are hidden too late": b" BT /F1 60 Tf 2 Tz (WORDS) Tj 3 Tr (a) Tj ET",
    "a squeezed matrix": b" BT /F1 60 Tf 3 Tr .02 0 0 1 60 400 Tm (a) Tj /F1 60 Tf 0 Tr (WORDS) Tj ET",
    "a squeezed matrix before the font": b" BT .02 0 0 1 60 400 Tm /F1 60 Tf (WORDS) Tj ET",
    "text on a long way": b" BT /F1 9 Tf (9 9 Td) Tj"
    + b" 999999 0 Td" * 9
    + b" -999999 0 Td" * 9
    + b" (WORDS) Tj ET",
    "text after long lines": b" BT /F1 9 Tf 999999 TL" + b" T*" * 9 + b" (WORDS) Tj ET",
    "text after a long space": b" BT /F1 9 Tf [(WORDS) -99999999 (WORDS)] TJ ET",
    "a matrix without an inverse": b" q 1 0 0 0 0 0 cm" + _TEXT % (b"9", b"1 0 0 1 0 0") + b" Q",
}

NEAR: dict[str, bytes] = {
    "a clip of sixteen bits": b" q -32768 -32768 65535 65535 re W n 0 0 9 9 re f Q -32768 -32768 65535 65535 re S",
    "a bar that leaves its chart": b" q 9 9 99 99 re W n 20 9 m 30 9 l 30 99999 l 20 99999 l h f Q",
    "a peak": b" q 9 9 99 99 re W n 9 9 m 20 60 l 21 99999 l 22 60 l 60 9 l S Q",
    "a scale of points to the inch": b" q 72 0 0 72 0 0 cm 0 0 8 11 re f 100 Tz"
    + _TEXT % (b".2", b"1 0 0 1 1 1")
    + b" Q",
    "small units": b" q .01 0 0 -.01 0 842 cm 10 w 0 0 m 59500 84200 l S q 1000 0 0 1000 0 0 cm Q Q",
    "hidden text": b" BT /F1 9 Tf 1 0 0 1 -7500 700 Tm (for readers) Tj 1 0 0 1 60 700 Tm (12345678 2000 w) Tj ET",
    "a blank that is stretched below a scan": b" BT /F1 8 Tf 98 0 0 1 60 700 Tm 3 Tr ( ) Tj ET 2 Tz"
    + b" BT /F1 8 Tf 60 600 Td (word) Tj ET",
    "a line that was wide": b" q .0001 0 0 .0001 0 0 cm 90000 w 10000 0 0 10000 0 0 cm 1 w 0 0 m 9 9 l S Q",
    "a long page": b" q 1 0 0 1 0 -90000 cm 0 90000 m 99 90099 l S Q",
    "words in lines": b" BT /F1 12 Tf 14.4 TL 72 700 Td" + b" 9 0 Td (a) Tj -9 0 Td (b) ' T*" * 500 + b" ET",
    "a picture without height": b" q 9 0 0 0 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID 1 EI Q",
    "large letters": _TEXT % (b"300", b"1 0 0 1 0 0"),
    "narrow letters": b" 10 Tz" + _TEXT % (b"60", b".7 .7 -.7 .7 0 0"),
    "no letters": b" BT /F1 0 Tf (a) Tj ET",
}


def _boxed(box: tuple[float, ...]) -> Callable[[], bytes]:
    return lambda: documents.changed(lambda pdf: setattr(pdf.pages[1], "MediaBox", Array(box)))


def _formed(content: bytes, around: bytes, **entries: object) -> Callable[[], bytes]:
    def draw(pdf: Pdf) -> None:
        form = pdf.make_stream(content)
        form.Type, form.Subtype = Name.XObject, Name.Form
        form.BBox = Array([0, 0, 99, 99])
        for key, given in entries.items():
            form[f"/{key}"] = given
        pdf.pages[1].Resources = Dictionary(XObject=Dictionary(X=form))
        pdf.pages[1].Contents = pdf.make_stream(around)

    return lambda: documents.changed(draw)


_LINE = b"0 0 m 90 99 l S"

FAR_DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "a page at the end of the world": _boxed((90_000_000, 0, 90_000_595, 842)),
    "a page that is none": _boxed((0, 0, 0.1, 0.1)),
    "a form that is enlarged": _formed(_LINE, b"100 0 0 100 0 0 cm /X Do"),
    "a form that enlarges itself": _formed(_LINE, b"/X Do", Matrix=Array([100, 0, 0, 100, 0, 0])),
    "a form that has the matrix of a font as well": _formed(
        _LINE, b"/X Do", Matrix=Array([100, 0, 0, 100, 0, 0]), FontMatrix=Array([1, 0, 0, 1, 0, 0])
    ),
    "a form that is enlarged at last": _formed(_LINE, b"/X Do q 9 0 0 9 0 0 cm /X Do Q 100 0 0 100 0 0 cm /X Do"),
    "a form in a turned box": _formed(
        _LINE, b".7 .7 -.7 .7 0 0 cm /X Do", BBox=Array([-30000, -30000, 30000, 30000])
    ),
    "a form with its caller's line": _formed(b"900 0 0 900 0 0 cm 0 0 m .1 0 l S", b"90 w /X Do"),
    "a line of a state": lambda: stated(LW=20000),
    "a glyph": lambda: in_glyph(b"9 0 d0 0 0 m 9999 9999 l S"),
}

NEAR_DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "the largest page": _boxed((-7200, -7200, 7200, 7200)),
    "a page beside the origin": _boxed((10_000, 10_000, 10_595, 10_842)),
    "a form in a large box": _formed(_LINE, b"/X Do", BBox=Array([-32768, -32768, 32767, 32767])),
    "a form at many places": _formed(_LINE, b"".join(b"q 1 0 0 1 %d 9 cm /X Do Q " % each for each in range(90))),
}


def _refusal_of(document: bytes) -> str:
    with pytest.raises(DocumentRefused) as refusal:
        inspection.inspect(document, most_pages=9)
    assert refusal.value.reason == "odd-content"
    return str(refusal.value)


@pytest.mark.parametrize("content", FAR.values(), ids=FAR)
def test_what_lies_too_far_is_refused(content: bytes) -> None:
    assert "drawn so far from the page" in _refusal_of(content_cases.with_content(content))


@pytest.mark.parametrize("content", NEAR.values(), ids=NEAR)
def test_what_all_draw_alike_is_taken_in(content: bytes) -> None:
    assert inspection.inspect(content_cases.with_content(content), most_pages=9).pages


@pytest.mark.parametrize("make", FAR_DOCUMENTS.values(), ids=FAR_DOCUMENTS)
def test_so_are_pages_forms_and_states(make: Callable[[], bytes]) -> None:
    assert "drawn so far from the page" in _refusal_of(make())


@pytest.mark.parametrize("make", NEAR_DOCUMENTS.values(), ids=NEAR_DOCUMENTS)
def test_ordinary_ones_are_taken_in(make: Callable[[], bytes]) -> None:
    assert inspection.inspect(make(), most_pages=9).pages


@pytest.mark.parametrize("place", PLACES)
def test_all_that_draws_is_followed(place: str) -> None:
    make, begins = PLACES[place]
    assert "drawn so far from the page" in _refusal_of(make(begins + b"0 0 m 99999 99999 l S"))


def test_forms_in_forms_with_ever_less_room_take_no_time() -> None:
    """Each of nineteen draws the next one twice, the second time a little larger."""
    pdf = Pdf.open(BytesIO(content_cases.with_content(b" /X Do")))
    inner = None
    for depth in range(19):
        scale = 2 ** (2.0 ** (depth - 20))
        drawn = b"/X Do q %.9f 0 0 %.9f 0 0 cm /X Do Q" % (scale, scale) if inner is not None else b"0 0 9 9 re f"
        form = pdf.make_stream(drawn, Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
        if inner is not None:
            form.Resources = Dictionary(XObject=Dictionary(X=inner))
        inner = form
    pdf.pages[1].Resources = Dictionary(XObject=Dictionary(X=inner))
    made = BytesIO()
    pdf.save(made)
    assert inspection.inspect(made.getvalue(), most_pages=9).pages
