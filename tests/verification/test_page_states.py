"""What is known of pages without drawing them, and that only the others are drawn."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec

from appliance.pdf import page_comparison
from appliance.pdf.validation.changes import steps
from appliance.pdf.validation.looks import Looks
from appliance.pdf.validation.opening import open_pdf
from appliance.pdf.validation.page_states import PageGraph, RevisionStates
from appliance.pdf.values import PageRegion
from appliance.verification import Indication, SubIndication, VerificationReport
from tests.attacks.judging import in_process
from tests.attacks.registry import Attempt
from tests.attacks.victims import GOOD, next_signature, signing
from tests.attacks.writing import FONT, stream, written
from tests.verification.documents import add_validation_data, change, plain, sign, with_fields

NAME = generic.pdf_name
Edit = Callable[[IncrementalPdfFileWriter], None]
PAGES = 4


def pages_of(writer: IncrementalPdfFileWriter) -> list[generic.DictionaryObject]:
    return [each.get_object() for each in writer.root["/Pages"]["/Kids"]]


def contents_of_the_second(writer: IncrementalPdfFileWriter) -> None:
    contents = writer.add_object(generic.StreamObject(stream_data=b"0 0 9 9 re f"))
    page = pages_of(writer)[1]
    page["/Contents"] = contents
    writer.update_container(page)


def note_on_the_third(writer: IncrementalPdfFileWriter) -> None:
    page = pages_of(writer)[2]
    note = {"/Subtype": NAME("/Stamp"), "/Rect": generic.ArrayObject(map(generic.NumberObject, (0, 0, 99, 99)))}
    added = generic.DictionaryObject({NAME(key): value for key, value in note.items()})
    page["/Annots"] = generic.ArrayObject([writer.add_object(added)])
    writer.update_container(page)


def font_of_all(writer: IncrementalPdfFileWriter) -> None:
    font = next(iter(pages_of(writer)[0]["/Resources"]["/Font"].values())).get_object()
    font["/BaseFont"] = NAME("/Courier")
    writer.update_container(font)


def turned_by_the_tree(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/Pages"]["/Rotate"] = generic.NumberObject(90)
    writer.update_container(writer.root["/Pages"])


def layers(writer: IncrementalPdfFileWriter) -> None:
    writer.root["/OCProperties"] = generic.DictionaryObject()
    writer.update_root()


def _form(writer: IncrementalPdfFileWriter) -> generic.DictionaryObject:
    form = writer.root["/AcroForm"]
    writer.update_container(form)
    return form  # type: ignore[no-any-return]


def wish_to_draw_anew(writer: IncrementalPdfFileWriter) -> None:
    _form(writer)["/NeedAppearances"] = generic.BooleanObject(True)


def field_taken_away(writer: IncrementalPdfFileWriter) -> None:
    form = _form(writer)
    form["/Fields"] = generic.ArrayObject()


def typeface_of_the_form(writer: IncrementalPdfFileWriter) -> None:
    _form(writer)["/DA"] = generic.pdf_string("/Helv 0 Tf")


def title(writer: IncrementalPdfFileWriter) -> None:
    writer.set_info(generic.DictionaryObject({NAME("/Title"): generic.pdf_string("another")}))


ALL = frozenset(range(PAGES))
TOUCHED: dict[Edit, frozenset[int] | None] = {
    contents_of_the_second: frozenset({1}),
    note_on_the_third: frozenset({2}),
    font_of_all: ALL,
    turned_by_the_tree: None,
    layers: None,
    wish_to_draw_anew: None,
    field_taken_away: None,
    typeface_of_the_form: frozenset({0}),
    title: frozenset(),
}


@pytest.mark.parametrize("edit", TOUCHED, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_step_touches_the_pages_that_lead_to_what_it_wrote(edit: Edit, *, packed: bool) -> None:
    document = plain(PAGES)
    if packed:
        file = BytesIO()
        with pikepdf.Pdf.open(BytesIO(document)) as pdf:
            pdf.save(file, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        document = file.getvalue()
    document = change(with_fields(document, "first"), edit)
    pdf = open_pdf(document)
    assert PageGraph(pdf).touched_by(pdf.revisions - 1) == TOUCHED[edit]


def test_validation_data_touches_nothing() -> None:
    pdf = open_pdf(add_validation_data(plain(PAGES), [GOOD.issuing], GOOD.revocations))
    assert PageGraph(pdf).touched_by(1) == frozenset()


def test_what_pages_inherit_touches_them_all() -> None:
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2/Resources 7 0 R>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 5 0 R>>",
        4: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 6 0 R>>",
        5: stream(b"BT /F1 18 Tf (one) Tj ET"),
        6: stream(b"BT /F1 18 Tf (two) Tj ET"),
        7: b"<</Font<</F1 8 0 R>>>>",
        8: FONT,
    }
    document = written({8: FONT.replace(b"Helvetica", b"Courier")}, after=written(objects))
    assert PageGraph(open_pdf(document)).touched_by(1) is None
    assert PageGraph(open_pdf(written({5: stream(b"")}, after=written(objects)))).touched_by(1) == {0}


def _three_fields() -> bytes:
    """Signed three times in new fields: two apart on the first page, one on the second."""
    document = sign(with_fields(plain(PAGES), "first"), signing("first"))
    for number, (page, box) in enumerate(
        ((0, (340, 72, 430, 132)), (0, (450, 72, 550, 132)), (1, (340, 72, 367, 99)))
    ):
        document = next_signature(
            document, f"new {number}", new_field=SigFieldSpec(f"new {number}", on_page=page, box=box)
        )
    return document


def test_recognised_steps_touch_their_fields_alone() -> None:
    pdf = open_pdf(_three_fields())
    states = RevisionStates(PageGraph(pdf), steps(pdf, since=2))
    ends = [*states._file_ends[2:]]
    assert [states.earliest(0, end) for end in ends] == [ends[0], ends[1], ends[2], ends[2]]
    assert [states.earliest(1, end) for end in ends] == [ends[0], ends[0], ends[0], ends[3]]
    beside = PageRegion(0, (450, 72, 550, 132))
    assert [states.earliest(0, end, beside) for end in ends] == [ends[0], ends[0], ends[2], ends[2]]
    assert states.regions_since(0, ends[1]) == {beside}
    assert states.regions_since(2, ends[0]) == frozenset()
    assert states.keeps_pages(ends[0])


def test_contents_are_touched_by_no_recognised_step() -> None:
    pdf = open_pdf(_three_fields())
    states = RevisionStates(PageGraph(pdf), steps(pdf, since=2), contents_only=True)
    assert {states.earliest(0, end) for end in states._file_ends[2:]} == {states._file_ends[2]}


def _judged(document: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[VerificationReport, list[int]]:
    """The verdict, and the pages that were drawn for it."""
    drawn: list[int] = []
    sheet = page_comparison._sheet

    def noted(pdf: object, number: int, *options: object, **more: object) -> object:
        drawn.append(number)
        return sheet(pdf, number, *options, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(page_comparison, "_sheet", noted)
    return in_process(Attempt(document)), drawn


def test_of_many_signatures_each_page_is_drawn_once_before_and_once_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the first one once more without its signatures, since a later one lies near them."""
    report, drawn = _judged(_three_fields(), monkeypatch)
    assert report.indication is Indication.PASSED
    assert sorted(drawn) == [0, 0, 0, 1, 1]


def test_a_change_on_one_of_very_many_pages_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    document = sign(with_fields(plain(page_comparison.MOST_PAGES + 50), "first"), signing("first"))
    hostile = change(document, contents_of_the_second)
    report, drawn = _judged(hostile, monkeypatch)
    assert (report.indication, report.verdict.subindication) == (Indication.FAILED, SubIndication.FORMAT_FAILURE)
    assert report.reasons[0].startswith("The document was changed after signing: page 2")
    assert set(drawn) == {1}


def test_where_programs_have_a_choice_all_pages_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signed file in whose text another object lies, which no section lists."""
    document = change(sign(with_fields(plain(PAGES), "first"), signing("first")), note_on_the_third)
    note = b"99 0 obj\n<</A(\n98 0 obj\n<</B 3 0 R>>\nendobj\n)/C 5 0 R>>\nendobj\n"
    odd = written({97: note.removeprefix(b"99 0 obj\n").removesuffix(b"\nendobj\n")}, after=document)
    assert not Looks(open_pdf(odd)).is_certain
    _, drawn = _judged(odd, monkeypatch)
    assert set(drawn) == set(ALL)
