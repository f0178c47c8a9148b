"""A document that programs may read differently is not taken in, and good files of many producers are."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError

from appliance.errors import DocumentRefused
from appliance.pdf import inspection, object_text, page_comparison, pages, reader
from appliance.pdf.object_text import is_ambiguous, plain_entries, referred_to
from appliance.pdf.values import FieldPlacement, Inspection, PersonAppearance, PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from tests.attacks.good import ORIGINALS
from tests.attacks.writing import OTHER_TEXT, contract, startxref, stream, written

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def inspect(document: bytes) -> Inspection:
    return inspection.inspect(document, most_pages=50)


def page_with(entries: bytes, **more: bytes) -> bytes:
    """The contract with more *entries* in its page, and further objects."""
    page = contract()[3].replace(b"/Contents 4 0 R", b"/Contents 4 0 R" + entries)
    return written(contract({3: page} | {int(name[1:]): value for name, value in more.items()}))


def pointing_elsewhere() -> bytes:
    """Another revision follows the end, for programs that read from there."""
    document = written(contract())
    later = written({4: stream(OTHER_TEXT)}, after=document)
    return later + b"startxref\n%d\n%%%%EOF" % startxref(document) + b"\nstartxref\n%d\n" % startxref(later)


def moved(document: bytes) -> bytes:
    """Its tables name places that are a few bytes further on."""
    return document.replace(b"%PDF-1.7\n", b"%PDF-1.7\n%abc\n", 1)


def mark(document: bytes) -> bytes:
    return document.replace(b" 00000 n \n", b" 00000 x \n", 1)


def with_object(text: bytes) -> bytes:
    document = written(contract())
    place = document.index(b"xref\n0 1")
    later = document[:place] + text + document[place:]
    return re.sub(rb"startxref\n\d+", b"startxref\n%d" % (place + len(text)), later)


def freed(entry: bytes) -> bytes:
    """The text of the page is marked as free by a later revision: some programs show it, and some a blank page."""
    later = written({4: stream(OTHER_TEXT)}, after=written(contract()))
    place = startxref(later)
    return later[:place] + re.sub(rb"\d{10} 00000 n", entry, later[place:])


def hybrid() -> bytes:
    """The text of the page is free in the table for old programs, and listed in the one for new programs."""
    document, text = written(contract()), 4
    place = startxref(document)
    at = document.index(b"4 0 obj")
    listed = stream(b"\1" + at.to_bytes(4, "big") + b"\0", b"/Type/XRef/W[1 4 1]/Size 7/Index[%d 1]" % text)
    packed = b"6 0 obj\n%s\nendobj\n" % listed
    table = document[place:].replace(b"%010d 00000 n" % at, b"0000000000 65535 f")
    table = table.replace(
        b"trailer\n<</Size 6", b"6 1\n%010d 00000 n \ntrailer\n<</Size 7/XRefStm %d" % (place, place)
    )
    return (
        document[:place]
        + packed
        + table.replace(b"startxref\n%d" % place, b"startxref\n%d" % (place + len(packed)))
    )


TWO_READINGS: dict[str, Callable[[], bytes]] = {
    "two texts of a page": lambda: page_with(b"/Contents 6 0 R", n6=stream(OTHER_TEXT)),
    "two texts, one escaped": lambda: page_with(b"/C#6fntents 6 0 R", n6=stream(OTHER_TEXT)),
    "two places to begin at": pointing_elsewhere,
    "tables that lead astray": lambda: moved(written(contract())),
    "an entry with another mark": lambda: mark(written(contract())),
    "a header with a comment": lambda: with_object(b"4 %\n0 obj\n" + stream(OTHER_TEXT) + b"\nendobj\n"),
    "a text for new programs alone": hybrid,
    "a text that is free": lambda: freed(b"0000000000 65535 f"),
    "a text that is free without a new generation": lambda: freed(b"0000000000 00000 f"),
    "a table in between": lambda: with_object(b"xref\n0 1\n0000000000 65535 x \ntrailer\n<<>>\n"),
}


@pytest.mark.parametrize("kind", TWO_READINGS)
def test_what_programs_read_differently_is_refused(kind: str) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        inspect(TWO_READINGS[kind]())
    assert refusal.value.reason in ("two-readings", "malformed")


def test_programs_do_read_it_differently() -> None:
    (shown,) = pages.text(TWO_READINGS["two texts of a page"]())
    assert "900" in shown


@pytest.mark.parametrize("producer", ORIGINALS)
def test_good_files_are_taken_in_and_can_be_activated(producer: str, workshop: PdfWorkshop) -> None:
    original = ORIGINALS[producer]()
    count = len(inspect(original).pages)
    document = workshop.add_fields(original, [FieldPlacement("one", 0, 10, 10, 40, 10)])
    shown = PersonAppearance("示例", WHEN, "Asia/Shanghai")
    prepared = workshop.prepare(document, PrepareOrder("one", shown, WHEN))
    assert workshop.require_plain_gap(prepared, base=len(document), field="one").pages == count


HARMLESS: dict[str, Callable[[], bytes]] = {
    "the same text twice": lambda: page_with(b"/Contents 4 0 R"),
    "a note that is not there": lambda: page_with(b"/PieceInfo 900 0 R"),
    "blanks and zeros at the end": lambda: written(contract()) + b"\x00" * 200 + b" \n" * 100,
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_the_odd_is_taken_in_when_every_page_looks_the_same(kind: str) -> None:
    assert inspect(HARMLESS[kind]()).pages


def test_the_odd_is_drawn_however_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of the verifier, which has less time, is none here."""
    monkeypatch.setattr(page_comparison, "MOST_PAGES", 0)
    assert inspect(HARMLESS["the same text twice"]()).pages


@pytest.mark.parametrize(
    ("objects", "ambiguous"),
    [
        (b"<</A 1/B 2>>", False),
        (b"<</A 1/A 2>>", True),
        (b"<</A 1/#41 2>>", True),
        (b"<</A/A/B/A>>", False),
        (b"<</A 5 0 R/B<</A 1>>/C[<</A 1>>/A/A]>>", False),
        (b"<</A<</B 1/C(/B \\) )/B 2>>>>", True),
        (b"<</A[/B]/A 1>>", True),
        (b"<</A[1[2]3]/B[[4]5]/A[6]>>", True),
        (b"<</A[1[/B]]/C[/B[2]]/D[3 %/D\n]>>", False),
        (b"<</A 1>><</A 2>>", False),
        (b"<</A/B/A", True),
        (b"/A /A >>", True),
        (b"<</R 5 0 R/A 6 0 R>>", False),
        (b"<</A(see annex R )>>", True),
        (b"<</A +5 0 R>>", True),
        (b"<</A 5.0 0 R>>", True),
        (b"<</A 5 1 R>>", True),
        (b"<</A 5 %\n0 R>>", True),
        (b"<</A 5 0 % 1\n R>>", True),
        (b"<</A 1 % 1\n/B 2>>", True),
        (b"<</A 1 % one\n/B(% 1)/C<41>>>", False),
        (b"<</A 1 % one\n/B(% 1)/A<41>>>", True),
        (b"<</A(a(b)c)/B 1>><</A(a(b)/A(1)c)/B 2>>", False),
        (b"<</A(a(b)c)/A 1>>", True),
        (b"<</A 1/B<41/A 2", True),
        (b"<</A 1>>>><</A 2>>", True),
        (b"<</A 1/B 2)/C/A>>", True),
        (b"<</A 1/A/B)>>", True),
        (b"<</A<" + b"07" * 99 + b">/B 5 0 R>>", False),
        (b"<</B 5 0 R/A<" + b"07" * 99 + b">5 0 R>>", False),
        (b"<</A<" + b"07" * 99 + b">/B +5 0 R>>", True),
        (b"<</A 1 %<" + b"07" * 99 + b">\n/B 2>>", True),
    ],
)
def test_an_object_is_ambiguous_or_not(objects: bytes, *, ambiguous: bool) -> None:
    assert is_ambiguous(objects) is ambiguous


@pytest.mark.parametrize("seed", range(40))
def test_what_objects_are_like_tells_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that are alike but for numbers and texts are judged once; each by itself comes out the same."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    words = [*b"<< << << >> >> >> [ ] ( ) (a) (b\\)) < > <4f> /A /A /B /A1 /A2 /A12 1 -2.5 5 0 R {".split(), b" "]
    made = [b"<</A/A/B 1" + b"".join(chance.choices(words, k=chance.randrange(12))) + b">>" for _ in range(500)]
    found = [is_ambiguous(each) for each in made]
    monkeypatch.setattr(object_text, "_outline", lambda _: None)
    assert found == [is_ambiguous(each) for each in made]
    assert len(set(found)) == 2


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            b"<</A 1/B(text)/C 5 0 R/D[1 6 0 R]/E/F>>",
            {b"A": b"1", b"B": b"(text)", b"C": b"5 0 R", b"D": b"[1 6 0 R]", b"E": b"/F"},
        ),
        (b"\n<< /A  -1.5 /B true >>\nendobj", {b"A": b"-1.5", b"B": b"true"}),
        (b"<<>>", {}),
        (b"<</A 1/A 2>>", None),
        (b"<</A 1/#41 2>>", None),
        (b"<</A 5 1 R>>", None),
        (b"<</A 5 6>>", None),
        (b"<</A null>>", None),
        (b"<</A 1 % 5 0 R\n/B 2>>", None),
        (b"<</A(a(5 0 R)b)>>", None),
        (b"<</A(a\\)/P 5 0 R)>>", None),
        (b"<</A<</B 5 0 R>>>>", None),
        (b"<</A[/B 5 0 R]>>", None),
        (b"<</A 1>> 5 0 R", None),
        (b"<</A 1>>stream", None),
        (b"<</A/B/C>>", None),
    ],
)
def test_plain_entries_are_read_at_once(text: bytes, values: dict[bytes, bytes] | None) -> None:
    assert plain_entries(text) == values


def test_references_in_plain_values() -> None:
    found = [list(referred_to(each)) for each in (b"5 0 R", b"[1 6 0 R 7 0 R]", b"(8 0 R)", b"/R", b"9", b"[R]")]
    assert found == [[5], [6, 7], [], [], [], []]


_READ = [
    b"[1 0 R 2 0 R]",
    b"[ 1 0 R\n2 0 R (a) 3 0 R/N 4 0 R ]",
    b"[1 0 R 2 0]",
    b"[1  0 R 2 0 R]",
    b"[1 0 R2 0 R]",
    b"[0 0 R 1 0 R]",
    b"[1 0 R % 2 0 R\n 3 0 R]",
    b"[" + b"%d 0 R " * 3000 % tuple(range(1, 3001)) + b"[5 0 R]]",
    b"[1 0 R",
    b"[]",
    b"(a(b)c)",
    b"(a\\)b\\101)",
    b"(" + b"long " * 50 + b")",
    b"(" + b"a" * 31 + b")",
    b"(no end",
    b"()",
]


def _read(text: bytes) -> tuple[object, int]:
    """What is read at the start of *text*, and where reading ended; or how it failed."""
    stream = BytesIO(text + b" /Next")
    try:
        value = generic.read_object(stream, generic.Reference(1, 0, None))
    except PdfError as error:
        return type(error), 0
    parts = value if isinstance(value, list) else [value]
    return [(type(each), repr(each), each.container_ref) for each in parts], stream.tell()


@pytest.mark.parametrize("text", _READ)
def test_shortcuts_read_what_pyhanko_reads(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _read(text)
    monkeypatch.setattr(reader, "_references", lambda _: ())
    monkeypatch.setattr(generic, "_read_string_literal_bytes", reader._read_string)
    assert _read(text) == found


@pytest.mark.parametrize("text", [b"(\\" * 50_000, b"a(\\(b" * 50_000])
def test_strings_without_an_end_take_no_time(text: bytes) -> None:
    assert not is_ambiguous(b"<</A/B>><</A/B>>" + text)
