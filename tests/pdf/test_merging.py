"""The pages of an annex after those of a document: as they looked alone, and nothing else of it."""

from __future__ import annotations

import io

import pikepdf
import pytest
from pikepdf import Array, Name

from appliance.errors import DocumentRefused
from appliance.pdf import merging
from appliance.pdf.workshop import PdfWorkshop
from tests.pdf import documents
from tests.pdf.test_watermark import letters, odd_pages


def inherited() -> bytes:
    """Pages of which the tree above them has size, turn and resources."""

    def lift(pdf: pikepdf.Pdf) -> None:
        for key in ("/MediaBox", "/Resources"):
            pdf.Root.Pages[key] = pdf.pages[0].obj[key]
            for page in pdf.pages:
                del page.obj[key]
        pdf.Root.Pages.Rotate = 270

    return documents.changed(lift)


ANNEXES = {
    "plain": documents.plain,
    "turned": lambda: documents.turned(90, crop=(20, 30, 500, 700)),
    "shifted": documents.shifted,
    "inherited": inherited,
    "compressed": documents.compressed,
    "linearised": documents.linearised,
    "odd": odd_pages,
}


@pytest.mark.parametrize("given", ["plain", "compressed", "inherited"])
@pytest.mark.parametrize("annexed", ANNEXES)
def test_pages_come_after_as_they_were(workshop: PdfWorkshop, given: str, annexed: str) -> None:
    document, annex = ANNEXES[given](), ANNEXES[annexed]()
    before, alone = workshop.inspect(document).pages, workshop.inspect(annex).pages
    appended, count = workshop.merge(document, annex, "附件.pdf")
    merged = document + appended
    assert workshop.inspect(merged).pages == (*before, *alone)
    assert count == len(alone)
    with pikepdf.open(io.BytesIO(merged)) as opened:
        assert not opened.check_pdf_syntax()
    for page in range(count):
        assert letters(merged, len(before) + page) == letters(annex, page)
        assert workshop.render(merged, len(before) + page, dpi=40) == workshop.render(annex, page, dpi=40)
    assert letters(merged, 0) == letters(document, 0)


def test_pages_that_share_a_font_bring_it_once(workshop: PdfWorkshop) -> None:
    document = documents.plain()
    appended, _ = workshop.merge(document, documents.plain(), "附件.pdf")
    assert len(appended) < 2 * len(document)


def stamped() -> bytes:
    def stamp(pdf: pikepdf.Pdf) -> None:
        look = pdf.make_stream(b"1 0 0 rg 0 0 100 100 re f", Type=Name.XObject, Subtype=Name.Form)
        look.BBox = Array([0, 0, 100, 100])
        note = pikepdf.Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([50, 50, 150, 150]), F=4)
        note.AP = pikepdf.Dictionary(N=look)
        pdf.pages[1].Annots = Array([pdf.make_indirect(note)])

    return documents.changed(stamp)


@pytest.mark.parametrize(
    ("annex", "said"),
    [
        (stamped, "Page 2 of “附件.pdf” would look different"),
        (documents.form, "signatures or form fields"),
        (lambda: b"%PDF-1.7 nothing", "not a well-formed PDF"),
    ],
)
def test_what_would_be_lost_is_refused(workshop: PdfWorkshop, annex: object, said: str) -> None:
    with pytest.raises(DocumentRefused, match=said):
        workshop.merge(documents.plain(), annex(), "附件.pdf")  # type: ignore[operator]


def test_too_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MOST_MERGED", 2)
    with pytest.raises(DocumentRefused, match="pages 3, at most 2"):
        merging.merge(documents.plain(), documents.plain(3), "附件.pdf", 5000)
