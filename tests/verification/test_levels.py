"""Good documents at every level, of today and of later, and what the report says about them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.verification import Changes, Coverage, Indication, Level, SubIndication
from tests.verification.authorities import NOW, Profile, World, issue, revocation_list, tsa_profile
from tests.verification.conftest import Verify
from tests.verification.documents import (
    Signing,
    add_document_timestamp,
    add_validation_data,
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
