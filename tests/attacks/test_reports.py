"""What the report says of an attack beside its verdict: signed revision, changes, pages before and after."""

from __future__ import annotations

import re

import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from appliance.verification import Changes, Indication, SubIndication, VerificationReport
from tests.attacks import certified, incremental
from tests.attacks.judging import in_process
from tests.attacks.registry import Attempt
from tests.attacks.victims import GOOD, lasting, next_signature, sneaky_field
from tests.attacks.victims import certified as certified_document
from tests.verification.documents import Signing, change, sign, signed, stamper


def judged(document: bytes) -> VerificationReport:
    return in_process(Attempt(document))


def annotate(writer: IncrementalPdfFileWriter) -> None:
    certified.annotate("/Stamp", writer)


_SEEN = [incremental.draw_over_page, incremental.replace_content, incremental.swap_pages, annotate]


@pytest.mark.parametrize("edit", [*_SEEN, incremental.act_on_opening], ids=lambda edit: edit.__name__)
def test_the_signed_revision_is_offered(edit: object) -> None:
    report = judged(change(certified_document(), edit))  # type: ignore[arg-type]
    assert report.signatures[0].changes in (Changes.CHANGED, Changes.UNEXPLAINED)
    assert report.signed_revision == len(certified_document())


@pytest.mark.parametrize("edit", _SEEN, ids=lambda edit: edit.__name__)
def test_what_looks_different_has_failed_and_is_shown(edit: object) -> None:
    report = judged(change(certified_document(), edit))  # type: ignore[arg-type]
    assert report.indication is Indication.FAILED
    assert report.pages[0].before != report.pages[0].after


def test_a_change_under_a_further_signature_is_the_first_ones_alone() -> None:
    document = next_signature(change(certified_document(), incremental.draw_over_page))
    first, second = judged(document).signatures
    assert first.verdict.indication is Indication.FAILED
    assert second.verdict.indication is Indication.PASSED


def test_a_sneaky_signature_is_a_change() -> None:
    order = Signing("sneaky", GOOD.other, [GOOD.issuing], stamper(GOOD), new_field=sneaky_field())
    assert judged(sign(certified_document(), order)).signatures[0].changes is Changes.CHANGED


def test_room_after_the_signature_must_stay_empty() -> None:
    document = lasting()
    end = max(match.end() for match in re.finditer(rb"0{40,}>", document)) - 2
    report = judged(document[:end] + b"1" + document[end + 1 :])
    assert (report.indication, report.verdict.subindication) == (Indication.FAILED, SubIndication.FORMAT_FAILURE)


@pytest.mark.parametrize("level", ["B-B", "B-T"])
def test_version_that_nothing_signs(level: str) -> None:
    """The version of the signed message is no part of what is signed, so another one does not pass."""
    document = signed(GOOD, level=level, pages=1)
    place = document.index(b"020101", max(match.end() for match in re.finditer(rb"/Contents <30", document)))
    altered = document[:place] + b"020103" + document[place + 6 :]
    assert judged(document).indication is Indication.PASSED
    assert judged(altered).indication is not Indication.PASSED


def test_a_signature_that_the_form_does_not_lead_to_is_said() -> None:
    report = judged(incremental.no_form())
    assert report.verdict.subindication is SubIndication.NO_SIGNATURE_FOUND
    assert "form does not lead to" in report.reasons[0]
