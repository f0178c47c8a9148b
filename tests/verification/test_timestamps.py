"""Timestamps by themselves: tokens and replies, with the data and without, good and bad."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from asn1crypto import algos, tsp

from appliance.verification import FileKind, Indication, SubIndication, VerificationReport, confined_verification
from appliance.verification.trust import ValidationContext
from hsm.timestamp import FailInfo, response_refused
from tests.verification.authorities import NOW, World, authority
from tests.verification.documents import stamper

DATA = b"what is dated"


@pytest.fixture(scope="module")
def reply(good: World) -> bytes:
    """A reply about DATA with nonce 7."""
    imprint = tsp.MessageImprint(
        {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "hashed_message": hashlib.sha256(DATA).digest(),
        }
    )
    request = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "nonce": 7, "cert_req": True})
    return bytes(stamper(good).request_tsa_response(request).dump())


@pytest.fixture(scope="module")
def token(reply: bytes) -> bytes:
    return bytes(tsp.TimeStampResp.load(reply)["time_stamp_token"].dump())


def judged(
    good: World, encoded: bytes, *, data: bytes | None = DATA, nonce: int | None = None
) -> VerificationReport:
    circumstances = ValidationContext(NOW + timedelta(days=1), (good.root.certificate,))
    return confined_verification.verify_timestamp(encoded, circumstances, data=data, nonce=nonce)


def test_reply_and_token_pass_with_their_data(good: World, reply: bytes, token: bytes) -> None:
    for encoded in (reply, token):
        report = judged(good, encoded)
        assert (report.indication, report.kind) == (Indication.PASSED, FileKind.TIMESTAMP)
        assert report.signatures[0].timestamp == NOW
        assert report.signatures[0].field is None


def test_without_the_data_it_is_said(good: World, token: bytes) -> None:
    report = judged(good, token, data=None)
    assert report.verdict.subindication is SubIndication.SIGNED_DATA_NOT_FOUND
    assert "not given" in report.reasons[0]


def test_other_data_fails(good: World, token: bytes) -> None:
    report = judged(good, token, data=b"other")
    assert (report.indication, report.verdict.subindication) == (Indication.FAILED, SubIndication.HASH_FAILURE)


@pytest.mark.parametrize(("nonce", "expected"), [(7, Indication.PASSED), (8, Indication.FAILED)])
def test_nonce(nonce: int, expected: Indication, good: World, token: bytes) -> None:
    assert judged(good, token, nonce=nonce).indication is expected


def test_unknown_authority_is_undecided(good: World, token: bytes) -> None:
    stranger = ValidationContext(NOW, (authority("Other Root").certificate,))
    report = confined_verification.verify_timestamp(token, stranger, data=DATA, nonce=None)
    assert report.verdict.subindication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


def test_refusal_holds_no_timestamp(good: World) -> None:
    report = judged(good, response_refused(FailInfo.BAD_ALG, "no such hash"))
    assert report.indication is Indication.INDETERMINATE
    assert "refused" in report.reasons[0]


def test_no_flipped_byte_passes(good: World, token: bytes) -> None:
    dense = range(60)  # versions, algorithms and object identifiers, which no signature covers
    for position, mask in [*((each, 2) for each in dense), *((each, 1) for each in range(0, len(token), 7))]:
        altered = token[:position] + bytes((token[position] ^ mask,)) + token[position + 1 :]
        assert judged(good, altered).indication is not Indication.PASSED, position


@pytest.mark.parametrize(
    "garbage", [b"0", b"0\x80", b"0\x03\x02\x01\x00", b"0\x84\xff\xff\xff\xff", b"0\x82", b"0\x00"]
)
def test_garbage_is_undecided_with_a_reason(garbage: bytes, good: World) -> None:
    report = judged(good, garbage)
    assert report.indication is not Indication.PASSED
    assert report.reasons
