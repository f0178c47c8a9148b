"""Makers of authenticators: a root, and attestations in the format packed that lead to it (WebAuthn Level 3,
section 8.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from hsm.authenticator import SoftwareAuthenticator
from hsm.intents import PasskeyRegistration

_ES256 = -7


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(slots=True)
class Maker:
    """Signs attestations by a certificate of its own root."""

    name: str
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=_new_key, repr=False)
    key: ec.EllipticCurvePrivateKey = field(default_factory=_new_key, repr=False)
    root: x509.Certificate = field(init=False)
    certificate: x509.Certificate = field(init=False)

    def __post_init__(self) -> None:
        issuer = _subject(self.name, "Root")
        self.root = self._certified(issuer, issuer, self.root_key, authority=True)
        self.certificate = self._certified(issuer, _subject(self.name, "Passkey"), self.key, authority=False)

    @property
    def pem(self) -> bytes:
        """The root."""
        return self.root.public_bytes(Encoding.PEM)

    @property
    def chain(self) -> list[bytes]:
        """The certificate (DER) that signs attestations."""
        return [self.certificate.public_bytes(Encoding.DER)]

    def attested(self, made: PasskeyRegistration, form: str = "packed") -> PasskeyRegistration:
        """*made* with an attestation by this maker, which says that it has the format *form*."""
        return with_statement(made, form, {**signed(made, self.key), "x5c": self.chain})

    def _certified(
        self, issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(self.root_key, hashes.SHA256())
        )


def attested_by_itself(made: PasskeyRegistration, device: SoftwareAuthenticator) -> PasskeyRegistration:
    """*made* with an attestation by the passkey's own key, which says nothing about its maker."""
    return with_statement(made, "packed", signed(made, device.key))


def signed(made: PasskeyRegistration, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    """The statement of an attestation of *made* by *key*, without certificates."""
    authenticator_data = cbor2.loads(made.attestation_object)["authData"]
    content = authenticator_data + hashlib.sha256(made.client_data).digest()
    return {"alg": _ES256, "sig": key.sign(content, ec.ECDSA(hashes.SHA256()))}


def with_statement(made: PasskeyRegistration, form: str, statement: dict[str, Any]) -> PasskeyRegistration:
    """*made* with an attestation of the format *form*."""
    attestation = cbor2.loads(made.attestation_object) | {"fmt": form, "attStmt": statement}
    return replace(made, attestation_object=cbor2.dumps(attestation))


def _subject(name: str, common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Authenticator Attestation"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
