"""Reading a signed message (CMS, RFC 5652) of anybody, strictly first; in a PDF it is one element and zeros
after it.

What another signature does not cover must have one form only, or it could be changed unseen: so every part is
decoded and compared with its own encoding, every algorithm is accounted for, and nothing unknown is passed
over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from appliance.verification import ber
from appliance.verification.algorithms import digest_of
from appliance.verification.model import Reason
from hsm import der
from hsm.cms import DATA
from hsm.cms.signed_data import CONTENT_TYPE, MESSAGE_DIGEST, SIGNATURE_TIMESTAMP, SIGNED_DATA
from hsm.errors import AuthorityError

T = TypeVar("T")

ADOBE_REVOCATION = "1.2.840.113583.1.1.8"
OTHER_VERSION = Reason("The signature gives another version than its contents require (CMS).")
MORE_DIGESTS = Reason("The signature lists digest algorithms that it does not use (CMS).")
NOT_SIGNED = Reason("The signature carries unsigned attributes that are not known here ({oid}).")
_INDEFINITE = b"\x30\x80"
_CERTIFICATE_TAG = 0x30


class UnreadableMessage(Exception):
    """The message is not what it should be; ``reason`` says what is wrong."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A signed message with its one signer. Names as in RFC 5652; certificates, CRLs and attribute values in DER.

    ``covered`` is what the signature is over. ``defects`` are departures from the strict form that change no
    meaning; ``unsigned_defects`` those of them that lie outside the signature, where anybody could have made them.
    """

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    signer_identifier: bytes
    digest_name: str
    covered: bytes
    signed: Mapping[str, tuple[bytes, ...]]
    signature_algorithm: tuple[bytes, ...]
    signature: bytes
    unsigned: Mapping[str, tuple[bytes, ...]]
    defects: tuple[Reason, ...]

    @property
    def unsigned_defects(self) -> tuple[Reason, ...]:
        """The defects that no signature covers, unless a later one does."""
        outside = (OTHER_VERSION.template, MORE_DIGESTS.template, NOT_SIGNED.template)
        return tuple(each for each in self.defects if each.template in outside)

    def only(self, attribute: str) -> bytes | None:
        """The value of a signed attribute, None when absent. Raises Unreadable for several."""
        values = self.signed.get(attribute, ())
        if len(values) > 1:
            raise UnreadableMessage(Reason("The signed attribute {oid} is repeated.", {"oid": attribute}))
        return values[0] if values else None

    @property
    def timestamps(self) -> tuple[bytes, ...]:
        """The signature timestamps (ETSI EN 319 122-1, 5.3)."""
        return self.unsigned.get(SIGNATURE_TIMESTAMP, ())


def read_message(encoded: bytes) -> SignedMessage:
    """The message in *encoded*, all of it. Raises :class:`Unreadable`."""
    defects: list[Reason] = []
    if encoded.startswith(_INDEFINITE):
        encoded = _as_der(encoded)
        defects.append(Reason("The signature is encoded in BER, not in DER."))
    try:
        return _read(encoded, defects)
    except AuthorityError as error:
        raise UnreadableMessage(Reason("The signature's structure is damaged (CMS).")) from error


def _read(encoded: bytes, defects: list[Reason]) -> SignedMessage:
    info = _strictly(der.ContentInfo, encoded)
    if info.content_type.dotted_string != SIGNED_DATA:
        raise UnreadableMessage(Reason("The signature is not a SignedData message (CMS)."))
    signed_data = _strictly(der.SignedData, der.raw(info.content))
    signers = signed_data.signer_infos.as_list()
    if len(signers) != 1:
        raise UnreadableMessage(
            Reason("The signature must have one signer; it has {count}.", {"count": len(signers)})
        )
    signer = _strictly(der.SignerInfo, der.raw(signers[0]))
    digest_name = digest_of(_raw(signer.digest_algorithm))
    if digest_name is None:
        raise UnreadableMessage(Reason("The signature's digest algorithm is not known."))
    content_type = signed_data.encap_content_info.e_content_type.dotted_string
    _check_digests(signed_data, digest_name, defects=defects)
    _check_versions(signed_data.version, signer, content_type=content_type, defects=defects)
    _check_attributes(signer)
    unsigned = _attributes(signer.unsigned_attrs or ())
    if unknown := sorted(unsigned.keys() - {SIGNATURE_TIMESTAMP}):
        defects.append(Reason(NOT_SIGNED.template, {"oid": ", ".join(unknown)}))
    covered = b"".join(_raw(signer.signed_attrs))
    return SignedMessage(
        content_type=content_type,
        content=signed_data.encap_content_info.e_content,
        certificates=_certificates(signed_data),
        crls=_raw(signed_data.crls),
        signer_identifier=der.raw(signer.sid),
        digest_name=digest_name,
        covered=der.header(der.SET, len(covered)) + covered,
        signed=_attributes(signer.signed_attrs),
        signature_algorithm=_raw(signer.signature_algorithm),
        signature=signer.signature,
        unsigned=unsigned,
        defects=tuple(defects),
    )


def _check_digests(signed_data: der.SignedData, digest_name: str, *, defects: list[Reason]) -> None:
    """RFC 5652, 5.1: the signer's digest algorithm is among those listed; the list itself nobody signs."""
    listed = [digest_of(tuple(der.members(der.raw(each)))) for each in signed_data.digest_algorithms.as_list()]
    if digest_name not in listed or None in listed:
        raise UnreadableMessage(
            Reason("The digest algorithms that the signature lists are not those that it uses.")
        )
    if len(listed) > 1:
        defects.append(MORE_DIGESTS)


def _check_attributes(signer: der.SignerInfo) -> None:
    """RFC 5652, 5.3: the signature is over the DER of the signed attributes, which is in one order; other software
    sorts them first and then refuses. A set of attributes that is there has some."""
    signed = _raw(signer.signed_attrs)
    if list(signed) != sorted(signed):
        raise UnreadableMessage(Reason("The signed attributes are not in the order that DER prescribes."))
    if signer.unsigned_attrs is not None and not _raw(signer.unsigned_attrs):
        raise UnreadableMessage(Reason("The signature's structure is damaged (CMS)."))


def _check_versions(version: int, signer: der.SignerInfo, *, content_type: str, defects: list[Reason]) -> None:
    """RFC 5652, 5.1 and 5.3. Some producers give 3 for plain data, which changes no meaning; but nothing signs
    the version, so whoever judges the message asks for something else that covers it."""
    by_key_identifier = der.raw(signer.sid)[0] != der.SEQUENCE
    if signer.version != (3 if by_key_identifier else 1):
        raise UnreadableMessage(Reason("The signer's version does not fit its identifier (CMS)."))
    expected = 3 if by_key_identifier or content_type != DATA else 1
    if version == expected:
        return
    if content_type != DATA or version not in (1, 3):
        raise UnreadableMessage(Reason("The signature's version is not known (CMS)."))
    defects.append(OTHER_VERSION)


def _certificates(signed_data: der.SignedData) -> tuple[bytes, ...]:
    found = _raw(signed_data.certificates)
    if any(each[0] != _CERTIFICATE_TAG for each in found):
        raise UnreadableMessage(Reason("The signature carries something else than certificates in their place."))
    return found


def _attributes(attributes: Iterable[der.TLV]) -> Mapping[str, tuple[bytes, ...]]:
    found: dict[str, tuple[bytes, ...]] = {}
    for each in attributes:
        attribute = _strictly(der.Attribute, der.raw(each))
        name = attribute.attr_type.dotted_string
        found[name] = (*found.get(name, ()), *_raw(attribute.attr_values.as_list()))
    return found


def _as_der(encoded: bytes) -> bytes:
    try:
        return ber.to_der(encoded)
    except ber.NotBer as error:
        raise UnreadableMessage(Reason("The signature's structure is damaged (CMS).")) from error


def _strictly(kind: type[T], encoded: bytes) -> T:
    """Decoded, and its only encoding is the one that came: nothing can hide between two forms of one value."""
    value = der.decode(kind, encoded)
    if der.encode(value) != encoded:
        raise UnreadableMessage(Reason("The signature's structure is damaged (CMS)."))
    return value


def _raw(parts: Iterable[der.TLV] | None) -> tuple[bytes, ...]:
    return tuple(der.raw(part) for part in parts or ())


__all__ = [
    "ADOBE_REVOCATION",
    "CONTENT_TYPE",
    "MESSAGE_DIGEST",
    "OTHER_VERSION",
    "SignedMessage",
    "UnreadableMessage",
    "read_message",
]


def message_in(contents: bytes) -> SignedMessage:
    """The signed message. Raises Unreadable, also when the unused room is not zero: nothing signs those bytes."""
    try:
        length = ber.length_of(contents)
    except ber.NotBer as error:
        raise UnreadableMessage(Reason("The signature's structure is damaged (CMS).")) from error
    if any(contents[length:]):
        raise UnreadableMessage(
            Reason("The room after the signature is not empty: something was hidden or changed there.")
        )
    return read_message(contents[:length])
