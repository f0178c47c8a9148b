"""Which certificates a client may prove itself by."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from appliance.api_clients import read_certificate, thumbprint_at
from appliance.errors import PreconditionRefused
from appliance.health.contract_checks import client_certificates_finding
from appliance.health.findings import Condition, RunbookPage
from appliance.model.api_clients import ApiClient, ClientState, Scope
from tests.web_front import own_certificate

NOW = datetime.now(UTC)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ERP")])
SIGNER = ec.generate_private_key(ec.SECP256R1())


def of_key(key: object, usage: x509.KeyUsage | None = None) -> bytes:
    builder = x509.CertificateBuilder(NAME, NAME, key, 1, NOW, NOW + timedelta(days=1))  # type: ignore[arg-type]
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(SIGNER, hashes.SHA256()).public_bytes(Encoding.PEM)


STRONG: dict[str, Callable[[], object]] = {
    "RSA 2048": lambda: rsa.generate_private_key(65537, 2048).public_key(),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()).public_key(),
    "Ed25519": lambda: ed25519.Ed25519PrivateKey.generate().public_key(),
}
WEAK: dict[str, Callable[[], object]] = {
    "RSA 1024": lambda: rsa.generate_private_key(65537, 1024).public_key(),  # noqa: S505  # what is refused
    "P-192": lambda: ec.generate_private_key(ec.SECP192R1()).public_key(),
    "DSA": lambda: dsa.generate_private_key(2048).public_key(),
}


@pytest.mark.parametrize("strong", STRONG)
def test_usual_keys_are_taken(strong: str) -> None:
    assert read_certificate(of_key(STRONG[strong]())).expires > NOW


@pytest.mark.parametrize("weak", WEAK)
def test_weak_keys_are_refused(weak: str) -> None:
    pem = of_key(WEAK[weak]())
    with pytest.raises(PreconditionRefused, match="RSA with at least 2048 bits"):
        read_certificate(pem)
    assert thumbprint_at(pem, NOW) is None


def test_a_certificate_is_for_tls_clients(tmp_path: Path) -> None:
    none = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
    none |= dict.fromkeys(("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)
    wrong = [
        own_certificate(tmp_path, "ERP", purpose=ExtendedKeyUsageOID.SERVER_AUTH).pem,
        of_key(SIGNER.public_key(), x509.KeyUsage(digital_signature=False, **none)),
    ]
    for each in wrong:
        with pytest.raises(PreconditionRefused, match="not for TLS clients"):
            read_certificate(each)
    assert read_certificate(of_key(SIGNER.public_key(), x509.KeyUsage(digital_signature=True, **none)))


def test_it_proves_something_between_its_dates_alone(tmp_path: Path) -> None:
    own = own_certificate(tmp_path, "ERP", begins=timedelta(), lasts=timedelta(days=1))
    begins, ends = own.certificate.not_valid_before_utc, own.certificate.not_valid_after_utc
    moment = timedelta(seconds=1)
    assert thumbprint_at(own.pem, begins) == thumbprint_at(own.pem, ends - moment) == own.thumbprint
    assert thumbprint_at(own.pem, begins - moment) is thumbprint_at(own.pem, ends) is None


@pytest.mark.parametrize("wrong", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_proves_nothing(wrong: bytes) -> None:
    with pytest.raises(PreconditionRefused, match="no certificate in PEM"):
        read_certificate(wrong)
    assert thumbprint_at(wrong, NOW) is None


def test_what_is_read_nowhere_proves_nothing() -> None:
    """Whoever connects chooses the certificate, so no form of one may end in an error."""
    builder = x509.CertificateBuilder(NAME, NAME, SIGNER.public_key(), 1, NOW, NOW + timedelta(days=1))
    party = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, bytes.fromhex("3006a504a1021300"))
    named = builder.add_extension(party, critical=False).sign(SIGNER, hashes.SHA256())
    plain = builder.sign(SIGNER, hashes.SHA256()).public_bytes(Encoding.DER)
    newer = plain.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020105"), 1)  # its version
    for der in (named.public_bytes(Encoding.DER), newer):
        pem = ssl.DER_cert_to_PEM_cert(der).encode()
        with pytest.raises(PreconditionRefused, match="no certificate in PEM"):
            read_certificate(pem)
        assert thumbprint_at(pem, NOW) is None


CLIENT = ApiClient(
    "client-00000000000000a1",
    "ERP",
    frozenset({Scope.LOG_READ}),
    frozenset({"示例"}),
    frozenset(),
    ClientState.ACTIVE,
    NOW,
)


def held(days: float, **changes: object) -> ApiClient:
    own = {"certificate": "a1" * 32, "certificate_expires": NOW + timedelta(days=days)}
    return replace(CLIENT, **{**own, **changes})


def test_somebody_is_told_before_a_clients_certificate_expires() -> None:
    def condition(*clients: ApiClient) -> Condition:
        return client_certificates_finding(clients, NOW).condition

    assert condition() is condition(CLIENT) is Condition.NOT_CONFIGURED
    assert condition(CLIENT, held(31)) is Condition.GOOD
    assert condition(held(31), held(30)) is Condition.ATTENTION
    assert condition(held(31), held(0)) is Condition.FAILING
    assert condition(held(31), held(-9, state=ClientState.SUSPENDED)) is Condition.GOOD
    found = client_certificates_finding([held(31), held(5, id="client-00000000000000a2", name="OA")], NOW)
    assert "OA (client-00000000000000a2)" in str(found) and found.page is RunbookPage.CLIENT_CERTIFICATE_ENDING
    assert found.mark != client_certificates_finding([held(-1, id="client-00000000000000a2")], NOW).mark
