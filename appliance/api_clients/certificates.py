"""Client certificates (RFC 8705, 2.2): which ones a client may prove itself by. Pure.

A certificate counts by its SHA-256 alone, whoever issued it: the TLS handshake proves that its key is there, and
two administrators have said whose it is. So no authority, and no name in a certificate, lets anybody in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from appliance.errors import PreconditionRefused

RSA_BITS: Final = 2048
EC_BITS: Final = 256
_UNREADABLE: Final = (x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType)
"""What cryptography raises besides ValueError for a certificate that it does not read."""

_PURPOSES: Final = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """``thumbprint`` is the SHA-256 of the certificate (DER), in hex; it is valid from ``begins`` and before
    ``expires``."""

    thumbprint: str
    begins: datetime
    expires: datetime


def read_certificate(pem: bytes) -> ClientCertificate:
    """The first certificate in *pem*. Raises :class:`PreconditionRefused` for what is none, for a key that is too
    weak, and for one that is not for TLS clients (RFC 5280, 4.2.1.3 and 4.2.1.12)."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key, purposes, signs = certificate.public_key(), _purposes(certificate), _signs(certificate)
    except (ValueError, UnsupportedAlgorithm, *_UNREADABLE) as error:
        raise PreconditionRefused("This is no certificate in PEM.") from error
    if not _is_strong(key):
        raise PreconditionRefused(
            "The key of a client certificate is RSA with at least {bits} bits, EC with at least {curve}, or"
            " Ed25519.",
            bits=RSA_BITS,
            curve=EC_BITS,
        )
    if not signs or not purposes & _PURPOSES:
        raise PreconditionRefused("This certificate is not for TLS clients (extended key usage clientAuth).")
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    return ClientCertificate(digest, certificate.not_valid_before_utc, certificate.not_valid_after_utc)


def thumbprint_at(pem: bytes, now: datetime) -> str | None:
    """The thumbprint of the certificate by which a connection was made; None for one that proves nothing *now*."""
    try:
        found = read_certificate(pem)
    except PreconditionRefused:
        return None
    return found.thumbprint if found.begins <= now < found.expires else None


def _is_strong(key: object) -> bool:
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return key.key_size >= (RSA_BITS if isinstance(key, rsa.RSAPublicKey) else EC_BITS)
    return isinstance(key, ed25519.Ed25519PublicKey)


def _purposes(certificate: x509.Certificate) -> frozenset[x509.ObjectIdentifier]:
    try:
        return frozenset(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return _PURPOSES


def _signs(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True
