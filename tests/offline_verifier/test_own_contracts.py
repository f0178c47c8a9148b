"""Contracts that the appliance made, of originals of other make, pass in the engine; changed ones do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from appliance.model.contract import Placement
from appliance.pdf.values import CrossPageSeal
from appliance.pdf.workshop import PdfWorkshop
from appliance.verification import Indication
from tests.attacks.good import ORIGINALS
from tests.attacks.registry import Attempt
from tests.attacks.writing import written
from tests.offline_verifier.engine import OfflineEngine, started
from tests.pdf import contract
from tests.pdf.conftest import document_signer, workshop
from tests.pdf.document_signer import DocumentSigner
from tests.sweeps import one_in
from tests.verification.authorities import Identity

__all__ = ["document_signer", "workshop"]

HONEST = ("reportlab", "qpdf, object streams", "qpdf, linearised", "weasyprint", "cairo", "pdfium")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineEngine]:
    with started(tmp_path_factory.mktemp("engine")) as running:
        yield running


def attempt(document: bytes, signer: DocumentSigner) -> Attempt:
    """The document for somebody who trusts the appliance's root."""
    root = Identity(signer.root.certificate, signer.root.key)  # type: ignore[arg-type]  # any key's certificate
    return Attempt(document, (root,), at=signer.now + timedelta(minutes=1))


@pytest.mark.parametrize("name", one_in(3, HONEST))
def test_a_contract_of_three_signatures_passes_archived_and_archived_again(
    engine: OfflineEngine, workshop: PdfWorkshop, document_signer: DocumentSigner, name: str
) -> None:
    document = contract.completed(workshop, document_signer, ORIGINALS[name]())
    for archived in (document, document_signer.archived(workshop, document)):
        answer = engine.ask(attempt(archived, document_signer))
        assert answer.indication is Indication.PASSED, answer.reasons
        people = [each for each in answer.report["signatures"] if not each["documentTimestamp"]]
        assert [each["level"] for each in people] == ["B-LTA"] * 3
        assert {each["changes"] for each in people} == {"further-signatures", "validation-data"}


def test_a_seal_across_the_pages_and_in_further_places_passes(
    engine: OfflineEngine,
    workshop: PdfWorkshop,
    document_signer: DocumentSigner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its slices are fields of their own, which the one signature fills and locks."""
    first, second, seal = contract.placements(1)
    many = [
        replace(first, more=(Placement(0, 8, 40, 34, 10),)),
        second,
        replace(seal, cross_page=CrossPageSeal(30)),
    ]
    monkeypatch.setattr(contract, "placements", lambda page: many)
    document = contract.completed(workshop, document_signer, ORIGINALS["reportlab"]())
    answer = engine.ask(attempt(document, document_signer))
    assert answer.indication is Indication.PASSED, answer.reasons


def test_a_changed_contract_fails_and_one_with_more_is_undecided(
    engine: OfflineEngine, workshop: PdfWorkshop, document_signer: DocumentSigner
) -> None:
    document = contract.completed(workshop, document_signer, ORIGINALS["by hand"]())
    for place in (document.index(b"/MediaBox"), document.rindex(b"/SubFilter")):
        changed = bytearray(document)
        changed[place + 2] ^= 1
        answer = engine.ask(attempt(bytes(changed), document_signer))
        assert (answer.indication, answer.subindication) == (Indication.FAILED, "HASH_FAILURE")
    more = engine.ask(attempt(written({900: b"<</Note true>>"}, after=document), document_signer))
    assert more.indication is Indication.PASSED, "an object to which nothing leads"
    other = engine.ask(attempt(written({3: b"<</Type/Page>>"}, after=document), document_signer))
    assert (other.indication, other.subindication) == (Indication.INDETERMINATE, "SIG_CONSTRAINTS_FAILURE")


def test_a_stranger_does_not_believe_the_appliance(
    engine: OfflineEngine, workshop: PdfWorkshop, document_signer: DocumentSigner
) -> None:
    document = contract.completed(workshop, document_signer, ORIGINALS["by hand"]())
    answer = engine.ask(Attempt(document, at=document_signer.now + timedelta(minutes=1)))
    assert (answer.indication, answer.subindication) == (Indication.INDETERMINATE, "NO_CERTIFICATE_CHAIN_FOUND")
