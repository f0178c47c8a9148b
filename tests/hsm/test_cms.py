"""Signed messages: openssl as judge, and the strictness of our own reading."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from hsm import cms, der
from hsm.errors import AuthorityError, BadRequest, Malformed
from hsm.timestamp import TokenIssuer, order_for, verify_token
from tests.hsm.memory import NOW, MemoryAuthority, openssl

CONTENT = b"%PDF-1.7 the bytes that a signature covers"


@pytest.fixture(scope="module")
def authority() -> MemoryAuthority:
    return MemoryAuthority()


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa", "ed25519"])
def test_openssl_verifies_a_detached_signature(authority: MemoryAuthority, tmp_path: Path, kind: str) -> None:
    message = cms.sign_detached(authority.signer(kind), content=CONTENT, signing_time=NOW)
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "signature").write_bytes(message)
    (tmp_path / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    common = ("-inform", "DER", "-in", tmp_path / "signature", "-CAfile", tmp_path / "ca.pem", "-binary")
    status, text = openssl("cms", "-verify", *common, "-content", tmp_path / "content", "-purpose", "any")
    assert status == 0, text
    (tmp_path / "content").write_bytes(CONTENT + b" ")
    status, _ = openssl("cms", "-verify", *common, "-content", tmp_path / "content", "-purpose", "any")
    assert status != 0


def test_a_digest_signs_like_its_content(authority: MemoryAuthority) -> None:
    signer = authority.signer()
    message = cms.parse(cms.sign_detached(signer, digest=hashlib.sha256(CONTENT).digest()))
    assert cms.verify(message, content=CONTENT) == signer.certificate
    assert message.content is None
    assert message.content_type == cms.DATA


@pytest.mark.parametrize("arguments", [{}, {"content": b"x", "digest": bytes(32)}, {"digest": bytes(20)}])
def test_what_cannot_be_signed(authority: MemoryAuthority, arguments: dict[str, bytes]) -> None:
    with pytest.raises(BadRequest):
        cms.sign_detached(authority.signer(), **arguments)


def test_there_is_no_time_unless_stated(authority: MemoryAuthority) -> None:
    attributes = cms.parse(cms.sign_detached(authority.signer(), content=CONTENT)).attributes
    assert set(attributes) == {
        "1.2.840.113549.1.9.3",
        "1.2.840.113549.1.9.4",
        "1.2.840.113549.1.9.52",
        "1.2.840.113549.1.9.16.2.47",
    }


def test_a_timestamp_goes_in_without_touching_the_signature(authority: MemoryAuthority, tmp_path: Path) -> None:
    message = cms.sign_detached(authority.signer(), content=CONTENT)
    value = cms.signature_value(message)
    issuer = TokenIssuer(authority.timestamper(), policies=["1.2.3.4"], accuracy=timedelta(seconds=1))
    token = issuer.issue(order_for(hashlib.sha256(value).digest()), gen_time=NOW, serial=1).token
    stamped = cms.add_signature_timestamp(message, token)
    read = cms.parse(stamped)
    assert read.signature == value
    assert read.timestamps() == (token,)
    assert verify_token(read.timestamps()[0], data=value).gen_time == NOW
    twice = cms.parse(cms.add_signature_timestamp(stamped, token))
    assert twice.timestamps() == (token, token)
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "signature").write_bytes(stamped)
    (tmp_path / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    status, text = openssl(
        "cms", "-verify", "-inform", "DER", "-in", tmp_path / "signature", "-CAfile", tmp_path / "ca.pem",
        "-binary", "-content", tmp_path / "content", "-purpose", "any",
    )  # fmt: skip
    assert status == 0, text


def test_the_root_is_not_sent(authority: MemoryAuthority) -> None:
    signer = authority.signer()
    message = cms.parse(cms.sign_detached(signer, content=CONTENT))
    assert message.certificates == (signer.certificate.public_bytes(Encoding.DER),)


def test_every_flipped_bit_is_noticed(authority: MemoryAuthority) -> None:
    message = cms.sign_detached(authority.signer(), content=CONTENT)
    for position in range(len(message)):
        changed = bytearray(message)
        changed[position] ^= 1 << position % 8
        with pytest.raises((Malformed, cms.SignatureRefused)):
            cms.verify(cms.parse(bytes(changed)), content=CONTENT)


def test_a_repeated_signed_attribute_is_refused(authority: MemoryAuthority) -> None:
    message = cms.sign_detached(authority.signer(), content=CONTENT)
    info = der.decode(der.ContentInfo, message)
    signed_data = der.decode(der.SignedData, der.raw(info.content))
    signer = der.decode(der.SignerInfo, der.raw(signed_data.signer_infos.as_list()[0]))
    signer.signed_attrs = [*signer.signed_attrs, signer.signed_attrs[0]]
    signed_data.signer_infos = der.SetOf([der.decode(der.TLV, der.encode(signer))])
    wrapped = der.element(0xA0, der.encode(signed_data))
    with pytest.raises(Malformed, match="repeated"):
        cms.parse(der.element(der.SEQUENCE, der.oid("1.2.840.113549.1.7.2"), wrapped))


@given(st.binary(max_size=200))
def test_random_bytes_are_only_ever_refused(data: bytes) -> None:
    with pytest.raises(AuthorityError):
        cms.parse(data)
