"""The CMS around the statement (RFC 5652, RFC 3161, RFC 5816; EN 319 422, 5.2)."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.conformance.endpoint import RunningTsa
from tests.conformance.reading import Token, granted
from tests.conformance.requests import PLAIN, TRUE, request


def signer_of(tsa: RunningTsa) -> tuple[Token, x509.Certificate]:
    """A token, and of the certificates in it the one that the signer's identifier names."""
    token = granted(tsa.ask(PLAIN))
    number = token.signer_info["sid"].chosen["serial_number"].native
    (certificate,) = [each for each in token.certificates if each.serial_number == number]
    return token, certificate


def test_signed_data_is_version_3_with_one_signer(tsa: RunningTsa) -> None:
    token = granted(tsa.ask(PLAIN))
    assert token.signed_data["version"].native == "v3"
    assert len(token.signed_data["signer_infos"]) == 1
    assert token.signer_info["version"].native == "v1"  # issuerAndSerialNumber (RFC 5652, 5.3)
    assert token.signed_data["crls"].native is None


def test_the_digest_algorithm_is_named_in_both_places(tsa: RunningTsa) -> None:
    token = granted(tsa.ask(PLAIN))
    assert [each["algorithm"].native for each in token.signed_data["digest_algorithms"]] == ["sha256"]
    assert token.signer_info["digest_algorithm"]["algorithm"].native == "sha256"


def test_the_content_type_is_signed_and_right(tsa: RunningTsa) -> None:
    (value,) = granted(tsa.ask(PLAIN)).attribute("content_type")
    assert value.native == "tst_info"


def test_the_message_digest_is_signed_and_right(tsa: RunningTsa) -> None:
    token = granted(tsa.ask(PLAIN))
    (value,) = token.attribute("message_digest")
    assert value.native == hashlib.sha256(token.content).digest()


def test_there_is_exactly_one_esscertid_and_it_names_the_signer(tsa: RunningTsa) -> None:
    token, certificate = signer_of(tsa)
    (value,) = token.attribute("signing_certificate_v2")
    (named,) = value["certs"]
    assert named["cert_hash"].native == hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    assert "signing_certificate" not in [each["type"].native for each in token.signer_info["signed_attrs"]]


def test_the_signature_is_the_named_certificates(tsa: RunningTsa) -> None:
    token, certificate = signer_of(tsa)
    token.require_signature_of(certificate)


def test_the_signed_attributes_are_a_set_in_der_order(tsa: RunningTsa) -> None:
    encodings = [each.dump() for each in granted(tsa.ask(PLAIN)).signer_info["signed_attrs"]]
    assert encodings == sorted(encodings)


def test_certificates_come_when_asked_for_as_an_ordered_set(tsa: RunningTsa) -> None:
    token = granted(tsa.ask(request(TRUE)))
    encodings = [each.dump() for each in token.signed_data["certificates"]]
    assert encodings
    assert encodings == sorted(encodings)
    issuers = {each.subject for each in token.certificates}
    _, certificate = signer_of(tsa)
    assert certificate.issuer in issuers, "the chain is not with it"


def test_no_certificates_come_unasked(tsa: RunningTsa) -> None:
    token = granted(tsa.ask(request()))
    assert token.signed_data["certificates"].native is None
    _, certificate = signer_of(tsa)
    token.require_signature_of(certificate)


def test_there_are_no_unsigned_attributes(tsa: RunningTsa) -> None:
    assert granted(tsa.ask(PLAIN)).signer_info["unsigned_attrs"].native is None
