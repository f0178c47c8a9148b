"""DER, strictly: the one module that knows ``cryptography.hazmat.asn1``, whose interface may still change.

Its decoder refuses indefinite and long-form lengths, other BOOLEANs than FF, explicit defaults and trailing bytes:
what it accepts encodes to the same bytes again (a property that our tests search for counter-examples).
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Annotated, TypeVar

from cryptography import x509
from cryptography.hazmat import asn1

from hsm.errors import Malformed

TLV = asn1.TLV
Null = asn1.Null
SetOf = asn1.SetOf
GeneralizedTime = asn1.GeneralizedTime
BitString = asn1.BitString
Oid = x509.ObjectIdentifier
T = TypeVar("T")

SEQUENCE, SET, INTEGER, OCTET_STRING, OBJECT_IDENTIFIER = 0x30, 0x31, 0x02, 0x04, 0x06
ENUMERATED, UTF8_STRING = 0x0A, 0x0C
NULL = b"\x05\x00"


def decode(kind: type[T], data: bytes) -> T:
    """The *kind* that *data* is the one DER form of. Raises :class:`Malformed` for anything else."""
    try:
        return asn1.decode_der(kind, data)
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed("These bytes are not the DER that they should be ({detail}).", detail=error) from error


def encode(value: object) -> bytes:
    """The DER of a structure of this module, or of a type that ``cryptography`` knows."""
    return asn1.encode_der(value)


def members(sequence: bytes) -> list[bytes]:
    """The whole elements inside a DER SEQUENCE, one level deep. Raises :class:`Malformed`."""
    return [raw(member) for member in decode(_Wrapped, element(SEQUENCE, sequence)).inner]


def first(data: bytes) -> bytes:
    """The element that *data* begins with (X.690, 8.1.3), whatever follows. IndexError for less than a header."""
    length = data[1]
    if length < 0x80:
        return data[: 2 + length]
    octets = length & 0x7F
    return data[: 2 + octets + int.from_bytes(data[2 : 2 + octets])]


def contents(data: bytes) -> bytes:
    """What is in the element that *data* is, without identifier and length. IndexError for less than a header."""
    return data[2:] if data[1] < 0x80 else data[2 + (data[1] & 0x7F) :]


def raw(tlv: asn1.TLV) -> bytes:
    """The whole element, header and contents, as it was sent."""
    contents = tlv.data
    return tlv.tag_bytes + length_octets(len(contents)) + contents


@lru_cache(maxsize=4096)
def header(tag: int, length: int) -> bytes:
    """The identifier and length octets of an element with *length* octets of contents."""
    return bytes((tag,)) + length_octets(length)


def length_octets(length: int) -> bytes:
    """The length octets of an element with *length* octets of contents (X.690, 10.1)."""
    if length < 0x80:
        return bytes((length,))
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((0x80 | len(octets),)) + octets


def element(tag: int, *contents: bytes) -> bytes:
    """One element around the concatenated *contents*."""
    body = b"".join(contents)
    return header(tag, len(body)) + body


def set_of(*members: bytes, tag: int = SET) -> bytes:
    """A SET OF: in DER its members are in the order of their encodings (X.690, 11.6)."""
    return element(tag, *sorted(members))


def oid(dotted: str) -> bytes:
    """The DER of an OBJECT IDENTIFIER."""
    return encode(Oid(dotted))


def integer(value: int) -> bytes:
    """The DER of an INTEGER: two's complement in as few octets as hold it and its sign (X.690, 8.3)."""
    magnitude = value if value >= 0 else ~value
    body = value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True)
    return header(INTEGER, len(body)) + body


def generalized_time(moment: datetime) -> bytes:
    """The DER of a GeneralizedTime: UTC, a fraction only where there is one, without trailing zeros (X.690, 11.7).

    *moment* is aware and in UTC.
    """
    text = moment.isoformat().removesuffix("+00:00").encode().translate(None, b"-:T")
    body = (text.rstrip(b"0") if moment.microsecond else text) + b"Z"
    return header(0x18, len(body)) + body


def is_oid(data: bytes) -> bool:
    """Whether *data* is one DER OBJECT IDENTIFIER of any length (``cryptography`` stops at 63 octets)."""
    try:
        tlv = asn1.decode_der(asn1.TLV, data)
    except ValueError:
        return False
    body = bytes(tlv.data)
    if tlv.tag_bytes != b"\x06" or not body:
        return False
    starts = [0, *(index + 1 for index in range(len(body) - 1) if body[index] < 0x80)]
    return body[-1] < 0x80 and all(body[start] != 0x80 for start in starts)


@asn1.sequence
class _Wrapped:
    inner: list[asn1.TLV]


@asn1.sequence
class MessageImprint:
    """RFC 3161, 2.4.1. The algorithm stays raw: its parameters decide between two refusals."""

    hash_algorithm: list[asn1.TLV]
    hashed_message: bytes


@asn1.sequence
class TimeStampReq:
    """RFC 3161, 2.4.1. The imprint stays raw: it is echoed byte for byte."""

    version: int
    message_imprint: asn1.TLV
    req_policy: x509.ObjectIdentifier | None
    nonce: int | None
    cert_req: Annotated[bool, asn1.Default(False)]
    extensions: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]


@asn1.sequence
class Extension:
    """RFC 5280, 4.1. The name stays raw, so that an absurdly long one is still only an unknown one."""

    extn_id: asn1.TLV
    critical: Annotated[bool, asn1.Default(False)]
    extn_value: bytes


@asn1.sequence
class Accuracy:
    """RFC 3161, 2.4.2."""

    seconds: int | None
    millis: Annotated[int | None, asn1.Implicit(0)]
    micros: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class TSTInfo:
    """RFC 3161, 2.4.2. ``tsa`` is the one GeneralName inside its explicit tag."""

    version: int
    policy: x509.ObjectIdentifier
    message_imprint: asn1.TLV
    serial_number: int
    gen_time: asn1.GeneralizedTime
    accuracy: Accuracy | None
    ordering: Annotated[bool, asn1.Default(False)]
    nonce: int | None
    tsa: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    extensions: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class PKIStatusInfo:
    """RFC 3161, 2.4.2 (RFC 4210, 5.2.3)."""

    status: int
    status_string: list[str] | None
    fail_info: asn1.BitString | None


@asn1.sequence
class TimeStampRefusal:
    """RFC 3161, 2.4.2, without a token."""

    status: PKIStatusInfo


@asn1.sequence
class ContentInfo:
    """RFC 5652, 3."""

    content_type: x509.ObjectIdentifier
    content: Annotated[asn1.TLV, asn1.Explicit(0)]


@asn1.sequence
class EncapsulatedContentInfo:
    """RFC 5652, 5.2."""

    e_content_type: x509.ObjectIdentifier
    e_content: Annotated[bytes | None, asn1.Explicit(0)]


@asn1.sequence
class SignedData:
    """RFC 5652, 5.1. Certificates and CRLs are read in any order: many producers do not sort them."""

    version: int
    digest_algorithms: asn1.SetOf[asn1.TLV]
    encap_content_info: EncapsulatedContentInfo
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    crls: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signer_infos: asn1.SetOf[asn1.TLV]


@asn1.sequence
class LooseSignedData:
    """The same with its two sets raw: other software does not put their members in the order of DER."""

    version: int
    digest_algorithms: asn1.TLV
    encap_content_info: EncapsulatedContentInfo
    certificates: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    crls: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]
    signer_infos: asn1.TLV


@asn1.sequence
class SignerInfo:
    """RFC 5652, 5.3, with signed attributes; the identifier and the algorithms stay raw."""

    version: int
    sid: asn1.TLV
    digest_algorithm: list[asn1.TLV]
    signed_attrs: Annotated[list[asn1.TLV], asn1.Implicit(0)]
    signature_algorithm: list[asn1.TLV]
    signature: bytes
    unsigned_attrs: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class LooseSignerInfo:
    """The same, perhaps without signed attributes."""

    version: int
    sid: asn1.TLV
    digest_algorithm: list[asn1.TLV]
    signed_attrs: Annotated[list[asn1.TLV] | None, asn1.Implicit(0)]
    signature_algorithm: list[asn1.TLV]
    signature: bytes
    unsigned_attrs: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class Attribute:
    """RFC 5652, 5.3."""

    attr_type: x509.ObjectIdentifier
    attr_values: asn1.SetOf[asn1.TLV]
