"""What fills the room of a signature may not change a page; and how far objects reach."""

from __future__ import annotations

import pytest

from appliance.errors import DocumentRefused
from appliance.pdf.extents import ObjectExtents, Unreadable
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
    assert workshop.count(overlapping.endless()) == 1
    with pytest.raises(DocumentRefused) as caught:
        workshop.inspect(overlapping.endless())
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("shape", (overlapping.OVERLAPPING | overlapping.BROKEN).values())
def test_objects_are_followed_as_far_as_any_reader_goes(shape: Shape) -> None:
    made = overlapping.prepared(shape)
    extents = ObjectExtents(made.content, (), lambda number, generation: None)
    start = made.content.index(b"6 0 obj")
    with pytest.raises(Unreadable):
        extents.require_end_before(start)
    assert extents.is_shared(start, start + 100)


def test_objects_that_end_are_known_to(plain: bytes) -> None:
    for document in (plain, overlapping.prepared(overlapping.HONEST).content):
        extents = ObjectExtents(document, (), lambda number, generation: None)
        assert len(extents.starts) > 5
        for start in extents.starts:
            extents.require_end_before(start)
            assert not extents.is_shared(start, start)
        extents.require_end_before(len(document))
