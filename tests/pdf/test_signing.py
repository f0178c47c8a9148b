"""Signing as strangers see it: every judge agrees, nothing that was there before changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.errors import DocumentRefused, StateRefused
from appliance.pdf.values import FieldPlacement, PrepareOrder
from appliance.pdf.workshop import PdfWorkshop
from hsm.certificates import Profile
from tests.pdf import contract, documents, judges, pictures
from tests.pdf.document_signer import DocumentSigner
from tests.sweeps import one_in

DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "plain": documents.plain,
    "form": documents.form,
    "object streams": documents.compressed,
    "linearised": documents.linearised,
    "PDF 2.0": documents.newest,
    "turned by 90": lambda: documents.turned(90),
    "turned by 180": lambda: documents.turned(180),
    "turned by 270": lambda: documents.turned(270),
    "turned and cropped": lambda: documents.turned(90, crop=(100, 200, 500, 780)),
    "shifted, other unit": documents.shifted,
    "no end of line": lambda: documents.plain().rstrip(),
    "blanks at the end": lambda: documents.plain() + b"\n \n",
    "attachment": documents.with_attachment,
    "visible layer": lambda: documents.with_layer(hidden=False),
}


@pytest.mark.parametrize("kind", one_in(2, DOCUMENTS))
def test_any_document_becomes_a_lasting_contract(
    kind: str, workshop: PdfWorkshop, document_signer: DocumentSigner, tmp_path: Path
) -> None:
    given = DOCUMENTS[kind]()
    signed = contract.completed(workshop, document_signer, given)
    assert signed.startswith(given)
    judges.assert_lasting(signed, document_signer.root.certificate)
    assert judges.valid_by_poppler(signed, tmp_path) == 3
    for number in (0, 2):
        before, after = (pictures.page(workshop, document, number) for document in (given, signed))
        places = contract.placements(2) if number == 2 else []
        assert pictures.difference_outside(before, after, places) is None


def test_a_hybrid_file_is_signed_and_judged_leniently(
    workshop: PdfWorkshop, document_signer: DocumentSigner, tmp_path: Path
) -> None:
    signed = contract.completed(workshop, document_signer, documents.hybrid())
    judges.assert_lasting(signed, document_signer.root.certificate, strict=False)
    assert judges.valid_by_poppler(signed, tmp_path) == 3


def test_two_thousand_pages(workshop: PdfWorkshop, document_signer: DocumentSigner) -> None:
    signed = contract.completed(workshop, document_signer, documents.plain(2000))
    judges.assert_lasting(signed, document_signer.root.certificate)


def test_an_archived_contract_is_archived_again(
    workshop: PdfWorkshop, document_signer: DocumentSigner, plain: bytes
) -> None:
    once = contract.completed(workshop, document_signer, plain)
    twice = document_signer.archived(workshop, once)
    assert twice.startswith(once)
    judges.assert_lasting(twice, document_signer.root.certificate)


def test_a_document_signed_by_others_is_signed_on(
    workshop: PdfWorkshop, document_signer: DocumentSigner, plain: bytes, tmp_path: Path
) -> None:
    theirs = workshop.add_fields(plain, [FieldPlacement("theirs", 0, 10, 10, 30, 10)])
    stranger = document_signer.holder(Profile.PERSON, "王他人")
    order = PrepareOrder("theirs", contract.ZHANG, contract.WHEN)
    theirs = document_signer.signed(workshop, theirs, order, stranger)
    inspection = workshop.inspect(theirs)
    assert [(found.field, found.certifies) for found in inspection.signatures] == [("theirs", False)]
    signed = contract.completed(workshop, document_signer, theirs)
    assert signed.startswith(theirs)
    judges.assert_lasting(signed, document_signer.root.certificate)
    assert judges.valid_by_poppler(signed, tmp_path) == 4
    assert b"/DocMDP" not in signed


def test_a_document_certified_by_others_is_refused(
    workshop: PdfWorkshop, document_signer: DocumentSigner, plain: bytes
) -> None:
    order = PrepareOrder("party-a", contract.ZHANG, contract.WHEN, certify=True)
    holder = document_signer.holder(Profile.PERSON, "王他人")
    certified = document_signer.signed(workshop, contract.with_fields(workshop, plain), order, holder)
    for refused in (
        lambda: workshop.inspect(certified),
        lambda: workshop.add_fields(certified, [FieldPlacement("more", 0, 10, 10, 30, 10)]),
    ):
        with pytest.raises(DocumentRefused) as refusal:
            refused()
        assert refusal.value.reason == "certified"


def test_a_field_is_signed_once(workshop: PdfWorkshop, document_signer: DocumentSigner, plain: bytes) -> None:
    order = PrepareOrder("party-a", contract.ZHANG, contract.WHEN, certify=True)
    document = contract.with_fields(workshop, plain)
    signed = document_signer.signed(workshop, document, order, document_signer.holder(Profile.PERSON, "张示例"))
    with pytest.raises(DocumentRefused) as refusal:
        workshop.prepare(signed, order)
    assert refusal.value.reason == "signed-already"


def test_an_unknown_field_is_refused(workshop: PdfWorkshop, plain: bytes) -> None:
    with pytest.raises(DocumentRefused) as refusal:
        workshop.prepare(plain, PrepareOrder("nowhere", contract.ZHANG, contract.WHEN))
    assert refusal.value.reason == "no-such-field"


def test_a_signature_that_does_not_fit_is_refused(workshop: PdfWorkshop, plain: bytes) -> None:
    order = PrepareOrder("party-a", contract.ZHANG, contract.WHEN, reserve=64)
    prepared = workshop.prepare(contract.with_fields(workshop, plain), order)
    assert len(workshop.embed(prepared, bytes(64))) == len(prepared.document)
    with pytest.raises(StateRefused, match="64 were kept"):
        workshop.embed(prepared, bytes(65))
