"""Reading signed messages, ours and others', and adding a timestamp to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hsm import der
from hsm.cms.model import (
    CONTENT_TYPE,
    DIGEST_OIDS,
    MESSAGE_DIGEST,
    SIGNATURE_TIMESTAMP,
    SIGNED_DATA,
    SignedMessage,
)
from hsm.errors import Malformed

_SIGNED_DATA = der.Oid(SIGNED_DATA)
_DIGEST_NAMES = {der.oid(dotted): name for name, dotted in DIGEST_OIDS.items()}


def parse(message: bytes) -> SignedMessage:
    """The signed message in a DER ContentInfo with exactly one signer, not yet verified.

    Raises :class:`Malformed` for anything that is not strict DER, has several signers, no signed attributes, a
    repeated attribute, or a digest other than SHA-256, SHA-384, SHA-512.
    """
    signed_data, signer = frame(message)
    # RFC 5652, 5.4: the signature covers the attributes with the SET OF tag instead of [0].
    covered = b"".join(der.raw(each) for each in signer.signed_attrs)
    attributes = _attributes(signer.signed_attrs, repeated=False)
    if CONTENT_TYPE not in attributes or MESSAGE_DIGEST not in attributes:
        raise Malformed("The signed attributes lack the content type or the message digest (RFC 5652, 11).")
    return SignedMessage(
        content_type=signed_data.encap_content_info.e_content_type.dotted_string,
        content=signed_data.encap_content_info.e_content,
        certificates=_raw(signed_data.certificates),
        crls=_raw(signed_data.crls),
        signer_identifier=der.raw(signer.sid),
        digest_name=_digest_name(signer.digest_algorithm),
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
    signed_data = der.decode_strictly(der.SignedData, der.raw(info.content))
    signers = signed_data.signer_infos.as_list()
    if len(signers) != 1:
        raise Malformed("This CMS message has {count} signers; it must have one.", count=len(signers))
    return signed_data, der.decode_strictly(der.SignerInfo, der.raw(signers[0]))


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


def _digest_name(algorithm: list[der.TLV]) -> str:
    parts = _raw(algorithm)
    name = _DIGEST_NAMES.get(parts[0]) if parts else None
    if name is None or parts[1:] not in ((), (der.NULL,)):
        raise Malformed("The signer's digest algorithm is not SHA-256, SHA-384 or SHA-512.")
    return name


def _raw(parts: Iterable[der.TLV] | None) -> tuple[bytes, ...]:
    return tuple(der.raw(part) for part in parts or ())
