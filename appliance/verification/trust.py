"""Whom a verifier believes: anchors given by the appliance or by the user, with the revocation lists at hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.errors import ConfigurationError
from appliance.verification.certificates import UNREADABLE

_CERTIFICATE, _CRL = b"-----BEGIN CERTIFICATE-----", b"-----BEGIN X509 CRL-----"


@dataclass(frozen=True, slots=True)
class TrustAnchors:
    """``certificates`` are believed as they are, end-entity certificates too; ``crls`` are extra revocation lists
    (each still has to be signed by the right issuer); ``known`` helps to build paths and is not believed;
    ``stampers`` are believed for timestamps alone: who dates vouches for nobody's signature."""

    certificates: tuple[x509.Certificate, ...]
    crls: tuple[bytes, ...] = ()
    known: tuple[x509.Certificate, ...] = ()
    stampers: tuple[x509.Certificate, ...] = ()

    @classmethod
    def from_bytes(cls, *files: bytes) -> Self:
        """Anchors from PEM (several certificates and revocation lists in one file) or DER certificates.

        Raises ConfigurationError for a file without a certificate.
        """
        certificates: list[x509.Certificate] = []
        crls: list[bytes] = []
        for data in files:
            found, lists = _read(data)
            certificates += found
            crls += lists
        return cls(tuple(dict.fromkeys(certificates)), tuple(crls))

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> Self:
        """Like :meth:`from_bytes`; OSError when a file cannot be read."""
        return cls.from_bytes(*(path.read_bytes() for path in paths))


def _read(data: bytes) -> tuple[list[x509.Certificate], list[bytes]]:
    try:
        if _CERTIFICATE not in data and _CRL not in data:
            return [x509.load_der_x509_certificate(data)], []
        certificates = x509.load_pem_x509_certificates(data) if _CERTIFICATE in data else []
        lists = [x509.load_pem_x509_crl(part) for part in _blocks(data)]
    except UNREADABLE as error:
        raise ConfigurationError(
            "The trust file holds no certificate in PEM or DER; give the certificate of a CA or of a signer."
        ) from error
    return certificates, [each.public_bytes(Encoding.DER) for each in lists]


def _blocks(data: bytes) -> list[bytes]:
    return [
        _CRL + part.split(b"-----END X509 CRL-----")[0] + b"-----END X509 CRL-----\n"
        for part in data.split(_CRL)[1:]
    ]
