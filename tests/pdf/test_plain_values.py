"""Names that are texts, flags that are no whole numbers, and states of which programs choose one: refused, for the
page that people see has another thing than other programs show."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pikepdf import Array, Dictionary, Name, Object, Pdf, String

from appliance.errors import DocumentRefused
from appliance.pdf import inspection
from tests.pdf import documents


def _form(pdf: Pdf) -> Object:
    form = pdf.make_stream(b"0 0 99 99 re f")
    form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 99, 99])
    return form


def drawn(change: Callable[[Pdf, Object], object]) -> bytes:
    def draw(pdf: Pdf) -> None:
        form = _form(pdf)
        change(pdf, form)
        pdf.pages[0].Resources.XObject = Dictionary(X=form)
        pdf.pages[0].contents_add(b" /X Do")

    return documents.changed(draw)


def noted(**entries: object) -> bytes:
    def annotate(pdf: Pdf) -> None:
        said = {"Subtype": Name.Stamp, "Rect": Array([0, 0, 99, 99]), "F": 4, "AP": Dictionary(N=_form(pdf))}
        note = Dictionary(Type=Name.Annot, **{**said, **entries})
        pdf.pages[0].Annots = Array([pdf.make_indirect(note)])

    return documents.changed(annotate)


def in_state(**entries: object) -> bytes:
    def draw(pdf: Pdf) -> None:
        pdf.pages[0].Resources.ExtGState = Dictionary(GS=Dictionary(**entries))
        pdf.pages[0].contents_add(b" /GS gs 0 0 99 99 re f")

    return documents.changed(draw)


FUNCTION = Dictionary(FunctionType=2, Domain=Array([0, 1]), N=1, C0=Array([1]), C1=Array([0]))

ODD: dict[str, Callable[[], bytes]] = {
    "a form by a text": lambda: drawn(lambda pdf, form: setattr(form, "Subtype", String("Form"))),
    "an action by a text": lambda: documents.changed(
        lambda pdf: setattr(pdf.Root, "OpenAction", Dictionary(S=String("JavaScript")))
    ),
    "a note by a text": lambda: noted(Subtype=String("Stamp")),
    "a note hidden by 2.0": lambda: noted(F=2.5),
    "a note of another place": lambda: noted(Rect=Array([0, 0, 50, 50, 7])),
    "a window with a picture": lambda: noted(Subtype=Name.Popup),
    "a choice of modes": lambda: in_state(BM=Array([Name.Foo, Name.Multiply])),
    "a mode by a text": lambda: in_state(BM=String("Multiply")),
    "a transfer function": lambda: in_state(TR=FUNCTION),
}

PLAIN: dict[str, Callable[[], bytes]] = {
    "a form": lambda: drawn(lambda pdf, form: None),
    "a note": noted,
    "a mode": lambda: in_state(BM=Array([Name.Multiply])),
    "no transfer function": lambda: in_state(TR=Name.Identity, TR2=Name.Default, LC=2),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_what_programs_take_for_different_things_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        inspection.inspect(make(), most_pages=9)
    assert refusal.value.reason == "two-readings"


@pytest.mark.parametrize("make", PLAIN.values(), ids=PLAIN)
def test_what_all_take_alike_is_taken_in(make: Callable[[], bytes]) -> None:
    assert inspection.inspect(make(), most_pages=9).pages
