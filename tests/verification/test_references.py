"""References are found in the bytes of a file, however they are written."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from random import Random

import pytest
import weasyprint
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from appliance.pdf.validation import references
from appliance.pdf.validation.opening import open_pdf
from appliance.pdf.validation.references import PackedObjects

PIECES = (b"R", b"R", b" R", b"0", b" 0 ", b"5", b"12", b"1 0 R", b"7 0 R/", b"[3 0 R 4 0 R]", b"+", b"-", b".")
BLANKS = (b" ", b"\n", b"\r", b"\t", b"\x00", b"%5 0\n", b"% 8 \r", b"/A", b"<", b"(", b"]", b"Rx", b" " * 70)
SPACES = tuple(bytes((each,)) for each in b"\x00\t\n\x0c\r ")
NUMERIC = (*(bytes((each,)) for each in b"0123456789.+-"), b"")


def patiently(data: bytes) -> list[tuple[int, int]]:
    """Each R that may end a reference, looked at without any shortcut."""
    found = []
    for keyword in re.finditer(rb"R(?![A-Za-z0-9])", data):
        position = keyword.start()
        before, last = data[:position][-2:-1], data[:position][-1:]
        if last not in SPACES + NUMERIC or (last in NUMERIC and before not in SPACES + NUMERIC):
            continue
        reference = references._REFERENCE.search(data, max(0, position - 64), position)
        if reference is None:
            start = references._before_comments(data, 0, position)
            reference = references._REFERENCE.search(data, start, position)
        if reference is not None:
            found.append((int(reference[1]), reference.start()))
    return found


def told(search: Callable[[bytes], Iterable[tuple[int, int]]], data: bytes) -> list[tuple[int, int]] | str:
    """What *search* finds, or why it gave up."""
    try:
        return list(search(data))
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(10))
def test_shortcuts_find_the_same(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # cases, no secrets
    for _ in range(200):
        data = b"".join(random.choices(PIECES + BLANKS, k=random.randrange(1, 25)))
        assert told(references.references_from, data) == told(patiently, data)


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        (b"<</A 5 0 R/B[12 0 R 13 0 R]>>", [5, 12, 13]),
        (b"<</A +5 0 R/B 9.0 0 R/C 9 +0 R>>", [5, 9, 9]),
        (b"<</A 5 0 % a comment\nR>>", [5]),
        (b"<</A 12345678 0 R>>", [12345678]),
        (b"<</A 1234567890123 0 R>>", [1234567890123]),
        (b"R 0 R 1 R", []),
    ],
)
def test_references_are_found(data: bytes, numbers: list[int]) -> None:
    assert [number for number, _ in references.references_from(data)] == numbers


def test_a_cross_reference_stream_is_a_trailer_as_long_as_it_is_nothing_else() -> None:
    document = weasyprint.HTML(string="<title>Contract</title><p>The buyer pays.</p>").write_pdf()
    pdf = open_pdf(document)
    [stream] = references._cross_reference_streams(pdf)
    information = pdf.reader.trailer_view.raw_get("/Info").idnum
    assert references.References(pdf, [information]).is_in_trailers_alone(information, revision=0)
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    writer.root["/Piece"] = generic.IndirectObject(stream, 0, writer.prev)
    writer.update_root()
    changed = io.BytesIO()
    writer.write(changed)
    known = references.References(open_pdf(changed.getvalue()), [information])
    assert not known.is_in_trailers_alone(information, revision=0)


def packed(*objects: bytes, listed: tuple[int, ...] | None = None, header: bytes | None = None) -> PackedObjects:
    """An object stream of *objects*, the first of which is number 5."""
    places = [sum(map(len, objects[:index])) for index in range(len(objects))]
    pairs = b"".join(b"%d %d " % (number, place) for number, place in enumerate(places, 5))
    start = pairs if header is None else header
    numbers = range(5, 5 + len(objects)) if listed is None else listed
    members = {number: place for place, number in enumerate(numbers)}
    return PackedObjects(start + b"".join(objects), len(objects), len(start), 0, members)


def test_a_reference_is_in_the_object_around_it() -> None:
    stream = packed(b"<</A 9 0 R/B(5\\)>>)>>", b"[<</C<AB>/D[8 0 R]>>] ", b"true ", b"7")
    assert stream.is_separate
    found = {number: stream.at(position)[0] for number, position in references.references_from(stream.data)}
    assert found == {9: 5, 8: 6}


@pytest.mark.parametrize(
    "objects",
    [
        (b"<</A ", b"<</B 9 0 R>>", b">> "),
        (b"[", b"9 0 R ", b"]"),
        (b"<</A 9 0 R>>>>", b"[]"),
        (b"<</A 9 0 R]", b"[]"),
        (b"<</A[9 0 R>>", b"[]"),
        (b"<</A(", b")/B 9 0 R>>"),
        (b"<</A 9 0 R%", b"\n>>"),
        (b"<</A <", b"AB>>>"),
        (b"/A", b"B "),
        (b"1", b"9 0 R "),
        (b"", b"<</A 9 0 R>>"),
        (b"<</A 9 0 R>> 7 ", b"[]"),
    ],
)
def test_objects_that_share_text_are_not_told_apart(objects: tuple[bytes, ...]) -> None:
    assert not packed(*objects).is_separate


def test_objects_that_the_section_does_not_list_so_are_not_told_apart() -> None:
    pair = (b"<</A 9 0 R>>", b"[8 0 R]")
    assert packed(*pair).is_separate
    assert not packed(*pair, listed=(6, 5)).is_separate
    assert not packed(*pair, listed=(5,)).is_separate
    assert not packed(*pair, header=b"5 0 6 0 ").is_separate
    assert not packed(*pair, header=b"5 12 6 0 ").is_separate
    assert not packed(*pair, header=b"5 0 6 12 7 13 ").is_separate
    assert not packed(*pair, header=b"5 0 6 R ").is_separate
