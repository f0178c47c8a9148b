"""Signed messages (CMS) that say more, less, or twice what they should."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509

from hsm import der
from tests.attacks.field_messages import edwards
from tests.attacks.good import by_openssl
from tests.attacks.recipes import Attributes, Recipe, attribute, signing_certificate
from tests.attacks.registry import CRYPTO, FORMAT, HASH, UNEXPLAINED, UNREADABLE, WEAK, register
from tests.attacks.victims import GOOD
from tests.attacks.writing import HEAD, signed_by_hand

_FAMILY = "messages"


def _note(name: str, recipe: Callable[[bytes], bytes], *expected: Any, **how: Any) -> None:
    says = how.pop("says", "")
    register(_FAMILY, name, lambda: signed_by_hand(recipe, **how), *expected, says=says)


# several signers, or none


def _twice(one: cms.SignerInfo) -> list[cms.SignerInfo]:
    return [one, one.copy()]


def _and_a_bad_one(one: cms.SignerInfo) -> list[cms.SignerInfo]:
    other = cms.SignerInfo.load(one.dump())
    other["signature"] = bytes(70)
    return [one, other]


def _bad_one_first(one: cms.SignerInfo) -> list[cms.SignerInfo]:
    return list(reversed(_and_a_bad_one(one)))


_note("no signer", Recipe(signers=lambda one: []), FORMAT, says="one signer")
_note("the same signer twice", Recipe(signers=_twice), UNEXPLAINED, says="several signers (2)")
_note("a second signer whose value is wrong", Recipe(signers=_and_a_bad_one), CRYPTO, says="several signers (2)")
_note("the first signer's value is wrong", Recipe(signers=_bad_one_first), CRYPTO, says="several signers (2)")


# signed attributes


def _without(name: str) -> Callable[[Attributes], Attributes]:
    return lambda listed: [each for each in listed if each["type"].native != name]


def _repeated(name: str) -> Callable[[Attributes], Attributes]:
    return lambda listed: [*listed, *(each for each in listed if each["type"].native == name)]


def _with(*more: cms.CMSAttribute) -> Callable[[Attributes], Attributes]:
    return lambda listed: [*listed, *more]


def _other_digest(listed: Attributes) -> Attributes:
    digest = attribute("message_digest", [core.OctetString(hashlib.sha256(b"other").digest())])
    return [*_without("message_digest")(listed), digest]


def _second_digest(listed: Attributes) -> Attributes:
    digest = attribute("message_digest", [core.OctetString(hashlib.sha256(b"other").digest())])
    return [*listed, digest]


def _two_values(listed: Attributes) -> Attributes:
    own = next(each for each in listed if each["type"].native == "message_digest")["values"][0].native
    values = [core.OctetString(own), core.OctetString(hashlib.sha256(b"other").digest())]
    return [*_without("message_digest")(listed), attribute("message_digest", values)]


def _no_value(listed: Attributes) -> Attributes:
    return [*_without("message_digest")(listed), attribute("message_digest", [])]


def _other_type(listed: Attributes) -> Attributes:
    return [*_without("content_type")(listed), attribute("content_type", [cms.ContentType("digested_data")])]


def _old_reference(listed: Attributes) -> Attributes:
    """Only version 1, by SHA-1, which names no issuer."""
    identifier = tsp.ESSCertID({"cert_hash": hashlib.sha1(GOOD.other.der).digest()})  # noqa: S324
    old = attribute("signing_certificate", [tsp.SigningCertificate({"certs": [identifier]})])
    return [*listed, old]


def _empty_reference(listed: Attributes) -> Attributes:
    empty = attribute("signing_certificate_v2", [tsp.SigningCertificateV2({"certs": []})])
    return [*_without("signing_certificate_v2")(listed), empty]


_ATTRIBUTES: dict[str, tuple[Callable[[Attributes], Attributes], tuple[Any, ...]]] = {
    "no attributes at all": (lambda listed: [], (FORMAT,)),
    "no digest": (_without("message_digest"), (FORMAT,)),
    "no content type": (_without("content_type"), (FORMAT,)),
    "no reference to the certificate, though PAdES": (_without("signing_certificate_v2"), (UNEXPLAINED, FORMAT)),
    "digest of other content": (_other_digest, (HASH,)),
    "digest repeated": (_repeated("message_digest"), (FORMAT,)),
    "content type repeated": (_repeated("content_type"), (FORMAT,)),
    "reference repeated": (_repeated("signing_certificate_v2"), (FORMAT,)),
    "a second digest, of other content": (_second_digest, (FORMAT,)),
    "a digest of two values": (_two_values, (FORMAT,)),
    "a digest of no value": (_no_value, (FORMAT,)),
    "another content type": (_other_type, (FORMAT,)),
    "an old reference to somebody else": (_old_reference, (FORMAT,)),
    "a reference to nobody": (_empty_reference, (FORMAT,)),
    "references to two": (_with(signing_certificate(GOOD.other)), (FORMAT,)),
}
for _name, (_edit, _words) in _ATTRIBUTES.items():
    _note(f"attributes: {_name}", Recipe(attributes=_edit), *_words)
_note(
    "attributes: in another order than DER's",
    Recipe(sort=False, attributes=lambda each: each[::-1]),
    FORMAT,
    CRYPTO,
)


# no signed attributes: the signature is over the document itself (RFC 5652, 5.4)

_OLD = b"/adbe.pkcs7.detached"


def _direct(covered: bytes) -> bytes:
    return by_openssl(covered, "-noattr")


def _of_other_digest(signed: cms.SignedData) -> None:
    """By what the message says, the digest is another one than the signature's."""
    signed["digest_algorithms"] = [algos.DigestAlgorithm({"algorithm": "sha384"})]
    signed["signer_infos"][0]["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": "sha384"})


def _stripped(signed: cms.SignedData) -> None:
    del signed["signer_infos"][0]["signed_attrs"]


def _edited(covered: bytes, edit: Callable[[cms.SignedData], None]) -> bytes:
    message = cms.ContentInfo.load(_direct(covered))
    edit(message["content"])
    return bytes(message.dump(force=True))


def _direct_by_edwards(covered: bytes) -> bytes:
    """Over the content itself (RFC 8419, 3), of which the verifier has the digest alone."""
    signer = edwards("ed25519")
    certificate = asn1_x509.Certificate.load(signer.der)

    def edit(signed: cms.SignedData) -> None:
        signed["certificates"].append(cms.CertificateChoices("certificate", certificate))
        signed["digest_algorithms"] = [algos.DigestAlgorithm({"algorithm": "sha512"})]
        info = signed["signer_infos"][0]
        named = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        info["sid"] = cms.SignerIdentifier("issuer_and_serial_number", cms.IssuerAndSerialNumber(named))
        info["digest_algorithm"] = algos.DigestAlgorithm({"algorithm": "sha512"})
        info["signature_algorithm"] = algos.SignedDigestAlgorithm({"algorithm": "ed25519"})
        info["signature"] = signer.key.sign(covered)  # type: ignore[call-arg]  # no hash is chosen

    return _edited(covered, edit)


def as_attributes() -> bytes:
    """What is signed begins as a set of attributes does: a signature over attributes would be one over this."""
    begun = b"1\n%PDF-1.7\n%\xe2\xe3\n"
    assert len(begun) == len(HEAD)
    return signed_by_hand(_direct, subfilter=_OLD, begun=begun)


for _name, _make, _words in (
    ("of another document", lambda covered: _direct(covered + b"%"), CRYPTO),
    ("by another digest than is said", lambda covered: _edited(covered, _of_other_digest), CRYPTO),
    ("taken away", Recipe(finish=_stripped), CRYPTO),
    ("by SHA-1", lambda covered: by_openssl(covered, "-noattr", "-md", "sha1"), WEAK),
    ("by an Edwards key", _direct_by_edwards, WEAK),
):
    _note(f"no attributes: {_name}", _make, _words, subfilter=_OLD)
_note("no attributes, though PAdES", _direct, UNEXPLAINED)
register(_FAMILY, "no attributes: a document like attributes", as_attributes, FORMAT)


def _not_as_signed(listed: Attributes) -> Attributes:
    return [*listed, attribute("1.2.3.4", [core.Null()])]


def _attributes_swapped(signed: cms.SignedData) -> None:
    """What was signed is other than what is written."""
    info = signed["signer_infos"][0]
    info["signed_attrs"] = cms.CMSAttributes(_not_as_signed(list(info["signed_attrs"])))


_note("attributes: one added afterwards", Recipe(finish=_attributes_swapped), CRYPTO, FORMAT)


# what nothing signs


def _unsigned(*listed: cms.CMSAttribute) -> Callable[[bytes], Attributes]:
    return lambda value: list(listed)


def _in_signed_data(field: str, value: Any) -> Callable[[cms.SignedData], None]:
    def finish(signed: cms.SignedData) -> None:
        signed[field] = value

    return finish


def _in_signer(field: str, value: Any) -> Callable[[cms.SignedData], None]:
    def finish(signed: cms.SignedData) -> None:
        signed["signer_infos"][0][field] = value

    return finish


_MD5 = algos.DigestAlgorithm({"algorithm": "md5"})
_SHA256 = algos.DigestAlgorithm({"algorithm": "sha256"})
_SHA512 = algos.DigestAlgorithm({"algorithm": "sha512"})
_NOTHING_SIGNS: dict[str, tuple[Recipe, tuple[Any, ...]]] = {
    "content inside a detached signature": (Recipe(content=b"other content"), (FORMAT,)),
    "an unsigned attribute that nobody knows": (
        Recipe(unsigned=_unsigned(attribute("1.2.3.4", [core.Null()]))), (UNREADABLE,)
    ),
    "a signed attribute, unsigned": (
        Recipe(unsigned=_unsigned(signing_certificate(GOOD.other))), (UNREADABLE,)
    ),
    "no unsigned attributes, in a set": (Recipe(unsigned=_unsigned()), (FORMAT,)),
    "no digest algorithm listed": (Recipe(finish=_in_signed_data("digest_algorithms", [])), (FORMAT,)),
    "another digest algorithm listed": (Recipe(finish=_in_signed_data("digest_algorithms", [_SHA512])), (FORMAT,)),
    "a further digest algorithm listed": (
        Recipe(finish=_in_signed_data("digest_algorithms", [_SHA256, _SHA512])), (UNREADABLE,)
    ),
    "the signer's digest algorithm another one": (
        Recipe(finish=_in_signer("digest_algorithm", _SHA512)), (FORMAT, HASH)
    ),
    "the signer's digest algorithm weak": (Recipe(finish=_in_signer("digest_algorithm", _MD5)), (FORMAT, HASH)),
    "version 0": (Recipe(finish=_in_signed_data("version", 0)), (FORMAT,)),
    "version 3": (Recipe(finish=_in_signed_data("version", 3)), (UNREADABLE, FORMAT)),
    "version 5": (Recipe(finish=_in_signed_data("version", 5)), (FORMAT,)),
    "signer's version 3": (Recipe(finish=_in_signer("version", 3)), (FORMAT,)),
    "of other content than data": (Recipe(content_type="digested_data"), (FORMAT, UNREADABLE)),
}  # fmt: skip
for _name, (_recipe, _words) in _NOTHING_SIGNS.items():
    _note(_name, _recipe, *_words)


# the form of the whole


def _then(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda covered: change(Recipe()(covered))


def _indefinite(message: bytes) -> bytes:
    body = der.members(message)
    return b"\x30\x80" + b"".join(body) + b"\0\0"


def _long_form(message: bytes) -> bytes:
    length = int.from_bytes(message[2:4], "big")
    return b"\x30\x83" + length.to_bytes(3, "big") + message[4:]


def _as_data(message: bytes) -> bytes:
    return bytes(cms.ContentInfo({"content_type": "data", "content": core.OctetString(message)}).dump())


def _bare(message: bytes) -> bytes:
    """The signed data without the frame that says so."""
    return bytes(cms.ContentInfo.load(message)["content"].dump())


_FORMS: dict[str, Callable[[bytes], bytes]] = {
    "bytes after it": lambda message: message + b"evil",
    "a second message after it": lambda message: message + message,
    "called data": _as_data,
    "without its frame": _bare,
    "long form of its length": _long_form,
    "cut off": lambda message: message[:-20],
    "longer than it says": lambda message: message[:2] + bytes((message[2], message[3] - 1)) + message[4:],
    "shorter than it says": lambda message: message[:2] + bytes((message[2], message[3] + 1)) + message[4:],
    "inside a set": lambda message: der.element(der.SET, message),
    "nothing": lambda message: b"",
    "text": lambda message: b"-----BEGIN PKCS7-----",
}
for _name, _form in _FORMS.items():
    _note(f"form: {_name}", _then(_form), FORMAT, CRYPTO)
for _kind in (b"/adbe.pkcs7.sha1", b"/adbe.x509.rsa_sha1", b"/ETSI.RFC3161", b"/Anything"):
    _note(f"kind: {_kind.decode()}", Recipe(), UNREADABLE, FORMAT, subfilter=_kind)
