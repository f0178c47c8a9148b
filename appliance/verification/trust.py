"""What a verification is done with: trust anchors of the appliance or the user, revocation lists, the control
time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.errors import ConfigurationError
from appliance.verification.certificates import UNREADABLE, parsed

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


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """The control time, whom to believe, certificates that may help, revocation lists (DER) at hand, and whom to
    believe for timestamps alone."""

    at: datetime
    anchors: tuple[x509.Certificate, ...]
    known: tuple[x509.Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()
    stampers: tuple[x509.Certificate, ...] = ()

    @classmethod
    def unpacked(
        cls, at: str, anchors: list[bytes], known: list[bytes], crls: list[bytes], stampers: list[bytes]
    ) -> Self:
        """From the arguments of a confined job."""
        moment = datetime.fromisoformat(at).astimezone(UTC)
        return cls(moment, _certificates(anchors), _certificates(known), tuple(crls), _certificates(stampers))

    def packed(self) -> dict[str, Any]:
        """The arguments of a confined job."""
        return {
            "at": self.at.astimezone(UTC).isoformat(),
            "anchors": _encoded(self.anchors),
            "known": _encoded(self.known),
            "crls": list(self.crls),
            "stampers": _encoded(self.stampers),
        }


def _certificates(encoded: list[bytes]) -> tuple[x509.Certificate, ...]:
    return tuple(certificate for each in encoded if (certificate := parsed(each)) is not None)


def _encoded(certificates: tuple[x509.Certificate, ...]) -> list[bytes]:
    return [each.public_bytes(Encoding.DER) for each in certificates]
