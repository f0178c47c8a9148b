"""The names in a signed message (RFC 5652, RFC 5035, RFC 8419), and a message that was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509

from hsm import der
from hsm.errors import AuthorityError

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"

CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14"

DIGEST_OIDS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}


class SignatureRefused(AuthorityError):
    """A signed message whose digest, signer or signature does not hold."""

    code = "signature-refused"


@dataclass(frozen=True, slots=True)
class CmsMessage:
    """A SignedData with exactly one SignerInfo, read strictly and not yet verified.

    ``signed_attributes`` is the DER SET OF that the signature covers; ``attributes`` and ``unsigned`` map dotted
    OIDs to the DER values in it; the two algorithms are the DER parts of their identifiers. ``digest_name`` is the
    hash of the content and, where the signature's algorithm names none, of the signature. ``certificates`` is the
    bag as DER, in the order of the bytes: it says nothing about who signed.
    """

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    signer_identifier: bytes
    digest_name: str
    digest_algorithm: tuple[bytes, ...]
    signed_attributes: bytes
    attributes: Mapping[str, tuple[bytes, ...]]
    signature_algorithm: tuple[bytes, ...]
    signature: bytes
    unsigned: Mapping[str, tuple[bytes, ...]]

    def only(self, attribute: str) -> bytes:
        """The single DER value of a signed attribute. Raises :class:`SignatureRefused` for none or several."""
        values = self.attributes.get(attribute, ())
        if len(values) != 1:
            raise SignatureRefused("The signature must have one signed attribute {oid}.", oid=attribute)
        return values[0]

    def timestamps(self) -> tuple[bytes, ...]:
        """The signature timestamps (DER tokens) among the unsigned attributes (ETSI EN 319 122-1, 5.3)."""
        return self.unsigned.get(SIGNATURE_TIMESTAMP, ())


def algorithm_protection(digest_algorithm: bytes, signature_algorithm: bytes) -> bytes:
    """CMSAlgorithmProtection (RFC 6211, 2) of two DER AlgorithmIdentifiers: puts both under the signature."""
    return der.element(der.SEQUENCE, digest_algorithm, b"\xa1" + signature_algorithm[1:])


def identifier_of(certificate: x509.Certificate) -> bytes:
    """The IssuerAndSerialNumber (RFC 5652, 10.2.4) of *certificate*, in DER."""
    issuer = certificate.issuer.public_bytes()
    return der.element(der.SEQUENCE, issuer, der.integer(certificate.serial_number))
