"""Reading signed messages (RFC 5652, RFC 5035, RFC 8419), ours and others', and adding a timestamp to one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from hsm import der
from hsm.errors import AuthorityError, Malformed

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"

CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
MIME_TYPE = "0.4.0.1733.2.1"
SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14"

ACTIVATION = "1.3.6.1.4.1.32473.1.4"
"""The signed attribute by which the authority says how a signature was activated (UTF8String: ``webauthn``, or
``pin-totp``, the weaker way)."""

DIGEST_OIDS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}


_SHAKE256_OCTETS = 64


class MessageHash:
    """A hash that a message may name, over what is added to it; ``shake256`` is that of 64 octets (RFC 8419, 2.3).

    Raises ValueError for a hash that nobody here knows.
    """

    def __init__(self, name: str) -> None:
        shake = name == "shake256"
        self._octets = (_SHAKE256_OCTETS,) if shake else ()
        self._state: Any = hashlib.new("shake_256" if shake else name, usedforsecurity=False)

    def update(self, part: bytes | memoryview) -> None:
        """Add *part* to what is hashed."""
        self._state.update(part)

    def copy(self) -> MessageHash:
        """Another one that goes on from here by itself."""
        other = object.__new__(MessageHash)
        other._octets, other._state = self._octets, self._state.copy()
        return other

    def digest(self) -> bytes:
        """The hash of what was added."""
        return bytes(self._state.digest(*self._octets))


def message_digest(name: str, *parts: bytes | memoryview) -> bytes:
    """The :class:`MessageHash` *name* over *parts* one after the other. Raises ValueError."""
    digest = MessageHash(name)
    for part in parts:
        digest.update(part)
    return digest.digest()


class SignatureRefused(AuthorityError, code="signature-refused"):
    """A signed message whose digest, signer or signature does not hold."""


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

    @property
    def media_type(self) -> str | None:
        """What the signed attribute mime-type (ETSI EN 319 122-1, 5.2.4.2) says of the content; None without one.
        Raises :class:`Malformed`."""
        return read_media_type(self.attributes.get(MIME_TYPE, ()))

    def activation(self) -> str | None:
        """How the signature was activated; None where it does not say, as in messages of services and of earlier
        releases. Raises :class:`Malformed` for what is no UTF8String, :class:`SignatureRefused` for several."""
        return der.decode(str, self.only(ACTIVATION)) if ACTIVATION in self.attributes else None

    def timestamps(self) -> tuple[bytes, ...]:
        """The signature timestamps (DER tokens) among the unsigned attributes (ETSI EN 319 122-1, 5.3)."""
        return self.unsigned.get(SIGNATURE_TIMESTAMP, ())


def read_media_type(values: tuple[bytes, ...]) -> str | None:
    """The text of the *values* (DER) of a mime-type attribute: its only one, None without any. Raises
    :class:`Malformed`."""
    if not values:
        return None
    if len(values) > 1 or values[0][0] != der.UTF8_STRING:
        raise Malformed("The mime-type attribute has one UTF8String.")
    return der.decode(str, values[0])


def algorithm_protection(digest_algorithm: bytes, signature_algorithm: bytes) -> bytes:
    """CMSAlgorithmProtection (RFC 6211, 2) of two DER AlgorithmIdentifiers: puts both under the signature."""
    return der.element(der.SEQUENCE, digest_algorithm, b"\xa1" + signature_algorithm[1:])


def identifier_of(certificate: x509.Certificate) -> bytes:
    """The IssuerAndSerialNumber (RFC 5652, 10.2.4) of *certificate*, in DER."""
    issuer = certificate.issuer.public_bytes()
    return der.element(der.SEQUENCE, issuer, der.integer(certificate.serial_number))


_SIGNED_DATA = der.Oid(SIGNED_DATA)
_DATA = der.Oid(DATA)
MOST = 100
"""Certificates, lists or attributes in a message: more take long to read, and nobody needs them."""

_DIGEST_NAMES = {der.oid(dotted): name for name, dotted in DIGEST_OIDS.items()}


def parse(message: bytes) -> CmsMessage:
    """The signed message in a DER ContentInfo with exactly one signer, not yet verified.

    Raises :class:`Malformed` for anything that is not strict DER, has several signers, no signed attributes, a
    repeated attribute, more of anything than somebody needs, or a digest other than SHA-256, SHA-384, SHA-512.
    """
    signed_data, signer = frame(message)
    _require_consistent(signed_data, signer)
    carried = (signed_data.certificates, signed_data.crls, signer.signed_attrs, signer.unsigned_attrs)
    if any(len(each or ()) > MOST for each in carried):
        raise Malformed("This CMS message has more than {most} certificates, lists or attributes.", most=MOST)
    # RFC 5652, 5.4: the signature covers the attributes with the SET OF tag instead of [0].
    covered = b"".join(der.raw(each) for each in signer.signed_attrs)
    attributes = _attributes(signer.signed_attrs, repeated=False)
    digest_algorithm = _raw(signer.digest_algorithm)
    if CONTENT_TYPE not in attributes or MESSAGE_DIGEST not in attributes:
        raise Malformed("The signed attributes lack the content type or the message digest (RFC 5652, 11).")
    return CmsMessage(
        content_type=signed_data.encap_content_info.e_content_type.dotted_string,
        content=signed_data.encap_content_info.e_content,
        certificates=_raw(signed_data.certificates),
        crls=_raw(signed_data.crls),
        signer_identifier=der.raw(signer.sid),
        digest_name=_digest_name(digest_algorithm),
        digest_algorithm=digest_algorithm,
        signed_attributes=der.header(der.SET, len(covered)) + covered,
        attributes=attributes,
        signature_algorithm=_raw(signer.signature_algorithm),
        signature=signer.signature,
        unsigned=_attributes(signer.unsigned_attrs or (), repeated=True),
    )


def frame(message: bytes) -> tuple[der.SignedData, der.SignerInfo]:
    """The SignedData of a DER ContentInfo and its only SignerInfo, undigested. Raises :class:`Malformed`."""
    info = der.decode(der.ContentInfo, message)
    if info.content_type != _SIGNED_DATA:
        raise Malformed("This CMS message is not SignedData.")
    signed_data = der.decode(der.SignedData, der.raw(info.content))
    signers = signed_data.signer_infos.as_list()
    if len(signers) != 1:
        raise Malformed("This CMS message has {count} signers; it must have one.", count=len(signers))
    return signed_data, der.decode(der.SignerInfo, der.raw(signers[0]))


def signature_value(message: bytes) -> bytes:
    """The signature of the only signer: what a signature timestamp dates (ETSI EN 319 122-1, 5.3)."""
    return frame(message)[1].signature


def add_signature_timestamp(message: bytes, token: bytes) -> bytes:
    """*message* with the DER *token* among the unsigned attributes of its only signer; all else stays as it is."""
    signed_data, signer = frame(message)
    attribute = der.element(der.SEQUENCE, der.oid(SIGNATURE_TIMESTAMP), der.element(der.SET, token))
    unsigned = sorted([*_raw(signer.unsigned_attrs), attribute])
    signer.unsigned_attrs = [der.decode(der.TLV, each) for each in unsigned]
    signed_data.signer_infos = der.SetOf([der.decode(der.TLV, der.encode(signer))])
    content = der.encode(signed_data)
    return der.element(der.SEQUENCE, der.oid(SIGNED_DATA), der.header(0xA0, len(content)) + content)


def _attributes(attributes: Iterable[der.TLV], *, repeated: bool) -> Mapping[str, tuple[bytes, ...]]:
    found: dict[str, tuple[bytes, ...]] = {}
    for each in attributes:
        attribute = der.decode(der.Attribute, der.raw(each))
        name = attribute.attr_type.dotted_string
        if name in found and not repeated:
            raise Malformed("The signed attribute {oid} is repeated (RFC 5652, 5.3).", oid=name)
        found[name] = (*found.get(name, ()), *_raw(attribute.attr_values.as_list()))
    return found


def _require_consistent(signed_data: der.SignedData, signer: der.SignerInfo) -> None:
    """What no signature covers, and must follow from the rest (RFC 5652, 5.1 and 5.3)."""
    issuer_and_serial = signer.sid.tag_bytes == b"\x30"
    plain = signed_data.encap_content_info.e_content_type == _DATA and issuer_and_serial
    if signer.version != (1 if issuer_and_serial else 3) or signed_data.version != (1 if plain else 3):
        raise Malformed("The versions of this CMS message do not fit its contents.")
    algorithms = [der.members(der.raw(each)) for each in signed_data.digest_algorithms.as_list()]
    names = {_digest_name(tuple(each)) for each in algorithms}
    if names != {_digest_name(_raw(signer.digest_algorithm))}:
        raise Malformed("The digest algorithm of the message is not its signer's.")


def _digest_name(parts: tuple[bytes, ...]) -> str:
    name = _DIGEST_NAMES.get(parts[0]) if parts else None
    if name is None or parts[1:] not in ((), (der.NULL,)):
        raise Malformed("The signer's digest algorithm is not SHA-256, SHA-384 or SHA-512.")
    return name


def _raw(parts: Iterable[der.TLV] | None) -> tuple[bytes, ...]:
    return tuple(der.raw(part) for part in parts or ())


def certificate_digests(message: CmsMessage) -> list[tuple[str, bytes]]:
    """The hashes (name and value) that the signer's certificate must have; two when both forms are signed.

    The first ESSCertID names the signer, later ones its issuers (RFC 5035, 3). SHA-1 of the old form is taken, as
    the authorities of others still send it. Raises :class:`SignatureRefused` when nothing names the signer.
    """
    found = []
    if SIGNING_CERTIFICATE_V2 in message.attributes:
        found.append(_version_2(_first(message.only(SIGNING_CERTIFICATE_V2))))
    if SIGNING_CERTIFICATE in message.attributes:
        found.append(("sha1", _octets(_first(message.only(SIGNING_CERTIFICATE))[0])))
    if not found:
        raise SignatureRefused("The signature does not name its certificate (no signed ESSCertID).")
    return found


def _first(signing_certificate: bytes) -> list[bytes]:
    outer = der.members(signing_certificate)
    identifiers = der.members(outer[0]) if outer else []
    parts = der.members(identifiers[0]) if identifiers else []
    if not parts:
        raise Malformed("The signing certificate attribute is empty.")
    return parts


def _version_2(parts: list[bytes]) -> tuple[str, bytes]:
    if parts[0][0] == der.OCTET_STRING:
        return "sha256", _octets(parts[0])
    algorithm = der.members(parts[0])
    name = _DIGEST_NAMES.get(algorithm[0]) if algorithm else None
    if name is None or len(parts) < 2:
        raise Malformed("The signing certificate attribute uses an unknown hash.")
    return name, _octets(parts[1])


def _octets(element: bytes) -> bytes:
    return der.decode(bytes, element)
