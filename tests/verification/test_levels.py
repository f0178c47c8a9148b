"""Good documents at every level, of today and of later, and what the report says about them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from appliance.language import Language
from appliance.verification import Changes, Coverage, Indication, Level, SubIndication
from appliance.verification.report import render_html
from tests.verification.authorities import NOW, Profile, World, issue, revocation_list, tsa_profile
from tests.verification.conftest import Verify
from tests.verification.documents import (
    Signing,
    add_document_timestamp,
    add_store,
    add_validation_data,
    change,
    plain,
    sign,
    signed,
    stamper,
    with_fields,
)


@pytest.mark.parametrize("level", list(Level))
def test_every_level_passes_and_is_named(level: Level, good: World, verify: Verify) -> None:
    report = verify(signed(good, level=level.value))
    people = [each for each in report.signatures if not each.document_timestamp]
    assert report.indication is Indication.PASSED
    assert [each.level for each in people] == [level, level]
    assert all(each.signer for each in report.signatures)


def test_who_signs_later_does_not_break_who_signed_earlier(good: World, verify: Verify) -> None:
    first, second = verify(signed(good, level="B-T")).signatures
    assert (first.changes, first.coverage) == (Changes.SIGNED_ON, Coverage.REVISION)
    assert (second.changes, second.coverage) == (Changes.NONE, Coverage.FILE)
    assert first.timestamp == first.signing_time == NOW


def test_archived_document_outlives_its_signers(good: World, verify: Verify) -> None:
    document = signed(good, level="B-LTA")
    later = issue(Profile("short"), good.issuing).certificate.not_valid_after_utc - timedelta(days=1)
    assert verify(document, at=later).indication is Indication.PASSED


def test_expired_signer_without_proof_of_time_is_undecided(good: World, verify: Verify) -> None:
    brief = issue(Profile("brief", days=200), good.issuing)
    document = sign(with_fields(plain(), "one"), Signing("one", brief, [good.issuing]))
    report = verify(document, at=NOW + timedelta(days=200))
    assert report.verdict.subindication is SubIndication.OUT_OF_BOUNDS_NO_POE
    assert verify(document, at=NOW).indication is Indication.PASSED


def test_expired_signer_with_proof_of_time_passes(good: World, verify: Verify) -> None:
    brief = issue(Profile("brief", days=200), good.issuing)
    document = sign(with_fields(plain(), "one"), Signing("one", brief, [good.issuing], stamper(good)))
    assert verify(document, at=NOW + timedelta(days=200)).indication is Indication.PASSED


def test_before_the_signature_existed_it_proves_nothing(good: World, verify: Verify) -> None:
    report = verify(signed(good, level="B-T"), at=NOW - timedelta(days=30))
    assert report.verdict.subindication is SubIndication.NO_POE
    assert report.reasons


def test_renewed_timestamp_keeps_the_document_alive(good: World, verify: Verify) -> None:
    document = signed(good, level="B-LTA")
    soon_gone = good.tsa.certificate.not_valid_after_utc - timedelta(days=10)
    fresh = issue(_later_tsa(good), good.issuing)
    crls = (revocation_list(good.issuing, made=soon_gone), revocation_list(good.root, made=soon_gone))
    renewed = add_document_timestamp(
        add_validation_data(document, [good.tsa, good.issuing], crls), stamper(good, soon_gone, fresh)
    )
    after = soon_gone + timedelta(days=100)
    assert verify(document, at=after).indication is Indication.INDETERMINATE
    report = verify(renewed, at=after)
    assert report.indication is Indication.PASSED
    assert report.signatures[0].level is Level.LTA


def test_unsigned_document_is_undecided(verify: Verify) -> None:
    report = verify(plain())
    assert report.verdict.subindication is SubIndication.NO_SIGNATURE_FOUND
    assert report.reasons


def _later_tsa(good: World) -> Profile:
    return tsa_profile(subject="TSA 2", start=good.tsa.certificate.not_valid_before_utc, days=3000)


def test_lists_at_hand_make_no_lasting_document(good: World, verify: Verify) -> None:
    """Who adds an empty store, and a timestamp that anybody can have, adds nothing that is needed later."""
    document = add_document_timestamp(add_store(signed(good, level="B-T"), []), stamper(good))
    report = verify(document, crls=good.revocations)
    assert [each.level for each in report.signatures[:2]] == [Level.T, Level.T]


def test_a_document_that_nobody_signed_is_not_called_signed(good: World, verify: Verify) -> None:
    report = verify(add_document_timestamp(plain(1), stamper(good)))
    page = render_html(report, Language.ENGLISH)
    assert "Nobody signed this document; it is dated" in page
    assert "validly signed" not in page
    assert "timestamps alone" in str(report.remarks[0])


def test_a_title_given_after_signing_is_said(good: World, verify: Verify) -> None:
    def rename(writer: IncrementalPdfFileWriter) -> None:
        title = generic.pdf_string("Loan of nine million")
        writer.set_info(generic.DictionaryObject({generic.pdf_name("/Title"): title}))

    def date(writer: IncrementalPdfFileWriter) -> None:
        told = {"/ModDate": "D:20400101000000Z", "/Producer": "Another"}
        info = {generic.pdf_name(key): generic.pdf_string(value) for key, value in told.items()}
        writer.set_info(generic.DictionaryObject({**writer.prev.trailer_view["/Info"], **info}))

    document = signed(good, level="B-T")
    for told in (document, change(document, date)):
        assert not any("metadata" in str(each) for each in verify(told).remarks)
    report = verify(change(document, rename))
    assert any("metadata" in str(each) for each in report.remarks)


def test_who_signs_claims_no_time_that_a_timestamp_proves(good: World, verify: Verify) -> None:
    late = NOW + timedelta(hours=5)
    report = verify(add_document_timestamp(signed(good), stamper(good, late)))
    first = report.signatures[0]
    assert (first.timestamp, first.signing_time) == (None, late)
    page = render_html(report, Language.ENGLISH)
    assert f"{first.claimed:%Y-%m-%d %H:%M:%S} UTC, as the signer claims" in page
    assert f"{late:%Y-%m-%d %H:%M:%S} UTC, as the signer claims" not in page
