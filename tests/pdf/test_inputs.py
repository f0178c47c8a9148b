"""What a signer fills in: every judge agrees, it is shown where it belongs, and nobody changes it afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from appliance.errors import DocumentRefused
from appliance.model.contract import Placement
from appliance.pdf.values import FieldPlacement, FilledInput, InputPlacement, LockScope, PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from appliance.verification import Indication
from hsm.certificates import Profile
from tests.pdf import contract, documents, judges, pictures
from tests.pdf.document_signer import DocumentSigner
from tests.pdf.test_places import PERSON, SECOND
from tests.pdf.test_places_attacked import Edit, fields, name, ticked, verdict
from tests.verification.documents import change

FIRST = InputPlacement(1, "银行账号", (Placement(0, 10, 30, 40, 4), Placement(2, 10, 30, 40, 4)))
EMPTY = InputPlacement(2, "备注", (Placement(0, 10, 40, 40, 4),))
THEIRS = InputPlacement(1, "交货", (Placement(0, 10, 50, 20, 4),))
ACCOUNT = "6222 0200 1234 Müller 𠮷野"
PARTIES = [replace(PERSON, inputs=(FIRST, EMPTY)), replace(SECOND, inputs=(THEIRS,))]
ORDERS = (
    PrepareOrder("party-a", contract.ZHANG, contract.WHEN, certify=True, inputs=(FilledInput(1, ACCOUNT),)),
    PrepareOrder(
        "party-b", contract.LI, contract.WHEN, lock=LockScope.ALL, inputs=(FilledInput(1, "2026年12月31日"),)
    ),
)


def signed(workshop: PdfWorkshop, signer: DocumentSigner, given: bytes, upto: int = 2) -> bytes:
    document = workshop.add_fields(given, PARTIES)
    for order in ORDERS[:upto]:
        holder = signer.holder(Profile.PERSON, f"示例{order.field}")
        document = signer.signed(workshop, document, order, holder)
    return document


@pytest.mark.parametrize("given", [documents.plain(), documents.form()])
def test_every_judge_agrees(
    given: bytes, workshop: PdfWorkshop, document_signer: DocumentSigner, tmp_path: Path
) -> None:
    done = document_signer.archived(workshop, signed(workshop, document_signer, given))
    judges.assert_lasting(done, document_signer.root.certificate)
    assert judges.valid_by_poppler(done, tmp_path) == 2
    assert verdict(done, document_signer).indication is Indication.PASSED


def test_it_is_shown_in_its_places(workshop: PdfWorkshop) -> None:
    document = workshop.add_fields(documents.plain(), PARTIES)
    prepared = workshop.prepare(document, ORDERS[0]).document
    for page, places in ((0, [PERSON.more[0], FIRST.places[0]]), (2, [PERSON.more[1], FIRST.places[1]])):
        before, after = (pictures.page(workshop, each, page) for each in (document, prepared))
        shown = [FieldPlacement("x", page, place.x, place.y, place.width, place.height) for place in places]
        assert pictures.difference_outside(before, after, shown) is None
        assert pictures.difference_outside(before, after, shown[:1]) is not None


def test_a_field_of_a_later_signer_is_seen_by_the_earlier_ones(workshop: PdfWorkshop) -> None:
    """Without its frame a 9 that is filled in later, before a price, would be part of the signed price."""
    given = documents.plain()
    before = pictures.page(workshop, given, 0)
    document = workshop.add_fields(given, [PERSON, replace(SECOND, inputs=(THEIRS,))])
    signed_by_first = workshop.prepare(document, replace(ORDERS[0], inputs=())).document
    filled = workshop.prepare(document, replace(ORDERS[1], inputs=(FilledInput(1, "9"),))).document
    place = THEIRS.places[0]
    area = FieldPlacement("x", 0, place.x, place.y, place.width, place.height)
    left, top, right, bottom = pictures.pixels(before, area, margin=1)
    for document in (signed_by_first, filled):
        after = pictures.page(workshop, document, 0)
        for edge in (
            (left, top, left + 4, bottom),
            (right - 4, top, right, bottom),
            (left, top, right, top + 4),
            (left, bottom - 4, right, bottom),
        ):
            assert before.crop(edge).tobytes() != after.crop(edge).tobytes(), edge


@pytest.mark.parametrize(("text", "reason"), [("字" * 400, "input-too-long"), ("مرحبا", "no-glyph")])
def test_what_cannot_be_shown_is_refused(text: str, reason: str, workshop: PdfWorkshop) -> None:
    document = workshop.add_fields(documents.plain(), PARTIES)
    with pytest.raises(DocumentRefused) as refusal:
        workshop.prepare(document, replace(ORDERS[0], inputs=(FilledInput(1, text),)))
    assert refusal.value.reason == reason
    long = workshop.prepare(document, replace(ORDERS[0], inputs=(FilledInput(1, "long words " * 6),)))
    assert long.document


def other_value(writer: IncrementalPdfFileWriter) -> None:
    ticked(writer, fields(writer)["party-a_input_1_1"])


def value_in_an_empty_field(writer: IncrementalPdfFileWriter) -> None:
    ticked(writer, fields(writer)["party-a_input_2_1"])


def value_of_somebody_else(writer: IncrementalPdfFileWriter) -> None:
    ticked(writer, fields(writer)["party-b_input_1_1"])


def other_label(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["party-a_input_1_1"]
    field[name("/TU")] = generic.pdf_string("账号")
    writer.update_container(field)


def taken_out(writer: IncrementalPdfFileWriter) -> None:
    field = fields(writer)["party-a_input_1_1"]
    field[name("/AS")] = field[name("/V")] = name("/Off")
    writer.update_container(field)


ATTACKS: list[Edit] = [other_value, value_in_an_empty_field, value_of_somebody_else, other_label, taken_out]


@pytest.mark.parametrize("upto", [1, 2])
def test_nobody_changes_it_afterwards(upto: int, workshop: PdfWorkshop, document_signer: DocumentSigner) -> None:
    document = signed(workshop, document_signer, documents.plain(), upto)
    assert verdict(document, document_signer).indication is Indication.PASSED
    for attack in ATTACKS:
        report = verdict(change(document, attack), document_signer)
        assert report.indication is Indication.FAILED, attack  # also the label, which no page shows: it is locked
        assert any(each.verdict.reasons for each in report.signatures), attack


def test_the_next_signer_fills_in_nothing_of_another(
    workshop: PdfWorkshop, document_signer: DocumentSigner
) -> None:
    """A revision with a good signature of its own, which also writes into a field of somebody else."""
    document = signed(workshop, document_signer, documents.plain(), 1)
    hostile = change(document, value_in_an_empty_field)
    last = document_signer.signed(
        workshop, hostile, ORDERS[1], document_signer.holder(Profile.PERSON, "示例party-b")
    )
    assert verdict(last, document_signer).indication is Indication.FAILED
