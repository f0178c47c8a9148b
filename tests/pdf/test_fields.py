"""Placing fields: refusals, and that an empty field shows nothing."""

from __future__ import annotations

import pytest

from appliance.errors import DocumentRefused
from appliance.pdf.values import FieldPlacement
from appliance.pdf.workshop import PdfWorkshop
from tests.pdf import documents, pictures


@pytest.mark.parametrize(
    ("reason", "placements"),
    [
        ("no-such-page", [FieldPlacement("a", 3, 10, 10, 10, 10)]),
        ("no-such-page", [FieldPlacement("a", -1, 10, 10, 10, 10)]),
        ("field-outside", [FieldPlacement("a", 0, 95, 10, 10, 10)]),
        ("field-outside", [FieldPlacement("a", 0, -1, 10, 10, 10)]),
        ("field-outside", [FieldPlacement("a", 0, 10, 10, 0, 10)]),
        ("field-outside", [FieldPlacement("a", 0, float("nan"), 10, 10, 10)]),
        ("field-too-small", [FieldPlacement("a", 0, 10, 10, 0.1, 0.1)]),
        ("field-name", [FieldPlacement("a.b", 0, 10, 10, 10, 10)]),
        ("field-name", [FieldPlacement("", 0, 10, 10, 10, 10)]),
        ("field-twice", [FieldPlacement("a", 0, 10, 10, 10, 10)] * 2),
    ],
)
def test_a_place_that_makes_no_sense_is_refused(
    reason: str, placements: list[FieldPlacement], workshop: PdfWorkshop, plain: bytes
) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        workshop.add_fields(plain, placements)
    assert refusal.value.reason == reason


def test_a_name_that_the_form_uses_is_refused(workshop: PdfWorkshop) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        workshop.add_fields(documents.form(), [FieldPlacement("amount-1", 0, 10, 10, 10, 10)])
    assert refusal.value.reason == "field-twice"


def test_empty_fields_show_nothing(workshop: PdfWorkshop) -> None:
    form = documents.form()
    revised = workshop.add_fields(form, [FieldPlacement("a", 0, 10, 10, 30, 10)])
    assert revised.startswith(form)
    before, after = (pictures.page(workshop, document, 0) for document in (form, revised))
    assert before.tobytes() == after.tobytes()
    assert workshop.inspect(revised).fields[-1] == "a"
