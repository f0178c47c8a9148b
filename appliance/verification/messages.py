"""Reading a signed message (CMS, RFC 5652) of anybody, strictly first; in a PDF it is one element and zeros
after it.

What another signature does not cover must have one form only, or it could be changed unseen: so every part is
decoded and compared with its own encoding, every algorithm is accounted for, and nothing unknown is passed
over.

BER is made DER where that changes no meaning (X.690, 8.1.3.6, 8.7): definite lengths, unsegmented OCTET STRINGs.
One pass over the tags: nothing is sorted, no default is dropped, no value is read; a definite element is taken as
it stands unless something in it had to be written anew. Whether the result is strict DER is asked afterwards, and
what a signature covers keeps its bytes. Memory and time are bounded by length times depth, and by the number of
elements; all three have limits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from appliance.verification.algorithms import digest_of
from hsm import der
from hsm.cms import DATA
from hsm.cms.signed_data import MOST, SIGNATURE_TIMESTAMP, SIGNED_DATA
from hsm.errors import AuthorityError, Sentence

T = TypeVar("T")

ADOBE_REVOCATION = "1.2.840.113583.1.1.8"
OTHER_VERSION = Sentence("The signature gives another version than its contents require (CMS).")
MORE_DIGESTS = Sentence("The signature lists digest algorithms that it does not use (CMS).")
NOT_SIGNED = Sentence("The signature carries unsigned attributes that are not known here ({oid}).")
_INDEFINITE = b"\x30\x80"
_CERTIFICATE_TAG = 0x30


class UnreadableMessage(Exception):
    """The message is not what it should be; ``reason`` says what is wrong."""

    def __init__(self, template: str, **values: Any) -> None:
        self.reason = Sentence(template, values)
        super().__init__(str(self.reason))


def _damaged() -> UnreadableMessage:
    return UnreadableMessage("The signature's structure is damaged (CMS).")


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
    defects: tuple[Sentence, ...]

    @property
    def unsigned_defects(self) -> tuple[Sentence, ...]:
        """The defects that no signature covers, unless a later one does."""
        outside = (OTHER_VERSION.template, MORE_DIGESTS.template, NOT_SIGNED.template)
        return tuple(each for each in self.defects if each.template in outside)

    def only(self, attribute: str) -> bytes | None:
        """The value of a signed attribute, None when absent. Raises UnreadableMessage for several."""
        values = self.signed.get(attribute, ())
        if len(values) > 1:
            raise UnreadableMessage("The signed attribute {oid} is repeated.", oid=attribute)
        return values[0] if values else None

    @property
    def timestamps(self) -> tuple[bytes, ...]:
        """The signature timestamps (ETSI EN 319 122-1, 5.3)."""
        return self.unsigned.get(SIGNATURE_TIMESTAMP, ())


def read_message(encoded: bytes) -> SignedMessage:
    """The message in *encoded*, all of it. Raises :class:`UnreadableMessage`."""
    defects: list[Sentence] = []
    if encoded.startswith(_INDEFINITE):
        try:
            encoded = to_der(encoded)
        except NotBer as error:
            raise _damaged() from error
        defects.append(Sentence("The signature is encoded in BER, not in DER."))
    try:
        return _read(encoded, defects)
    except AuthorityError as error:
        raise _damaged() from error


def _read(encoded: bytes, defects: list[Sentence]) -> SignedMessage:
    info = _strictly(der.ContentInfo, encoded)
    if info.content_type.dotted_string != SIGNED_DATA:
        raise UnreadableMessage("The signature is not a SignedData message (CMS).")
    signed_data = _strictly(der.SignedData, der.raw(info.content))
    signers = signed_data.signer_infos.as_list()
    if len(signers) != 1:
        raise UnreadableMessage("The signature must have one signer; it has {count}.", count=len(signers))
    signer = _strictly(der.SignerInfo, der.raw(signers[0]))
    digest_name = digest_of(_raw(signer.digest_algorithm))
    if digest_name is None:
        raise UnreadableMessage("The signature's digest algorithm is not known.")
    content_type = signed_data.encap_content_info.e_content_type.dotted_string
    _check_digests(signed_data, digest_name, defects=defects)
    _check_versions(signed_data.version, signer, content_type=content_type, defects=defects)
    _check_attributes(signer)
    unsigned = _attributes(signer.unsigned_attrs or ())
    if unknown := sorted(unsigned.keys() - {SIGNATURE_TIMESTAMP}):
        defects.append(Sentence(NOT_SIGNED.template, {"oid": ", ".join(unknown)}))
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


def _check_digests(signed_data: der.SignedData, digest_name: str, *, defects: list[Sentence]) -> None:
    """RFC 5652, 5.1: the signer's digest algorithm is among those listed; the list itself nobody signs."""
    listed = [digest_of(tuple(der.members(der.raw(each)))) for each in signed_data.digest_algorithms.as_list()]
    if digest_name not in listed or None in listed:
        raise UnreadableMessage("The digest algorithms that the signature lists are not those that it uses.")
    if len(listed) > 1:
        defects.append(MORE_DIGESTS)


def _check_attributes(signer: der.SignerInfo) -> None:
    """RFC 5652, 5.3: the signature is over the DER of the signed attributes, which is in one order; other software
    sorts them first and then refuses. A set of attributes that is there has some, and not so many that it
    takes for ever to read them."""
    signed = _raw(signer.signed_attrs)
    if len(signed) > MOST:
        raise _damaged()
    if list(signed) != sorted(signed):
        raise UnreadableMessage("The signed attributes are not in the order that DER prescribes.")
    if signer.unsigned_attrs is not None and not 0 < len(signer.unsigned_attrs) <= MOST:
        raise _damaged()


def _check_versions(version: int, signer: der.SignerInfo, *, content_type: str, defects: list[Sentence]) -> None:
    """RFC 5652, 5.1 and 5.3. Some producers give 3 for plain data, which changes no meaning; but nothing signs
    the version, so whoever judges the message asks for something else that covers it."""
    by_key_identifier = der.raw(signer.sid)[0] != der.SEQUENCE
    if signer.version != (3 if by_key_identifier else 1):
        raise UnreadableMessage("The signer's version does not fit its identifier (CMS).")
    expected = 3 if by_key_identifier or content_type != DATA else 1
    if version == expected:
        return
    if content_type != DATA or version not in (1, 3):
        raise UnreadableMessage("The signature's version is not known (CMS).")
    defects.append(OTHER_VERSION)


def _certificates(signed_data: der.SignedData) -> tuple[bytes, ...]:
    found = _raw(signed_data.certificates)
    if any(each[0] != _CERTIFICATE_TAG for each in found):
        raise UnreadableMessage("The signature carries something else than certificates in their place.")
    return found


def _attributes(attributes: Iterable[der.TLV]) -> Mapping[str, tuple[bytes, ...]]:
    found: dict[str, tuple[bytes, ...]] = {}
    for each in attributes:
        attribute = _strictly(der.Attribute, der.raw(each))
        name = attribute.attr_type.dotted_string
        found[name] = (*found.get(name, ()), *_raw(attribute.attr_values.as_list()))
    return found


def _strictly(kind: type[T], encoded: bytes) -> T:
    """Decoded, and its only encoding is the one that came: nothing can hide between two forms of one value."""
    value = der.decode(kind, encoded)
    if der.encode(value) != encoded:
        raise _damaged()
    return value


def _raw(parts: Iterable[der.TLV] | None) -> tuple[bytes, ...]:
    return tuple(der.raw(part) for part in parts or ())


def message_in(contents: bytes) -> SignedMessage:
    """The signed message.

    Raises :class:`UnreadableMessage`, also when the unused room is not zero: nothing signs those bytes.
    """
    try:
        length = length_of(contents)
    except NotBer as error:
        raise _damaged() from error
    if any(contents[length:]):
        raise UnreadableMessage(
            "The room after the signature is not empty: something was hidden or changed there."
        )
    return read_message(contents[:length])


DEEPEST: Final = 64
"""Elements inside each other; a signed message with its timestamps and certificates needs about 20."""
LARGEST: Final = 16 * 1024 * 1024
"""Octets of a message."""
MOST_ELEMENTS: Final = 500_000
"""Elements of a message: about a second's work. A list of 100,000 revoked certificates has about as many."""

_CONSTRUCTED: Final = 0x20
_INDEFINITE_LENGTH: Final = 0x80
_OCTET_STRING: Final = 0x04
_LONG_TAG: Final = 0x1F
_MOST_TAG_OCTETS: Final = 6
_MOST_LENGTH_OCTETS: Final = 8
_END: Final = b"\0\0"


class NotBer(ValueError):
    """The bytes are no BER element, or one beyond the limits."""


@dataclass(frozen=True, slots=True)
class _Header:
    """Identifier octets, where the contents start, and where they end (None: at an end-of-contents)."""

    identifier: bytes
    start: int
    end: int | None

    @property
    def constructed(self) -> bool:
        return bool(self.identifier[0] & _CONSTRUCTED)


@dataclass(slots=True)
class _Budget:
    """How many elements more are read."""

    left: int = MOST_ELEMENTS

    def spend(self) -> None:
        if self.left == 0:
            raise NotBer("too many elements")
        self.left -= 1


def to_der(encoded: bytes) -> bytes:
    """The one element in *encoded* with definite lengths and unsegmented OCTET STRINGs; *encoded* itself where it
    has these. Raises :class:`NotBer`, also for bytes after the element."""
    written, end = _element(_limited(encoded), 0, DEEPEST, _Budget())
    if end != len(encoded):
        raise NotBer("bytes after the element")
    return written


def length_of(encoded: bytes) -> int:
    """Octets of the element that *encoded* begins with, end-of-contents included. Raises :class:`NotBer`."""
    header = _header(encoded, 0)
    return header.end or _element(_limited(encoded), 0, DEEPEST, _Budget())[1]


def _limited(encoded: bytes) -> bytes:
    if len(encoded) > LARGEST:
        raise NotBer("too long")
    return encoded


def _element(data: bytes, at: int, depth: int, budget: _Budget) -> tuple[bytes, int]:
    """The element at *at*, written anew where needed, and where it ends."""
    budget.spend()
    header = _header(data, at)
    if not header.constructed:
        if header.end is None:
            raise NotBer("a primitive element of indefinite length")
        return data[at : header.end], header.end
    if depth == 0:
        raise NotBer("too deep")
    members, end = _members(data, header, depth - 1, budget)
    if header.identifier[0] == _OCTET_STRING | _CONSTRUCTED:
        return _string(members), end
    contents = b"".join(members)
    if header.end is not None and contents == data[header.start : header.end]:
        return data[at:end], end
    return header.identifier + der.length_octets(len(contents)) + contents, end


def _members(data: bytes, header: _Header, depth: int, budget: _Budget) -> tuple[list[bytes], int]:
    """The elements inside, and where the element around them ends."""
    members: list[bytes] = []
    at = header.start
    while at != header.end:
        if header.end is None and data[at : at + 2] == _END:
            return members, at + len(_END)
        member, at = _element(data, at, depth, budget)
        if header.end is not None and at > header.end:
            raise NotBer("an element that is longer than what it is in")
        members.append(member)
    return members, at


def _string(segments: list[bytes]) -> bytes:
    """X.690, 8.7.3: segments of an OCTET STRING are OCTET STRINGs, here already without segments of their own."""
    contents = bytearray()
    for segment in segments:
        if segment[0] != _OCTET_STRING:
            raise NotBer("a segment of an OCTET STRING that is none")
        contents += segment[_header(segment, 0).start :]
    return der.element(_OCTET_STRING, bytes(contents))


def _header(data: bytes, at: int) -> _Header:
    start = at + 1
    try:
        if data[at] & _LONG_TAG == _LONG_TAG:
            while data[start] & 0x80:
                start += 1
            start += 1
        first = data[start]
    except IndexError as error:
        raise NotBer("cut off") from error
    octets = first & 0x7F if first > _INDEFINITE_LENGTH else 0
    if start - at > _MOST_TAG_OCTETS or octets > _MOST_LENGTH_OCTETS:
        raise NotBer("a tag or length beyond the limits")
    identifier, start = data[at:start], start + 1
    if identifier == b"\0":
        raise NotBer("an end-of-contents where none is due")
    if first == _INDEFINITE_LENGTH:
        return _Header(identifier, start, None)
    length = int.from_bytes(data[start : start + octets]) if octets else first
    start += octets
    if start + length > len(data):
        raise NotBer("cut off")
    return _Header(identifier, start, start + length)
