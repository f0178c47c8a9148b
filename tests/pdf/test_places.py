"""One signature shown in several places, and a seal cut across all pages: every judge agrees, the slices fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from appliance.errors import DocumentRefused
from appliance.model.contract import Placement
from appliance.pdf.values import CrossPageSeal, FieldKind, FieldPlacement, LockScope, PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from hsm.certificates import Profile
from tests.pdf import contract, documents, judges, pictures
from tests.pdf.document_signer import DocumentSigner

PERSON = FieldPlacement(
    "party-a", 1, 8, 78, 34, 10, more=(Placement(0, 8, 78, 34, 10), Placement(2, 50, 10, 25, 12))
)
SECOND = FieldPlacement("party-b", 1, 55, 78, 34, 10)


def sealed(pages: int = 3, y: float = 40.0) -> FieldPlacement:
    return FieldPlacement("seal-a", pages - 1, 10, 50, 30, 18, FieldKind.SEAL, cross_page=CrossPageSeal(y))


def signed(workshop: PdfWorkshop, document_signer: DocumentSigner, document: bytes) -> bytes:
    """The seal first (it certifies), then a person in three places, then the last person, who locks all."""
    steps = [
        (PrepareOrder("seal-a", contract.SEAL, contract.WHEN, certify=True), Profile.SEAL),
        (PrepareOrder("party-a", contract.ZHANG, contract.WHEN), Profile.PERSON),
        (PrepareOrder("party-b", contract.LI, contract.WHEN, lock=LockScope.ALL), Profile.PERSON),
    ]
    for order, profile in steps:
        document = document_signer.signed(
            workshop, document, order, document_signer.holder(profile, f"示例{order.field}")
        )
    return document


@pytest.mark.parametrize("given", [documents.plain(), documents.form(), documents.compressed()])
def test_every_judge_agrees(
    given: bytes, workshop: PdfWorkshop, document_signer: DocumentSigner, tmp_path: Path
) -> None:
    document = workshop.add_fields(given, [PERSON, SECOND, sealed()])
    done = document_signer.archived(workshop, signed(workshop, document_signer, document))
    judges.assert_lasting(done, document_signer.root.certificate)
    assert judges.valid_by_poppler(done, tmp_path) == 3


@pytest.mark.parametrize("pages", [2, 3, 5, 7])
def test_the_slices_put_together_are_the_seal(pages: int, workshop: PdfWorkshop) -> None:
    document = workshop.add_fields(documents.plain(pages), [sealed(pages)])
    order = PrepareOrder("seal-a", contract.SEAL, contract.WHEN, certify=True)
    prepared = workshop.prepare(document, order).document
    whole = _together(workshop, prepared, pages)
    left, top, right, bottom = _red(whole)
    expected = 40 / 25.4 * 144
    assert abs((right - left) - expected) <= pages + 1
    assert abs((bottom - top) - expected) <= 2
    middle = whole.crop(
        (whole.width // 2 - 8, (top + bottom) // 2 - 8, whole.width // 2 + 8, (top + bottom) // 2 + 8)
    )
    assert pictures.red_share(middle) > 0.9


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_slices_lie_at_the_right_edge_as_seen(turn: int, workshop: PdfWorkshop) -> None:
    document = workshop.add_fields(documents.turned(turn), [sealed(y=20)])
    order = PrepareOrder("seal-a", contract.SEAL, contract.WHEN, certify=True)
    prepared = workshop.prepare(document, order).document
    picture = pictures.page(workshop, prepared, 1, dpi=144)
    left, top, right, bottom = _red(picture)
    assert picture.width - right <= 2
    assert abs((right - left) - 40 / 25.4 * 144 / 3) <= 3
    assert abs(top - picture.height * 0.2) <= 3
    assert abs((bottom - top) - 40 / 25.4 * 144) <= 3


def test_a_document_of_two_hundred_pages_stays_small(workshop: PdfWorkshop) -> None:
    given = documents.plain(200)
    document = workshop.add_fields(given, [sealed(200)])
    prepared = workshop.prepare(document, PrepareOrder("seal-a", contract.SEAL, contract.WHEN, certify=True))
    assert len(prepared.document) - len(document) < 300 * 1024
    assert pictures.page(workshop, prepared.document, 99).tobytes() != pictures.page(workshop, given, 99).tobytes()


def test_a_person_signs_in_every_place(workshop: PdfWorkshop) -> None:
    given = documents.plain()
    document = workshop.add_fields(given, [PERSON])
    prepared = workshop.prepare(document, PrepareOrder("party-a", contract.ZHANG, contract.WHEN)).document
    for number, place in ((0, PERSON.more[0]), (1, PERSON), (2, PERSON.more[1])):
        before, after = (pictures.page(workshop, each, number) for each in (given, prepared))
        shown = FieldPlacement("shown", number, place.x, place.y, place.width, place.height)
        assert pictures.difference_outside(before, after, [shown]) is None
        assert pictures.difference_outside(before, after, []) is not None


@pytest.mark.parametrize(
    ("reason", "pages", "placement"),
    [
        ("one-page", 1, sealed(1)),
        ("too-many-slices", 201, sealed(201)),
        ("seal-outside", 3, sealed(3, y=90)),
        ("seal-outside", 3, sealed(3, y=-1)),
        ("seal-outside", 3, sealed(3, y=float("nan"))),
        (
            "not-a-seal",
            3,
            FieldPlacement("a", 0, 10, 10, 20, 10, FieldKind.PERSON, cross_page=CrossPageSeal(10)),
        ),
        ("no-such-page", 3, FieldPlacement("a", 0, 10, 10, 20, 10, more=(Placement(3, 1, 1, 10, 10),))),
        ("field-outside", 3, FieldPlacement("a", 0, 10, 10, 20, 10, more=(Placement(1, 95, 1, 10, 10),))),
        ("field-name", 3, FieldPlacement("a_place_2", 0, 10, 10, 20, 10)),
    ],
)
def test_places_that_cannot_be(reason: str, pages: int, placement: FieldPlacement, workshop: PdfWorkshop) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        workshop.add_fields(documents.plain(pages), [placement])
    assert refusal.value.reason == reason


def test_empty_places_show_nothing(workshop: PdfWorkshop) -> None:
    given = documents.plain()
    revised = workshop.add_fields(given, [PERSON, sealed()])
    for number in range(3):
        before, after = (pictures.page(workshop, document, number) for document in (given, revised))
        assert before.tobytes() == after.tobytes()


def _together(workshop: PdfWorkshop, document: bytes, pages: int) -> Image.Image:
    """The strips at the right edges, side by side."""
    drawn = [pictures.page(workshop, document, number, dpi=144) for number in range(pages)]
    width = round(40 / 25.4 * 144 / pages)
    whole = Image.new("RGB", (width * pages, drawn[0].height), "white")
    for number, picture in enumerate(drawn):
        whole.paste(picture.crop((picture.width - width, 0, picture.width, picture.height)), (width * number, 0))
    return whole


def _red(picture: Image.Image) -> tuple[int, int, int, int]:
    red, green, _ = picture.split()
    mask = Image.eval(red, lambda value: 255 if value > 150 else 0)
    mask.paste(0, mask=Image.eval(green, lambda value: 255 if value > 120 else 0))
    box = mask.getbbox()
    assert box is not None
    return box
