"""Making signed messages: SignedData with one signer and the attributes of CAdES and PAdES baseline B-B.

What does not change from one message to the next is encoded once for a signer (:class:`MessageTemplate`), because
timestamps are made by the thousand. Nothing is given out unverified. The first message of a template is read and
verified whole. Those that follow have the same bytes except in three places, and these are verified each time: the
digest is the content's, and the signature over the attributes around the digest is the signer's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hsm import der
from hsm.cms.signed_data import (
    ACTIVATION,
    ALGORITHM_PROTECTION,
    CONTENT_TYPE,
    DATA,
    DIGEST_OIDS,
    MESSAGE_DIGEST,
    MIME_TYPE,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    SignatureRefused,
    algorithm_protection,
    identifier_of,
    parse,
)
from hsm.cms.verify import verify, verify_signature
from hsm.errors import BadRequest, Malformed
from hsm.signer import CmsSigner, SignatureAlgorithm


def _refused() -> SignatureRefused:
    return SignatureRefused("The message that was just signed does not hold together; it was not given out.")


_SIGNATURE_ALGORITHMS = {
    SignatureAlgorithm.ECDSA_SHA256: der.element(der.SEQUENCE, der.oid("1.2.840.10045.4.3.2")),
    SignatureAlgorithm.ECDSA_SHA384: der.element(der.SEQUENCE, der.oid("1.2.840.10045.4.3.3")),
    SignatureAlgorithm.RSA_SHA256: der.element(der.SEQUENCE, der.oid("1.2.840.113549.1.1.11"), der.NULL),
    SignatureAlgorithm.ED25519: der.element(der.SEQUENCE, der.oid("1.3.101.112")),
}


_MOST_TEMPLATES = 256
"""Templates that a maker keeps; the client's nonce decides the length of a timestamp."""


class MessageMaker:
    """Makes signed messages of one content type for one signer. Not thread-safe, like its signer."""

    def __init__(self, signer: CmsSigner, content_type: str, further: Sequence[bytes] = ()) -> None:
        """*further* are DER signed attributes that each message has."""
        self._signer = signer
        # RFC 8419, 3.1: with Ed25519 and signed attributes the digest is SHA-512.
        self.digest_name = signer.algorithm.hash_name or "sha512"
        digest_algorithm = der.element(der.SEQUENCE, der.oid(DIGEST_OIDS[self.digest_name]))
        algorithm = _SIGNATURE_ALGORITHMS[signer.algorithm]
        self._constant_attributes = (
            _attribute(CONTENT_TYPE, der.oid(content_type)),
            _attribute(SIGNING_CERTIFICATE_V2, _signing_certificate(signer.certificate)),
            _attribute(ALGORITHM_PROTECTION, algorithm_protection(digest_algorithm, algorithm)),
            *further,
        )
        self._usual_attributes = self._attributes(())
        # RFC 5652, 5.1: version 3 when the content is not plain data.
        self._before_content = der.integer(1 if content_type == DATA else 3) + der.set_of(digest_algorithm)
        self._content_type = der.oid(content_type)
        self._bag = _bag(signer.certificate, signer.chain)
        self._before_attributes = der.integer(1) + identifier_of(signer.certificate) + digest_algorithm
        self._algorithm = algorithm
        self._algorithm_parts = der.members(algorithm)
        self._templates: dict[tuple[int | None, int, bool], MessageTemplate] = {}
        self._key = signer.certificate.public_key()

    def make_message(
        self,
        digest: bytes,
        *,
        content: bytes | None = None,
        attributes: Sequence[bytes] = (),
        certificates: bool = True,
    ) -> bytes:
        """The DER ContentInfo over *digest* (of the content), with the *content* inside or, when None, detached.

        *attributes* are further DER signed attributes; *certificates* says whether the bag is sent. The result
        is verified: raises :class:`SignatureRefused` when it does not hold, and then nothing may be given out.
        """
        signed = self._attributes(attributes) if attributes else self._usual_attributes
        signature = self._signer.sign(signed.covered(digest))
        shape = (None if content is None else len(content), len(signature), certificates)
        kept = None if attributes else self._templates.get(shape)
        fitting = kept or self._template(signed, digest, signature, content=content, certificates=certificates)
        message = fitting.fill(content=content or b"", digest=digest, signature=signature)
        if kept is not None:
            self._verify_filled(message, kept, digest=digest)
        else:
            self._verify_whole(message, content=content, digest=digest)
            if not attributes:
                self._keep(shape, fitting)
        return message

    def _verify_whole(self, message: bytes, *, content: bytes | None, digest: bytes) -> None:
        """Reads all of *message*, which must have this *content* (None: detached) and *digest*."""
        try:
            read = parse(message)
        except Malformed as error:
            raise _refused() from error
        if read.content != content:
            raise _refused()
        verify(read, digest=digest if content is None else None, candidates=[self._signer.certificate])

    def _verify_filled(self, message: bytes, template: MessageTemplate, *, digest: bytes) -> None:
        """Verifies what was filled into the *template*, whose other bytes have passed :meth:`_verify_whole`."""
        held = message[template.digest] == digest and (
            template.content is None or hashlib.new(self.digest_name, message[template.content]).digest() == digest
        )
        if not held:
            raise _refused()
        verify_signature(
            self._key,
            self._algorithm_parts,
            digest_name=self.digest_name,
            data=template.covered(message),
            signature=message[template.signature],
        )

    def _attributes(self, further: Sequence[bytes]) -> SignedAttributes:
        """The signed attributes in DER's order, which is the same whatever the digest is."""
        size = hashlib.new(self.digest_name).digest_size
        message_digest = _attribute(MESSAGE_DIGEST, der.element(der.OCTET_STRING, bytes(size)))
        ordered = sorted((*self._constant_attributes, message_digest, *further))
        place = ordered.index(message_digest)
        before = b"".join((*ordered[:place], message_digest[:-size]))
        return SignedAttributes(before, b"".join(ordered[place + 1 :]))

    def _template(
        self,
        signed: SignedAttributes,
        digest: bytes,
        signature: bytes,
        *,
        content: bytes | None,
        certificates: bool,
    ) -> MessageTemplate:
        """The template of a message with these parts: the message, and where they are in it, from its end."""
        end = self._algorithm + der.element(der.OCTET_STRING, signature)
        attributes = b"\xa0" + signed.covered(digest)[1:]
        signer = der.element(der.SET, der.element(der.SEQUENCE, self._before_attributes, attributes, end))
        after_content = (self._bag if certificates else b"") + signer
        inside = b"" if content is None else der.element(0xA0, der.element(der.OCTET_STRING, content))
        typed = der.element(der.SEQUENCE, self._content_type, inside)
        data = der.element(der.SEQUENCE, self._before_content, typed, after_content)
        message = der.element(der.SEQUENCE, der.oid(SIGNED_DATA), der.element(0xA0, data))
        size = len(message)
        contents = _ending_at(size - len(after_content), content or b"")
        digests = _ending_at(size - len(end) - len(signed.after), digest)
        signatures = _ending_at(size, signature)
        return MessageTemplate(
            head=message[: contents.start],
            middle=message[contents.stop : digests.start],
            tail=message[digests.stop : signatures.start],
            content=None if content is None else contents,
            attributes=_ending_at(size - len(end), attributes),
            digest=digests,
            signature=signatures,
        )

    def _keep(self, shape: tuple[int | None, int, bool], fitting: MessageTemplate) -> None:
        if len(self._templates) >= _MOST_TEMPLATES:
            self._templates.clear()
        self._templates[shape] = fitting


def sign_detached(
    signer: CmsSigner,
    *,
    content: bytes | None = None,
    digest: bytes | None = None,
    signing_time: datetime | None = None,
) -> bytes:
    """A detached CMS (DER) by *signer* over *content*, or over the *digest* that the caller took of it.

    Give one of the two; the digest is the signer's own kind (SHA-256 for P-256 and RSA). PAdES keeps the time out
    of the attributes (ETSI EN 319 142-1, 6.3); CAdES may state *signing_time*.
    """
    maker = MessageMaker(signer, DATA)
    if (content is None) == (digest is None):
        raise BadRequest("Give either the content to sign or its digest.")
    if digest is None:
        digest = hashlib.new(maker.digest_name, content or b"").digest()
    if len(digest) != hashlib.new(maker.digest_name).digest_size:
        raise BadRequest("This key signs {name} digests; the digest has another length.", name=maker.digest_name)
    attributes = [] if signing_time is None else [_attribute(SIGNING_TIME, _utc_time(signing_time))]
    return maker.make_message(digest, attributes=attributes)


def media_type_attribute(media_type: str) -> bytes:
    """The signed attribute (DER) that says of which type the content is (ETSI EN 319 122-1, 5.2.4.2)."""
    return _attribute(MIME_TYPE, der.element(der.UTF8_STRING, media_type.encode()))


def activated_by(strength: str) -> bytes:
    """The signed attribute (DER) that a signature was activated in the way *strength*."""
    return _attribute(ACTIVATION, der.encode(strength))


def _attribute(name: str, value: bytes) -> bytes:
    return der.element(der.SEQUENCE, der.oid(name), der.element(der.SET, value))


def _bag(certificate: x509.Certificate, chain: Sequence[x509.Certificate]) -> bytes:
    """The certificates field, without the root: who trusts it has it, who does not gains nothing from it."""
    sent = [certificate, *(issuer for issuer in chain if issuer.issuer != issuer.subject)]
    return der.set_of(*(each.public_bytes(Encoding.DER) for each in sent), tag=0xA0)


def _signing_certificate(certificate: x509.Certificate) -> bytes:
    """SigningCertificateV2 (RFC 5035, 3) with one ESSCertIDv2; its hash is the default SHA-256, so not named."""
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    ess_cert_id = der.element(der.SEQUENCE, der.element(der.OCTET_STRING, digest))
    return der.element(der.SEQUENCE, der.element(der.SEQUENCE, ess_cert_id))


def _utc_time(moment: datetime) -> bytes:
    return der.element(0x17, moment.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


@dataclass(frozen=True, slots=True)
class SignedAttributes:
    """The signed attributes, without their header, before and after the digest in the message digest attribute."""

    before: bytes
    after: bytes

    def covered(self, digest: bytes) -> bytes:
        """The DER SET OF that is signed (RFC 5652, 5.4)."""
        return der.element(der.SET, self.before, digest, self.after)


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """A message without its content, digest and signature, with the positions of these and of the signed
    attributes.

    ``content`` is None where the message is detached.
    """

    head: bytes
    middle: bytes
    tail: bytes
    content: slice | None
    attributes: slice
    digest: slice
    signature: slice

    def fill(self, *, content: bytes, digest: bytes, signature: bytes) -> bytes:
        """The whole message (DER ContentInfo)."""
        return b"".join((self.head, content, self.middle, digest, self.tail, signature))

    def covered(self, message: bytes) -> bytes:
        """What the signature in *message* is over: the attributes with the SET OF tag instead of [0]."""
        return b"\x31" + message[self.attributes][1:]


def _ending_at(end: int, part: bytes) -> slice:
    return slice(end - len(part), end)
