"""Reading a signed message (CMS, RFC 5652) of anybody; in a PDF it is one element and zeros after it.

What another signature does not cover must have one form only, or it could be changed unseen: what counts is
decoded and compared with its own encoding, every algorithm is accounted for. What is common in the field and
changes no meaning is a warning; what is not needed (attribute certificates, data of other kinds, known unsigned
attributes) is named and left aside. BER is made DER first (:mod:`appliance.verification.ber`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from appliance.verification.algorithms import digest_of
from appliance.verification.ber import INDEFINITE_SEQUENCE, NotBer, leading_element, length_of, to_der
from appliance.verification.model import SubIndication, Verdict, failed, undecided
from hsm import der
from hsm.cms import DATA
from hsm.cms.signed_data import MOST, SIGNATURE_TIMESTAMP, SIGNED_DATA
from hsm.errors import AuthorityError, Sentence

T = TypeVar("T")

ADOBE_REVOCATION = "1.2.840.113583.1.1.8"
SIGNATURE_POLICY = "1.2.840.113549.1.9.16.2.15"
_OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2"  # RFC 5940, 2.1
_EVIDENCE_RECORDS = frozenset({"1.2.840.113549.1.9.16.2.49", "1.2.840.113549.1.9.16.2.50"})  # RFC 4998, appendix A
_NOT_JUDGED = frozenset(
    {
        "1.2.840.113549.1.9.6",  # countersignature (RFC 5652, 11.4)
        *(f"1.2.840.113549.1.9.16.2.{each}" for each in (21, 22, 23, 24, 25, 26, 27, 44, 45, 48)),  # RFC 5126, 6
        "0.4.0.1733.2.2",  # long-term-validation (ETSI TS 101 733)
        "0.4.0.1733.2.4",  # archive-time-stamp-v3 (ETSI EN 319 122-1, 5.5.3)
        "0.4.0.19122.1.5",  # ats-hash-index-v3 (5.5.2)
        ADOBE_REVOCATION,
    }
)
"""Unsigned attributes of standards that are not needed here: they may help to verify later, elsewhere."""

OTHER_VERSION = Sentence("The signature gives another version than its contents require (CMS).")
MORE_DIGESTS = Sentence("The signature lists digest algorithms that it does not use (CMS).")
NOT_SIGNED = Sentence("The signature carries unsigned attributes that are not known here ({oid}).")
SEVERAL = Sentence("The signature has several signers ({count}), where a PDF's has one (ISO 32000-2, 12.8.3.3.1).")
_IN_BER = Sentence("The signature is encoded in BER, not in DER.")
_LOWER_VERSION = Sentence("The signature gives a lower version than its contents call for (CMS).")
_ATTRIBUTE_CERTIFICATES = Sentence(
    "The signature carries attribute certificates, which say more about its signer; they were not judged."
)
_OTHER_CERTIFICATES = Sentence(
    "The signature carries certificates of another kind than X.509; they were not used."
)
_TWICE = Sentence("The signature carries the same certificate twice.")
_OTHER_REVOCATION = Sentence(
    "The signature carries revocation data of a kind that is not known here; it was not used."
)
_RECORD = Sentence(
    "The signature carries an evidence record (RFC 4998), which was not judged; what it proves does not count."
)
_LEFT_ASIDE = Sentence("The signature carries unsigned attributes that were not judged ({oid}).")
_CERTIFICATE = _LIST = der.SEQUENCE
_EXTENDED, _ATTRIBUTE_V1, _ATTRIBUTE_V2, _OTHER_CERTIFICATE = 0xA0, 0xA1, 0xA2, 0xA3
_OTHER_LIST = 0xA1
_MOST_SIGNERS = 16


class UnreadableMessage(Exception):
    """The message is not what it should be; ``reason`` says what is wrong."""

    def __init__(self, template: str, **values: Any) -> None:
        self.reason = Sentence(template, values)
        super().__init__(str(self.reason))

    @property
    def verdict(self) -> Verdict:
        """FORMAT_FAILURE: it cannot be processed (EN 319 102-1, 5.2.2)."""
        return failed(SubIndication.FORMAT_FAILURE, self.reason)


class UnknownAlgorithm(UnreadableMessage):
    """The message is whole, and made with an algorithm that this verifier does not know."""

    @property
    def verdict(self) -> Verdict:
        """Nobody can say more without the algorithm, so nothing has failed."""
        return undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, self.reason)


def _damaged() -> UnreadableMessage:
    return UnreadableMessage("The signature's structure is damaged (CMS).")


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A signed message with one of its signers. Names as in RFC 5652; certificates, CRLs, OCSP responses and
    attribute values in DER.

    ``covered`` is what the signature is over: the signed attributes; None where there are none, and it is over the
    content itself (RFC 5652, 5.4). ``defects`` are departures from the strict form, and what was left
    aside, that change no meaning; ``unsigned_defects`` those of them that lie outside the signature, where anybody
    could have made them. ``further`` are the same message's other signers.
    """

    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    responses: tuple[bytes, ...]
    signer_identifier: bytes
    digest_name: str
    covered: bytes | None
    signed: Mapping[str, tuple[bytes, ...]]
    signature_algorithm: tuple[bytes, ...]
    signature: bytes
    unsigned: Mapping[str, tuple[bytes, ...]]
    defects: tuple[Sentence, ...]
    further: tuple[SignedMessage, ...] = ()

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
    try:
        return _read(encoded, ())
    except AuthorityError as error:
        rewritten = _rewritten(encoded)
        if rewritten == encoded:
            raise _damaged() from error
    return _read_rewritten(rewritten)


def _read_rewritten(encoded: bytes) -> SignedMessage:
    try:
        return _read(encoded, (_IN_BER,))
    except AuthorityError as error:
        raise _damaged() from error


def _rewritten(encoded: bytes) -> bytes:
    try:
        return to_der(encoded)
    except NotBer as error:
        raise _damaged() from error


def message_in(contents: bytes) -> SignedMessage:
    """The signed message.

    Raises :class:`UnreadableMessage`, also when the unused room is not zero: nothing signs those bytes.
    """
    in_ber = contents.startswith(INDEFINITE_SEQUENCE)
    try:
        message, length = leading_element(contents) if in_ber else (b"", length_of(contents))
    except NotBer as error:
        raise _damaged() from error
    if any(contents[length:]):
        raise UnreadableMessage(
            "The room after the signature is not empty: something was hidden or changed there."
        )
    return _read_rewritten(message) if in_ber else read_message(contents[:length])


def _read(encoded: bytes, defects: tuple[Sentence, ...]) -> SignedMessage:
    info = _strictly(der.ContentInfo, encoded)
    if info.content_type.dotted_string != SIGNED_DATA:
        raise UnreadableMessage("The signature is not a SignedData message (CMS).")
    signed_data = _strictly(der.LooseSignedData, der.raw(info.content))
    encoded_signers = _members_of_set(signed_data.signer_infos)
    if not 0 < len(encoded_signers) <= _MOST_SIGNERS:
        raise UnreadableMessage("The signature must have one signer; it has {count}.", count=len(encoded_signers))
    signers = [_strictly(der.LooseSignerInfo, each) for each in encoded_signers]
    bag = _Bag.of(signed_data)
    defects += bag.remarks
    if len(signers) > 1:
        defects += (replace(SEVERAL, values={"count": len(signers)}),)
    first, *further = (_signed_by(signer, signed_data, bag, defects) for signer in signers)
    return replace(first, further=tuple(further))


@dataclass(frozen=True, slots=True)
class _Bag:
    """What the message carries beside its signers. ``due`` is the version that RFC 5652, 5.1, asks of SignedData
    for it."""

    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    responses: tuple[bytes, ...]
    remarks: tuple[Sentence, ...]
    due: int

    @classmethod
    def of(cls, signed_data: der.LooseSignedData) -> _Bag:
        carried, lists = _raw(signed_data.certificates), _raw(signed_data.crls)
        tags = {each[0] for each in carried}
        if not tags <= {_CERTIFICATE, _EXTENDED, _ATTRIBUTE_V1, _ATTRIBUTE_V2, _OTHER_CERTIFICATE}:
            raise UnreadableMessage("The signature carries something else than certificates in their place.")
        certificates = tuple(each for each in carried if each[0] == _CERTIFICATE)
        others = [each for each in lists if each[0] != _LIST]
        if any(each[0] != _OTHER_LIST for each in others):
            raise _damaged()
        responses = tuple(filter(None, map(_response, others)))
        found = (
            (_ATTRIBUTE_CERTIFICATES, tags & {_ATTRIBUTE_V1, _ATTRIBUTE_V2}),
            (_OTHER_CERTIFICATES, tags & {_EXTENDED, _OTHER_CERTIFICATE}),
            (_TWICE, len(set(certificates)) < len(certificates)),
            (_OTHER_REVOCATION, len(responses) < len(others)),
        )
        crls = tuple(each for each in lists if each[0] == _LIST)
        due = 5 if _OTHER_CERTIFICATE in tags or others else 4 if _ATTRIBUTE_V2 in tags else 3
        plain = not others and tags <= {_CERTIFICATE, _EXTENDED}
        remarks = tuple(sentence for sentence, holds in found if holds)
        return cls(certificates, crls, responses, remarks, 1 if plain else due)


def _response(other: bytes) -> bytes | None:
    """The OCSP response in a RevocationInfoChoice of another kind (RFC 5940, 2.1); None for any other one."""
    try:
        kind, value = der.members(der.element(der.SEQUENCE, der.contents(other)))
    except (AuthorityError, ValueError):
        return None
    return value if kind == der.oid(_OCSP_RESPONSE) else None


def _signed_by(
    signer: der.LooseSignerInfo, signed_data: der.LooseSignedData, bag: _Bag, defects: tuple[Sentence, ...]
) -> SignedMessage:
    content_type = signed_data.encap_content_info.e_content_type.dotted_string
    digest_name, more_digests = _digest(signed_data, signer)
    versions = _versions(signed_data.version, signer, bag, content_type=content_type)
    _check_attributes(signer)
    unsigned = _attributes(signer.unsigned_attrs or ())
    covered = None if signer.signed_attrs is None else b"".join(_raw(signer.signed_attrs))
    return SignedMessage(
        content_type=content_type,
        content=signed_data.encap_content_info.e_content,
        certificates=tuple(dict.fromkeys(bag.certificates)),
        crls=bag.crls,
        responses=bag.responses,
        signer_identifier=der.raw(signer.sid),
        digest_name=digest_name,
        covered=None if covered is None else der.header(der.SET, len(covered)) + covered,
        signed=_attributes(signer.signed_attrs or ()),
        signature_algorithm=_raw(signer.signature_algorithm),
        signature=signer.signature,
        unsigned=unsigned,
        defects=(*defects, *more_digests, *versions, *_left_aside(unsigned)),
    )


def _digest(signed_data: der.LooseSignedData, signer: der.LooseSignerInfo) -> tuple[str, tuple[Sentence, ...]]:
    """RFC 5652, 5.1: the signer's digest algorithm is among those listed; the list itself nobody signs."""
    algorithm = _raw(signer.digest_algorithm)
    name = digest_of(algorithm)
    members = [tuple(der.members(each)) for each in _members_of_set(signed_data.digest_algorithms)]
    if name is None:
        if algorithm in members:
            raise UnknownAlgorithm("The signature's digest algorithm is not known here.")
        raise UnreadableMessage("The signature's digest algorithm is not known.")
    listed = [digest_of(each) for each in members]
    if name not in listed or (None in listed and len(_members_of_set(signed_data.signer_infos)) == 1):
        raise UnreadableMessage("The digest algorithms that the signature lists are not those that it uses.")
    return name, () if len(listed) == 1 else (MORE_DIGESTS,)


def _versions(version: int, signer: der.LooseSignerInfo, bag: _Bag, *, content_type: str) -> tuple[Sentence, ...]:
    """RFC 5652, 5.1 and 5.3. For plain data a lower version than is due is common, and misleads nobody. Any other
    one changes no meaning either; but nothing signs the version, so whoever judges the message asks for something
    else that covers it."""
    by_key_identifier = der.raw(signer.sid)[0] != der.SEQUENCE
    if signer.version not in ((1, 3) if by_key_identifier else (1,)):
        raise UnreadableMessage("The signer's version does not fit its identifier (CMS).")
    due = max(bag.due, 3 if by_key_identifier or content_type != DATA else 1)
    if version != due and version not in (1, 3, 4):
        raise UnreadableMessage("The signature's version is not known (CMS).")
    common = version <= due and content_type == DATA
    lower = (common and version < due) or (by_key_identifier and signer.version == 1)
    other = version != due and not common
    return (*((_LOWER_VERSION,) if lower else ()), *((OTHER_VERSION,) if other else ()))


def _check_attributes(signer: der.LooseSignerInfo) -> None:
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


def _left_aside(unsigned: Mapping[str, tuple[bytes, ...]]) -> list[Sentence]:
    found = [_RECORD] if _EVIDENCE_RECORDS.intersection(unsigned) else []
    others = sorted(unsigned.keys() - {SIGNATURE_TIMESTAMP} - _EVIDENCE_RECORDS)
    for template, names in (
        (_LEFT_ASIDE, [each for each in others if each in _NOT_JUDGED]),
        (NOT_SIGNED, [each for each in others if each not in _NOT_JUDGED]),
    ):
        found += [replace(template, values={"oid": ", ".join(names)})] if names else []
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


def _members_of_set(found: der.TLV) -> list[bytes]:
    """The members of a SET OF, in whatever order."""
    encoded = der.raw(found)
    if encoded[0] != der.SET:
        raise _damaged()
    return der.members(bytes((der.SEQUENCE,)) + encoded[1:])


def _raw(parts: Iterable[der.TLV] | None) -> tuple[bytes, ...]:
    return tuple(der.raw(part) for part in parts or ())
