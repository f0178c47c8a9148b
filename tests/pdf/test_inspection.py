"""Intake: each refusal has its reason, and what is only unusual has a warning."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pikepdf import Array, Dictionary, Name

from appliance.errors import DocumentRefused
from appliance.pdf.values import PageSize
from appliance.pdf.workshop import LARGEST_DOCUMENT, PdfWorkshop
from tests.attacks.writing import contract, stream, written
from tests.pdf import documents, intake_cases, twins
from tests.sweeps import one_in

REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "text": ("not-a-pdf", lambda: b"hello"),
    "empty": ("not-a-pdf", lambda: b""),
    "truncated": ("malformed", lambda: documents.plain()[:-300]),
    "header only": ("malformed", lambda: b"%PDF-1.7\n"),
    "encrypted": ("encrypted", documents.encrypted),
    "signed bytes that are not four numbers": (
        "two-readings",
        lambda: twins.twins(twins.by_reference).shown.content,
    ),
    "signed bytes that are packed": ("two-readings", documents.packed_signature),
    "objects packed in what is drawn": ("two-readings", documents.unlisted_packing),
    "no pages": ("no-pages", documents.no_pages),
    "a page that says that it is none": (
        "malformed",
        lambda: documents.changed(lambda pdf: pdf.pages[0].obj.update({"/Type": Name.Foo})),
    ),
    "script": ("scripted", lambda: documents.with_action(S=Name.JavaScript, JS="app.alert(1)")),
    "launch": ("scripted", lambda: documents.with_action(S=Name.Launch, F="calc.exe")),
    "xfa": ("dynamic-form", documents.xfa),
    "film": ("media", lambda: documents.with_annotation(Subtype=Name.RichMedia)),
    "hidden stamp": ("hidden-content", lambda: documents.with_annotation(Subtype=Name.Stamp, F=2)),
    "unseen note": ("hidden-content", lambda: documents.with_annotation(Subtype=Name.FreeText, F=32)),
    "hidden layer": ("optional-content", lambda: documents.with_layer(hidden=True)),
    "outside": ("external-content", documents.external_stream),
    **intake_cases.REFUSED,
    "bomb": ("bomb", documents.bomb),
}


@pytest.mark.parametrize("kind", one_in(3, REFUSED))
def test_what_cannot_become_a_contract_is_refused(kind: str, workshop: PdfWorkshop) -> None:
    reason, make = REFUSED[kind]
    with pytest.raises(DocumentRefused) as refusal:
        workshop.inspect(make())
    assert refusal.value.reason == reason
    assert str(refusal.value).endswith(".")


def test_too_large_and_too_many_pages(workshop: PdfWorkshop) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        workshop.inspect(bytes(LARGEST_DOCUMENT + 1))
    assert refusal.value.reason == "too-large"
    small = PdfWorkshop(workshop._confinement, most_pages=2)
    with pytest.raises(DocumentRefused) as refusal:
        small.inspect(documents.plain())
    assert refusal.value.reason == "too-many-pages"


def test_a_field_that_no_form_has_is_named(workshop: PdfWorkshop) -> None:
    for entries, name in ((b"/T(amount)", "amount"), (b"", "#6")):
        field = b"<</Type/Annot/Subtype/Widget/FT/Tx/Rect[0 0 9 9]/AP<</N 7 0 R>>%s>>" % entries
        picture = stream(b"q Q", b"/Subtype/Form/BBox[0 0 9 9]")
        with pytest.raises(DocumentRefused, match=f"The form field {name} on page 1 belongs to no form"):
            workshop.inspect(written(contract({6: field, 7: picture}, annotations=b"6 0 R")))


def test_a_loop_in_the_page_tree_is_refused(workshop: PdfWorkshop) -> None:
    def loop(pdf: object) -> None:
        pdf.Root.Pages.Kids.append(pdf.Root.Pages)  # type: ignore[attr-defined] # pikepdf's objects are dynamic

    with pytest.raises(DocumentRefused) as refusal:
        workshop.inspect(documents.changed(loop))
    assert refusal.value.reason == "malformed"


def test_pages_are_measured_as_seen(workshop: PdfWorkshop) -> None:
    turned = workshop.inspect(documents.turned(90, crop=(100, 200, 500, 780)))
    assert turned.pages[0] == PageSize(580, 400, 90)
    shifted = workshop.inspect(documents.shifted())
    assert shifted.pages[2] == PageSize(1190, 1684, 0)


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("attachments", documents.with_attachment),
        ("layers", lambda: documents.with_layer(hidden=False)),
        ("hybrid", documents.hybrid),
        ("fonts-not-embedded", documents.plain),
        ("framed-links", lambda: documents.with_annotation(Subtype=Name.Link, Border=Array([0, 0, 1]))),
        ("not-printed", lambda: documents.with_annotation(Subtype=Name.Highlight, F=0)),
    ],
)
def test_the_unusual_has_a_warning(code: str, make: Callable[[], bytes], workshop: PdfWorkshop) -> None:
    assert code in [warning.code for warning in workshop.inspect(make()).warnings]


def test_links_without_frames_and_notes_that_are_printed_need_no_warning(workshop: PdfWorkshop) -> None:
    for document in (
        documents.with_annotation(Subtype=Name.Link, Border=Array([0, 0, 0])),
        documents.with_annotation(Subtype=Name.Link, BS=Dictionary(W=0)),
        documents.with_annotation(Subtype=Name.Highlight, F=4),
    ):
        codes = {warning.code for warning in workshop.inspect(document).warnings}
        assert codes.isdisjoint({"framed-links", "not-printed"})


@pytest.mark.parametrize("kind", intake_cases.ACCEPTED)
def test_what_only_looks_alike_is_accepted(kind: str, workshop: PdfWorkshop) -> None:
    assert workshop.inspect(intake_cases.ACCEPTED[kind]()).pages


def test_overlapping_notes_have_a_warning(workshop: PdfWorkshop) -> None:
    def overlap(pdf: object) -> None:
        looks = Dictionary(N=pdf.make_stream(b"q Q"))  # type: ignore[attr-defined] # pikepdf's objects are dynamic
        notes = [
            pdf.make_indirect(  # type: ignore[attr-defined] # pikepdf's objects are dynamic
                Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([left, 0, left + 100, 100]), AP=looks)
            )
            for left in (0, 10)
        ]
        pdf.pages[1].Annots = Array(notes)  # type: ignore[attr-defined] # pikepdf's objects are dynamic

    warnings = workshop.inspect(documents.changed(overlap)).warnings
    assert [str(warning) for warning in warnings if warning.code == "overlapping"] == [
        "Notes, stamps or fields lie over each other on page 2; look at it closely before signing."
    ]


def test_fields_that_exist_are_named(workshop: PdfWorkshop) -> None:
    found = workshop.inspect(documents.form())
    assert found.fields[:2] == ("amount-1", "agree-1")
    assert found.version == "1.3"
