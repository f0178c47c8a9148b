"""Somebody's keys for other software, as a client of the API gets to know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from hsm.remote import RemoteUse

ECDSA, RSA = ("1.2.840.10045.4.3.2",), ("1.2.840.113549.1.1.11", "1.2.840.113549.1.1.1")
"""The OIDs of the signature algorithms."""

_P256 = "1.2.840.10045.3.1.7"


@dataclass(frozen=True, slots=True)
class RemoteCredential:
    """A key: its ``name`` at the authority, the ``chain`` (DER) from its certificate up, what the certificate
    says, and how many digests (``most``) one activation signs with it. ``algorithms`` are OIDs; ``curve`` is empty
    for RSA; ``serial`` is in hex."""

    name: str
    use: RemoteUse
    chain: tuple[bytes, ...]
    most: int
    algorithms: tuple[str, ...]
    bits: int
    curve: str
    issuer: str
    subject: str
    serial: str
    valid_from: datetime
    valid_to: datetime
    revoked: bool

    def counts(self, now: datetime) -> bool:
        """Whether the authority still signs with it."""
        return not self.revoked and now < self.valid_to


def credential_of(
    name: str, use: RemoteUse, chain: Sequence[bytes], lists: Sequence[bytes], most: int
) -> RemoteCredential:
    """The key of this *name*; *chain* are certificates and *lists* the current revocation lists (DER)."""
    certificate = x509.load_der_x509_certificate(chain[0])
    key = certificate.public_key()
    of_curve = isinstance(key, ec.EllipticCurvePublicKey)
    crls = (x509.load_der_x509_crl(each) for each in lists)
    serial = certificate.serial_number
    return RemoteCredential(
        name=name,
        use=use,
        chain=tuple(chain),
        most=most,
        algorithms=ECDSA if of_curve else RSA,
        bits=getattr(key, "key_size", 0),
        curve=_P256 if of_curve else "",
        issuer=certificate.issuer.rfc4514_string(),
        subject=certificate.subject.rfc4514_string(),
        serial=f"{serial:x}",
        valid_from=certificate.not_valid_before_utc,
        valid_to=certificate.not_valid_after_utc,
        revoked=any(each.get_revoked_certificate_by_serial_number(serial) is not None for each in crls),
    )
