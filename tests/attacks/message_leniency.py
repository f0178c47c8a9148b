"""Attacks that use what is tolerated: each leniency of :mod:`tests.attacks.field_messages`, for something else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from asn1crypto import cms, core
from cryptography import x509
from cryptography.x509 import ocsp

from hsm import der
from tests.attacks.field_messages import (
    CERTIFICATE_VALUES,
    LATE_TSA,
    RECORD,
    SHA512,
    SHAKE256,
    UNBELIEVED,
    Parts,
    by_edwards,
    by_key_identifier,
    carrying,
    dated_by,
    edited,
    ignored,
    naming,
    numbered,
    ocsp_in_message,
    record,
    shake,
    shake256,
    unsigned,
    with_lists,
)
from tests.attacks.recipes import Attributes, Recipe, attribute, timestamped
from tests.attacks.registry import (
    CRYPTO,
    FORMAT,
    HASH,
    LATER,
    NO_CHAIN,
    NO_SIGNER,
    OUT_OF_BOUNDS,
    REVOKED,
    UNEXPLAINED,
    UNREADABLE,
    WEAK,
    Attempt,
    Words,
    attack,
    register,
)
from tests.attacks.revocation import revoking
from tests.attacks.timestamps import DATA, IGNORED, token
from tests.attacks.victims import GOOD
from tests.attacks.writing import signed_by_hand
from tests.verification.authorities import NOW, START, Identity, Profile, authority, issue, key_of, revocation_list
from tests.verification.reencoding import as_ber

_FAMILY = "leniency in messages"
_ROOM = 20000
Make = Callable[[bytes], bytes]


def _note(name: str, make: Make, *expected: Words, **how: object) -> None:
    says = str(how.pop("says", ""))
    register(_FAMILY, name, lambda: signed_by_hand(make, room=_ROOM, **how), *expected, says=says)


# altered copies of what counts, wherever they stand in the bag


def _flipped(encoded: bytes, place: int) -> bytes:
    return encoded[:place] + bytes((encoded[place] ^ 1,)) + encoded[place + 1 :]


def _other_signature(identity: Identity) -> bytes:
    tbs, algorithm, value = der.members(identity.der)
    return der.element(der.SEQUENCE, tbs, algorithm, value[:-4] + bytes(4))


def _other_contents(identity: Identity) -> bytes:
    _, algorithm, value = der.members(identity.der)
    return der.element(der.SEQUENCE, der.members(GOOD.other.der)[0], algorithm, value)


_FORGER = Identity(authority("Issuing CA", key=key_of("Forger")).certificate, key_of("Forger"))
_SAME_NUMBER = numbered(
    GOOD.signer.certificate.serial_number, issue(Profile("王冒名", key=key_of("Forger")), GOOD.issuing), _FORGER
)
_PARTS = 9  # the first and the last byte are among them
_ALTERED = {
    "its signature changed": _other_signature(GOOD.signer),
    "its contents changed": _other_contents(GOOD.signer),
    "its contents cut": GOOD.signer.der[:4] + b"\x30\x00" + GOOD.signer.der[6:],
    "another one of its issuer and number": _SAME_NUMBER.der,
    "the authority's, its signature changed": _other_signature(GOOD.issuing),
    "the authority's, its contents changed": _other_contents(GOOD.issuing),
    **{
        f"a byte flipped in part {part}, {name}": _flipped(each.der, 4 + part * (len(each.der) - 5) // _PARTS)
        for name, each in (("the signer's", GOOD.signer), ("the authority's", GOOD.issuing))
        for part in range(_PARTS + 1)
    },
}
for _name, _copy in _ALTERED.items():
    for _first in (False, True):
        _where = "before it" if _first else "after it"
        _note(f"a copy of a certificate, {_name}, {_where}", carrying(_copy, first=_first), FORMAT)


def _only_in(tag: int, version: int) -> Make:
    """The signer's certificate where no certificate is looked for."""
    hidden = bytes((tag,)) + GOOD.signer.der[1:]

    def edit(parts: Parts) -> Parts:
        return [der.integer(version), *parts[1:3], der.element(0xA0, GOOD.issuing.der, hidden), *parts[4:]]

    return edited(edit)


def _unreadable_signer(parts: Parts) -> Parts:
    return [*parts[:3], der.element(0xA0, _flipped(GOOD.signer.der, 4), GOOD.issuing.der), *parts[4:]]


_note("the signer's certificate called an attribute certificate", _only_in(0xA2, 4), NO_SIGNER)
_note("the signer's certificate called one of another kind", _only_in(0xA3, 5), NO_SIGNER)
_note("the signer's certificate unreadable", edited(_unreadable_signer), FORMAT)
_note("something else among the certificates", carrying(b"\x04\x02\x30\x00"), FORMAT)
_note("a set among the certificates", carrying(b"\x31" + GOOD.issuing.der[1:]), FORMAT)


# lists


_SAYING = revoking()
_NUMBER = _SAYING.index(der.integer(GOOD.signer.certificate.serial_number))
for _place, _name in ((_NUMBER + 6, "a number in it"), (len(_SAYING) - 6, "its signature")):
    _note(f"a list of the authority, {_name} changed", with_lists(_flipped(_SAYING, _place)), FORMAT, says="list")
_note(
    "revoked by a list beside one in the authority's name", with_lists(revocation_list(_FORGER), _SAYING), REVOKED
)
_REVOKED_BY_RESPONSE = ocsp_in_message(ocsp.OCSPCertStatus.REVOKED)
_note("revoked by a response among the lists", with_lists(_REVOKED_BY_RESPONSE, version=5), REVOKED)
_note("revoked by a list beside one that nobody reads", with_lists(b"\x30\x00", revoking()), REVOKED)
_note("a list that is none", with_lists(b"\x04\x00"), FORMAT)


# serial numbers

_ZEROS = [numbered(0, each, GOOD.issuing) for each in (GOOD.signer, GOOD.other)]


@attack(_FAMILY, "revoked under the serial number 0", REVOKED)
def revoked_zero() -> Attempt:
    crl = revocation_list(GOOD.issuing, revoked=((GOOD.other, NOW),))
    assert crl
    return Attempt(signed_by_hand(Recipe(signer=_ZEROS[0])), crls=(_revoking_number(0),))


@attack(_FAMILY, "revoked under a negative serial number", REVOKED)
def revoked_negative() -> Attempt:
    signer = numbered(-5, GOOD.signer, GOOD.issuing)
    return Attempt(signed_by_hand(Recipe(signer=signer)), crls=(_revoking_number(-5),))


def _revoking_number(serial: int) -> bytes:
    from asn1crypto import crl as asn1_crl  # noqa: PLC0415  # a list that `cryptography` does not build

    from tests.attacks.recipes import sign  # noqa: PLC0415

    made = asn1_crl.CertificateList.load(revoking())
    made["tbs_cert_list"]["revoked_certificates"][0]["user_certificate"] = serial
    made["signature"] = sign(GOOD.issuing.key, made["tbs_cert_list"].dump(force=True))
    return bytes(made.dump(force=True))


_note(
    "two certificates of the serial number 0",
    Recipe(signer=_ZEROS[0], chain=(GOOD.issuing, _ZEROS[1])), FORMAT, says="damaged",
)  # fmt: skip


# key identifiers and versions


def _named_by(identity: Identity) -> Callable[[cms.SignedData], None]:
    def finish(signed: cms.SignedData) -> None:
        identifier = identity.certificate.extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier
        ).value.digest
        signed["signer_infos"][0]["sid"] = cms.SignerIdentifier("subject_key_identifier", identifier)

    return finish


def _with_version(version: str, finish: Callable[[cms.SignedData], None]) -> Callable[[cms.SignedData], None]:
    def both(signed: cms.SignedData) -> None:
        finish(signed)
        signed["signer_infos"][0]["version"] = version

    return both


def _unreferenced(listed: Attributes) -> Attributes:
    return [each for each in listed if each["type"].native != "signing_certificate_v2"]


_BOTH = (GOOD.other, GOOD.issuing)
_note("by the key identifier of another", Recipe(chain=_BOTH, finish=_named_by(GOOD.other)), FORMAT)
_note(
    "by the key identifier of another, without a reference",
    Recipe(chain=_BOTH, finish=_named_by(GOOD.other), attributes=_unreferenced), CRYPTO,
    subfilter=b"/adbe.pkcs7.detached",
)  # fmt: skip
_note("by a key identifier, of version 0", Recipe(finish=_with_version("v0", by_key_identifier)), FORMAT)
_note("by a key identifier, of version 4", Recipe(finish=_with_version("v4", by_key_identifier)), FORMAT)
_note("by a key identifier, altered", Recipe(finish=by_key_identifier, value=lambda data: bytes(70)), CRYPTO)


# several signers


def _and_a_stranger(one: cms.SignerInfo) -> list[cms.SignerInfo]:
    return [one, _stranger()]


def _stranger() -> cms.SignerInfo:
    made = Recipe(signer=issue(Profile("Stranger"), authority("Other Root")))(b"other content")
    return cms.ContentInfo.load(made)["content"]["signer_infos"][0]


def _and_another(one: cms.SignerInfo) -> list[cms.SignerInfo]:
    """A second signer who is as good, over the same content."""
    digest = next(each for each in one["signed_attrs"] if each["type"].native == "message_digest")["values"][0]

    def same(listed: Attributes) -> Attributes:
        others = [each for each in listed if each["type"].native != "message_digest"]
        return [*others, attribute("message_digest", [core.OctetString(digest.native)])]

    made = Recipe(signer=GOOD.other, attributes=same)(b"")
    return [cms.ContentInfo.load(made)["content"]["signer_infos"][0], one]


_note(
    "a second signer who signed something else", Recipe(signers=_and_a_stranger), HASH, says="several signers (2)"
)
_note("two good signers", Recipe(signers=_and_another, chain=_BOTH), UNEXPLAINED, says="several signers (2)")
_note("seventeen signers", Recipe(signers=lambda one: [one.copy() for _ in range(17)]), FORMAT)


# evidence records and unsigned attributes prove and excuse nothing

_DEAD = issue(Profile("expired", days=30), GOOD.issuing)
_note("expired, with an evidence record", Recipe(signer=_DEAD, unsigned=unsigned(RECORD, record())), OUT_OF_BOUNDS)
_note(
    "an evidence record, and the digest of other content",
    Recipe(
        unsigned=unsigned(RECORD, record()),
        attributes=lambda listed: [
            *(each for each in listed if each["type"].native != "message_digest"),
            attribute("message_digest", [core.OctetString(hashlib.sha256(b"other").digest())]),
        ],
    ),
    HASH,
)
_note(
    "an unknown attribute beside a known one",
    Recipe(unsigned=lambda _: [attribute(CERTIFICATE_VALUES, [core.Null()]), attribute("1.2.3.4", [core.Null()])]),
    UNREADABLE,
    WEAK,
)


def _with_policy(signed: cms.SignedData) -> None:
    info = signed["signer_infos"][0]
    info["signed_attrs"] = cms.CMSAttributes(
        [*info["signed_attrs"], attribute("1.2.840.113549.1.9.16.2.15", [core.Null()])]
    )


_note("a policy that was not signed", Recipe(finish=_with_policy), CRYPTO, FORMAT)


# the signer's certificate named by a hash for which anybody makes a second certificate

_note("the certificate named by MD5", Recipe(attributes=naming("md5")), WEAK, says="MD5")
_note(
    "the certificate named by MD5, adbe.pkcs7.detached", Recipe(attributes=naming("md5")), WEAK,
    subfilter=b"/adbe.pkcs7.detached",
)  # fmt: skip
register(
    _FAMILY, "a token that names its certificate by MD5, alone",
    lambda: Attempt(token(DATA, attributes=naming("md5", GOOD.tsa)), data=DATA), WEAK,
)  # fmt: skip

# timestamps that prove nothing save nobody

_SHORT = issue(Profile("short-lived", start=START, days=152), GOOD.issuing)
for _name, _tsa in UNBELIEVED.items():
    register(
        _FAMILY, f"an expired signer, dated by a timestamp {_name}",
        lambda tsa=_tsa: Attempt(dated_by(tsa, _SHORT), at=LATER + timedelta(days=30)), OUT_OF_BOUNDS,
    )  # fmt: skip
    register(
        _FAMILY, f"revoked later, dated by a timestamp {_name}",
        lambda tsa=_tsa: Attempt(dated_by(tsa), crls=(revoking(when=NOW + timedelta(hours=1)),)), REVOKED,
    )  # fmt: skip
    register(
        _FAMILY, f"alone, a timestamp {_name}",
        lambda tsa=_tsa: Attempt(token(DATA, tsa=tsa), data=DATA), OUT_OF_BOUNDS, NO_CHAIN,
    )  # fmt: skip
    register(
        _FAMILY, f"a document timestamp {_name}",
        lambda tsa=_tsa: signed_by_hand(
            partial(token, tsa=tsa), subfilter=b"/ETSI.RFC3161", kind=b"/DocTimeStamp", room=_ROOM
        ),
        OUT_OF_BOUNDS, NO_CHAIN,
    )  # fmt: skip


for _name, (_, _lists) in IGNORED.items():
    register(
        _FAMILY, f"an expired signer, dated by a timestamp {_name}",
        lambda name=_name, lists=_lists: Attempt(
            ignored(name, _SHORT), at=LATER + timedelta(days=30), crls=lists
        ),
        OUT_OF_BOUNDS,
    )  # fmt: skip
    register(
        _FAMILY, f"revoked later, dated by a timestamp {_name}",
        lambda name=_name, lists=_lists: Attempt(
            ignored(name), crls=(*lists, revoking(when=NOW + timedelta(hours=1)))
        ),
        REVOKED,
    )  # fmt: skip


def _bad_token(value: bytes) -> Attributes:
    return [*timestamped(token)(value), *timestamped(lambda _: token(b"other", tsa=LATE_TSA))(value)]


_note("a good token, and one of other data by who is not believed", Recipe(unsigned=_bad_token), UNEXPLAINED)


# the older kind, over a SHA-1 of the document (ISO 32000-1, 12.8.3.3.1): its kind is not judged, changes fail


def _over_sha1(data: bytes) -> bytes:
    content = hashlib.sha1(data).digest()  # noqa: S324 - what that kind is
    return Recipe(content=content)(content)


_OLDER = b"/adbe.pkcs7.sha1"
_note("over a SHA-1 of the document", _over_sha1, UNREADABLE, says="adbe.pkcs7.sha1", subfilter=_OLDER)
_note("over a SHA-1 of another document", lambda _: _over_sha1(b"other"), HASH, subfilter=_OLDER)


# BER

_note("BER: of other content", lambda _: as_ber(Recipe()(b"other content")), HASH)
_note("BER: the value changed", lambda data: as_ber(Recipe(value=lambda _: bytes(70))(data), segment=9), CRYPTO)
_note("BER: something after it", lambda data: as_ber(Recipe()(data)) + b"\0\0\x30\x00", FORMAT)
_note(
    "BER: a copy of a certificate changed",
    lambda data: as_ber(carrying(_ALTERED["its signature changed"])(data)),
    FORMAT,
)


# Edwards curves: one digest each (RFC 8419, 3)


def _sha(name: str) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.new(name, data).digest()


def _identifier(dotted: str, parameters: bytes = b"") -> bytes:
    return der.element(der.SEQUENCE, der.oid(dotted), parameters)


_SHA256, _SHA384 = _identifier("2.16.840.1.101.3.4.2.1"), _identifier("2.16.840.1.101.3.4.2.2")
_PAIRS: dict[str, Callable[[], bytes]] = {
    "Ed448 with SHA-512": lambda: by_edwards("ed448", SHA512, _sha("sha512")),
    "Ed448 with SHA-256": lambda: by_edwards("ed448", _SHA256, _sha("sha256")),
    "Ed448 with SHA3-512": lambda: by_edwards("ed448", _identifier("2.16.840.1.101.3.4.2.10"), _sha("sha3_512")),
    "Ed25519 with SHA-256": lambda: by_edwards("ed25519", _SHA256, _sha("sha256")),
    "Ed25519 with SHA-384": lambda: by_edwards("ed25519", _SHA384, _sha("sha384")),
    "Ed25519 with SHAKE256": lambda: by_edwards("ed25519", SHAKE256, shake(64)),
    "Ed448 called Ed25519": lambda: by_edwards("ed448", SHA512, _sha("sha512"), named="ed25519"),
    "Ed25519 called Ed448": lambda: by_edwards("ed25519", SHAKE256, shake(64), named="ed448"),
    "Ed448 with parameters": lambda: by_edwards("ed448", SHAKE256, shake(64), parameters=der.NULL),
    "Ed448 of other content": lambda: by_edwards("ed448", SHAKE256, lambda _: shake(64)(b"other")),
    "Ed448 with SHAKE256 of 32 octets": lambda: by_edwards("ed448", SHAKE256, shake(32)),
    "Ed448 with SHAKE256, 256 bits": lambda: by_edwards("ed448", shake256(256), shake(32)),
    "Ed448 with SHAKE256, 512 bits said and 256 made": lambda: by_edwards("ed448", shake256(512), shake(32)),
    "Ed448 with SHAKE128": lambda: by_edwards(
        "ed448", _identifier("2.16.840.1.101.3.4.2.11"), lambda data: hashlib.shake_128(data).digest(64)
    ),
}
_UNKNOWN_DIGEST = (UNREADABLE[0], WEAK[1])
for _name, _build in _PAIRS.items():
    register(_FAMILY, _name, _build, CRYPTO, HASH, _UNKNOWN_DIGEST)
