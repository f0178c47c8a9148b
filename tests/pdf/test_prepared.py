"""What fills the room of a signature may not change a page; and how far objects reach."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from appliance.errors import DocumentRefused
from appliance.pdf import pages
from appliance.pdf.extents import ObjectExtents
from appliance.pdf.object_text import Unreadable
from appliance.pdf.values import PreparedRevision
from appliance.pdf.workshop import PdfWorkshop
from tests.pdf import overlapping
from tests.pdf.overlapping import Shape


def revision(shape: Shape) -> PreparedRevision:
    made = overlapping.prepared(shape)
    return PreparedRevision(made.content, b"", made.gap)


@pytest.mark.parametrize("shape", [overlapping.PICTURE, overlapping.IN_SMALL_LETTERS])
def test_a_page_that_the_signature_will_change_is_not_drawn(workshop: PdfWorkshop, shape: Shape) -> None:
    made = revision(shape)
    assert workshop.picture(made.document, 0, width=300)
    with pytest.raises(DocumentRefused) as caught:
        workshop.draw_prepared(made, 0, width=300)
    assert caught.value.reason == "shared-gap"


def test_any_other_page_is_drawn_as_always(workshop: PdfWorkshop) -> None:
    made = revision(overlapping.HONEST)
    assert workshop.draw_prepared(made, 0, width=300) == workshop.picture(made.document, 0, width=300)
    with pytest.raises(DocumentRefused) as caught:
        workshop.draw_prepared(made, 1, width=300)
    assert caught.value.reason == "no-such-page"


def test_a_document_that_waits_for_more_bytes_is_not_taken_in(workshop: PdfWorkshop) -> None:
    assert pages.count(overlapping.endless()) == 1
    with pytest.raises(DocumentRefused) as caught:
        workshop.inspect(overlapping.endless())
    assert caught.value.reason == "malformed"


def two_entry_points(content: bytes, base: int) -> bytes:
    return content + b"startxref\n%d\n%%%%EOF\n" % content[:base].rindex(b"xref\n0 4")


def end_between_entry_points(content: bytes, base: int) -> bytes:
    end = content.rindex(b"startxref")
    return content[:end] + content[end:] + content[end:].replace(b"%%EOF\n", b"%%EOF")


def another_mark(content: bytes, base: int) -> bytes:
    return content[:base] + content[base:].replace(b" 00000 n \n", b" 00000 x \n", 1)


def short_lines(content: bytes, base: int) -> bytes:
    return content[:base] + content[base:].replace(b" 00000 n \n", b" 00000 n\n", 1)


def another_base(content: bytes, base: int) -> bytes:
    return content.replace(b"/Prev ", b"/Prev 1")


@pytest.mark.parametrize(
    "changed",
    [two_entry_points, end_between_entry_points, another_mark, short_lines, another_base],
)
def test_a_document_that_programs_may_read_otherwise_is_not_activated(
    workshop: PdfWorkshop, changed: Callable[[bytes, int], bytes]
) -> None:
    made = overlapping.prepared(overlapping.HONEST)
    whole = PreparedRevision(made.content, b"", made.gap)
    assert workshop.require_plain_gap(whole, base=made.base, field=overlapping.FIELD).pages == 1
    content = changed(made.content, made.base)
    start = content.index(b"<" + b"0" * 100)
    other = PreparedRevision(content, b"", (start, made.gap[1]))
    with pytest.raises(DocumentRefused):
        workshop.require_plain_gap(other, base=made.base, field=overlapping.FIELD)


@pytest.mark.parametrize("shape", (overlapping.OVERLAPPING | overlapping.BROKEN).values())
def test_objects_are_followed_as_far_as_any_reader_goes(shape: Shape) -> None:
    made = overlapping.prepared(shape)
    extents = ObjectExtents(made.content, (), lambda number, generation: None)
    start = made.content.index(b"6 0 obj")
    with pytest.raises(Unreadable):
        extents.require_end_before(start)
    assert extents.is_overrun(start)


def test_objects_that_end_are_known_to(plain: bytes) -> None:
    for document in (plain, overlapping.prepared(overlapping.HONEST).content):
        extents = ObjectExtents(document, (), lambda number, generation: None)
        assert len(extents.starts) > 5
        for start in extents.starts:
            extents.require_end_before(start)
            assert not extents.is_overrun(start)
        extents.require_end_before(len(document))
