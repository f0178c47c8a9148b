"""Tokens: what is in them, who accepts them (openssl), and what our own reading refuses."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from hsm import cms, der
from hsm.errors import BadRequest, CertificateRefused, Malformed
from hsm.timestamp import (
    FailInfo,
    IssuedToken,
    RequestRefused,
    TokenIssuer,
    build_request,
    local_token,
    new_serial,
    order_for,
    parse_response,
    parse_token,
    response_granted,
    response_refused,
    verify_token,
)
from tests.hsm.memory import NOW, MemoryAuthority, MemorySigner, name, new_key, openssl

POLICY = "1.3.6.1.4.1.57264.99"
DATA = b"a contract between two parties"
HALF = timedelta(milliseconds=500)


@pytest.fixture(scope="module")
def authority() -> MemoryAuthority:
    return MemoryAuthority()


@pytest.fixture(scope="module")
def signer(authority: MemoryAuthority) -> MemorySigner:
    return authority.timestamper()


def issuer_for(signer: MemorySigner) -> TokenIssuer:
    return TokenIssuer(signer, policies=[POLICY], accuracy=HALF)


def issue(signer: MemorySigner, *, nonce: int | None = 77, certificates: bool = True) -> IssuedToken:
    order = order_for(hashlib.sha256(DATA).digest(), nonce=nonce, certificates=certificates)
    return issuer_for(signer).issue(order, gen_time=NOW, serial=new_serial())


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
@pytest.mark.parametrize("certificates", [True, False])
def test_openssl_verifies_the_token(
    authority: MemoryAuthority, tmp_path: Path, kind: str, certificates: bool
) -> None:
    signer = authority.timestamper(kind)
    order = order_for(hashlib.sha256(DATA).digest(), nonce=1 << 150, certificates=certificates)
    issued = issuer_for(signer).issue(order, gen_time=NOW, serial=new_serial())
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "q.tsq").write_bytes(build_request(order))
    (tmp_path / "r.tsr").write_bytes(response_granted(issued.token))
    (tmp_path / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "tsa.pem").write_bytes(signer.certificate.public_bytes(Encoding.PEM))
    for source in (("-queryfile", tmp_path / "q.tsq"), ("-data", tmp_path / "data")):
        untrusted = () if certificates else ("-untrusted", tmp_path / "tsa.pem")
        status, text = openssl(
            "ts", "-verify", *source, "-in", tmp_path / "r.tsr", "-CAfile", tmp_path / "ca.pem", *untrusted
        )
        assert status == 0, text
    status, text = openssl("ts", "-reply", "-in", tmp_path / "r.tsr", "-text")
    assert "Accuracy: unspecified seconds, 0x01F4 millis" in text
    assert "Ordering: no" in text


def test_what_the_token_says(signer: MemorySigner) -> None:
    order = order_for(hashlib.sha256(DATA).digest(), nonce=-5)
    moment = NOW + timedelta(microseconds=120_999)
    serial = new_serial()
    issued = issuer_for(signer).issue(order, gen_time=moment, serial=serial)
    said = parse_token(issued.token)
    assert (said.serial, said.nonce, said.policy, said.ordering) == (serial, -5, POLICY, False)
    assert said.gen_time == issued.gen_time == NOW + timedelta(milliseconds=120)
    assert said.accuracy == HALF
    assert said.tsa == der.element(0xA4, signer.certificate.subject.public_bytes())
    assert said.signer == signer.certificate
    assert b"20261125080000.12Z" in issued.token
    assert order.imprint in issued.token


def test_serials_fit_in_160_bits_as_signed_integers() -> None:
    assert all(0 < new_serial() < 1 << 159 for _ in range(1000))


def test_certificates_only_when_asked(signer: MemorySigner) -> None:
    without = parse_token(issue(signer, certificates=False).token)
    assert (without.certificates, without.signer) == ((), None)
    assert len(parse_token(issue(signer).token).certificates) == 1


def test_a_policy_of_somebody_else_is_refused(signer: MemorySigner) -> None:
    order = order_for(bytes(32))
    foreign = type(order)(order.imprint, "1.2.3.4", None, certificates=True)
    with pytest.raises(RequestRefused) as refused:
        issuer_for(signer).issue(foreign, gen_time=NOW, serial=1)
    assert refused.value.fail_info is FailInfo.UNACCEPTED_POLICY


def test_no_token_outside_the_certificate(signer: MemorySigner) -> None:
    with pytest.raises(CertificateRefused):
        issuer_for(signer).issue(order_for(bytes(32)), gen_time=NOW - timedelta(days=2), serial=1)


@pytest.mark.parametrize("serial", [0, -1, 1 << 160])
def test_serials_out_of_range(signer: MemorySigner, serial: int) -> None:
    with pytest.raises(BadRequest):
        issuer_for(signer).issue(order_for(bytes(32)), gen_time=NOW, serial=serial)


STAMPING = ExtendedKeyUsageOID.TIME_STAMPING


@pytest.mark.parametrize(
    ("usages", "critical", "ca"),
    [
        ([], True, False),
        ([STAMPING], False, False),
        ([STAMPING, ExtendedKeyUsageOID.CODE_SIGNING], True, False),
        ([ExtendedKeyUsageOID.CODE_SIGNING], True, False),
        ([STAMPING], True, True),
    ],
)
def test_certificates_that_may_not_stamp(
    authority: MemoryAuthority, usages: list[object], critical: bool, ca: bool
) -> None:
    key = new_key("p256")
    certificate = authority.certify(key, name("TSA"), ca=ca, usages=usages, critical=critical)  # type: ignore[arg-type]
    with pytest.raises(CertificateRefused):
        issuer_for(MemorySigner(key, certificate, []))


def test_a_signer_whose_signature_is_wrong_gives_no_token(
    authority: MemoryAuthority, signer: MemorySigner
) -> None:
    other = MemorySigner(new_key("p256"), signer.certificate, signer.chain)
    with pytest.raises(cms.SignatureRefused):
        issue(other)


def test_reading_binds_data_and_nonce(signer: MemorySigner) -> None:
    token = issue(signer, nonce=5).token
    assert verify_token(token, data=DATA, nonce=5).nonce == 5
    with pytest.raises(cms.SignatureRefused):
        verify_token(token, data=DATA + b".")
    with pytest.raises(cms.SignatureRefused):
        verify_token(token, nonce=6)
    with pytest.raises(cms.SignatureRefused):
        verify_token(issue(signer, nonce=None).token, nonce=5)


def test_every_flipped_bit_of_a_token_is_noticed(signer: MemorySigner) -> None:
    token = issue(signer).token
    bag = parse_token(token).certificates[0]
    for position in range(len(token)):
        changed = bytearray(token)
        changed[position] ^= 1 << position % 8
        with pytest.raises((Malformed, cms.SignatureRefused, CertificateRefused)):
            verify_token(bytes(changed), data=DATA, nonce=77)
    assert bag in token


@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_the_local_timestamp_is_found_whatever_the_order(
    authority: MemoryAuthority, signer: MemorySigner, kind: str
) -> None:
    outside = MemoryAuthority()
    key = new_key(kind)
    certificate = outside.certify(key, name("Elsewhere"), usages=[STAMPING], issuer=name("Other Root"))
    message = cms.sign_detached(authority.signer(), digest=bytes(32))
    own, other = issue(signer).token, issue(MemorySigner(key, certificate, [])).token
    for first, second in ((own, other), (other, own)):
        both = cms.add_signature_timestamp(cms.add_signature_timestamp(message, first), second)
        assert set(cms.parse(both).timestamps()) == {own, other}
        assert local_token(cms.parse(both)) == own
    assert local_token(cms.parse(message)) is None


def test_a_swapped_certificate_is_refused(authority: MemoryAuthority, signer: MemorySigner) -> None:
    twin = MemorySigner(signer.key, authority.certify(signer.key, name("Twin"), usages=[STAMPING]), [])
    token = issue(signer, certificates=False).token
    with pytest.raises(cms.SignatureRefused):
        verify_token(token, certificate=twin.certificate)
    assert verify_token(token, certificate=signer.certificate).signer == signer.certificate


@pytest.mark.parametrize("fail_info", list(FailInfo))
def test_refusals_as_openssl_reads_them(tmp_path: Path, fail_info: FailInfo) -> None:
    reply = response_refused(fail_info, "The clock is not proven.")
    (tmp_path / "r.tsr").write_bytes(reply)
    status, text = openssl("ts", "-reply", "-in", tmp_path / "r.tsr", "-text")
    assert status == 0
    assert "Status: Rejected." in text
    assert "The clock is not proven." in text
    assert "TST info:\nNot included." in text
    with pytest.raises(RequestRefused, match="The clock is not proven") as refused:
        parse_response(reply)
    assert refused.value.fail_info is fail_info


def test_a_granted_reply_gives_its_token_back(signer: MemorySigner) -> None:
    token = issue(signer).token
    assert parse_response(response_granted(token)) == token
    for bad in (b"", b"\x30\x00", der.element(der.SEQUENCE, der.element(der.SEQUENCE, der.integer(0)))):
        with pytest.raises(Malformed):
            parse_response(bad)
