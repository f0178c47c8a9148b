"""Certificates of anybody, read so that what cannot be read is nothing rather than an exception."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from appliance.verification.model import CertificateDetails
from hsm import der

E = TypeVar("E", bound=x509.ExtensionType)

_SERIAL, _ISSUER = 0, 2  # places in a TBSCertificate after the optional version (RFC 5280, 4.1)
_VERSION_TAG = 0xA0


@lru_cache(maxsize=256)
def parsed(encoded: bytes) -> x509.Certificate | None:
    """The certificate, or None for bytes that are none (or hold anything beside one)."""
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.version
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion):
        return None
    return certificate


def extension(certificate: x509.Certificate, kind: type[E]) -> x509.Extension[E] | None:
    """The extension of that kind, or None."""
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None


def issuer_and_serial(certificate: x509.Certificate) -> bytes:
    """The IssuerAndSerialNumber (RFC 5652, 10.2.4) in DER, the issuer's bytes as the certificate has them."""
    parts = der.members(certificate.tbs_certificate_bytes)
    if parts[0][0] == _VERSION_TAG:
        parts = parts[1:]
    return der.element(der.SEQUENCE, parts[_ISSUER], parts[_SERIAL])


@lru_cache(maxsize=256)
def names_of(certificate: x509.Certificate) -> tuple[bytes, bytes]:
    """Subject and issuer in DER; ``cryptography`` builds the name objects anew at every access."""
    return certificate.subject.public_bytes(), certificate.issuer.public_bytes()


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether *issuer*'s name and key fit *certificate*; whether it may issue is another question."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def shown_name(name: x509.Name) -> str:
    """Common name and organisation for people, or the whole name where there is no common name."""
    common = [str(each.value) for each in name.get_attributes_for_oid(NameOID.COMMON_NAME)]
    organisation = [str(each.value) for each in name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if not common:
        return name.rfc4514_string()
    return f"{common[0]} ({organisation[0]})" if organisation and organisation[0] != common[0] else common[0]


def details(certificate: x509.Certificate) -> CertificateDetails:
    """What the detailed report shows."""
    return CertificateDetails(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )
