"""Who made a signed message, and that it was made over the given content (RFC 5652, 5.4 and 5.6; RFC 5035, 5).

1. the message digest attribute is the digest of the content;
2. the content type attribute is the content's;
3. the signer's certificate is the one that the signed ESSCertID names, and the signer identifier agrees;
4. the signature over the signed attributes is by that certificate's key.

Trust in the certificate is asked elsewhere (:mod:`appliance.verification.certificate_judge`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.verification import algorithms
from appliance.verification.certificates import issuer_and_serial, parsed
from appliance.verification.messages import CONTENT_TYPE, MESSAGE_DIGEST, SignedMessage, UnreadableMessage
from appliance.verification.model import Indication, Reason, SubIndication, Verdict
from hsm import der
from hsm.cms.signed_data import SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2
from hsm.errors import AuthorityError


@dataclass(frozen=True, slots=True)
class IdentifiedSigner:
    """A verified signer: the certificate and the scheme of the signature; ``named`` when ESSCertID names it."""

    certificate: x509.Certificate
    scheme: algorithms.SignatureScheme
    named: bool


class NotSigned(Exception):
    """The message is not a valid signature over the content; ``verdict`` says which step failed."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.indication)
        self.verdict = verdict


def identify_signer(message: SignedMessage, digest: bytes, known: Iterable[x509.Certificate]) -> IdentifiedSigner:
    """The signer of *message* over content with *digest* (by the message's digest algorithm).

    *known* are certificates beside those that the message carries. Raises :class:`NotSigned` or Unreadable.
    """
    _check_content(message, digest)
    certificate, named = _certificate(message, [*_carried(message), *known])
    try:
        algorithms.check_signature(
            certificate,
            message.signature,
            message.covered,
            parts=message.signature_algorithm,
            digest_name=message.digest_name,
        )
    except InvalidSignature as error:
        raise _failed(
            SubIndication.SIG_CRYPTO_FAILURE, "The signature does not verify with the signer's key."
        ) from error
    except algorithms.NotVerifiable as error:
        reason = Reason("The signature's algorithm is not known, or does not fit the signer's key.")
        raise NotSigned(Verdict(Indication.FAILED, SubIndication.SIG_CRYPTO_FAILURE, (reason,))) from error
    return IdentifiedSigner(
        certificate, algorithms.scheme_of(message.signature_algorithm, message.digest_name), named
    )


def _check_content(message: SignedMessage, digest: bytes) -> None:
    stated = message.only(MESSAGE_DIGEST)
    if stated is None or message.only(CONTENT_TYPE) != der.oid(message.content_type):
        raise _failed(SubIndication.FORMAT_FAILURE, "The signed attributes lack the content's digest or its type.")
    if stated != der.element(der.OCTET_STRING, digest):
        raise _failed(SubIndication.HASH_FAILURE, "The content is not what was signed: its digest differs.")


def _carried(message: SignedMessage) -> list[x509.Certificate]:
    return [certificate for each in message.certificates if (certificate := parsed(each)) is not None]


def _certificate(message: SignedMessage, candidates: Sequence[x509.Certificate]) -> tuple[x509.Certificate, bool]:
    named = _named(message)
    for certificate in candidates:
        if named and not _matches(certificate, named):
            continue
        if _identifies(message.signer_identifier, certificate):
            return certificate, bool(named)
        if named:
            raise _failed(
                SubIndication.FORMAT_FAILURE, "The signature names two different certificates as its signer's."
            )
    if not message.certificates:
        reason = Reason("The signer's certificate is not in the file; give it to verify the signature.")
        raise NotSigned(Verdict(Indication.INDETERMINATE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, (reason,)))
    raise _failed(SubIndication.FORMAT_FAILURE, "The certificate in the signature is not the one that signed.")


def _named(message: SignedMessage) -> list[tuple[str, bytes]]:
    """Hash names and values of the signer's certificate that the signature itself protects (may be none)."""
    found = []
    try:
        if (version_2 := message.only(SIGNING_CERTIFICATE_V2)) is not None:
            found.append(_version_2(_first(version_2)))
        if (version_1 := message.only(SIGNING_CERTIFICATE)) is not None:
            found.append(("sha1", der.decode(bytes, _first(version_1)[0])))
    except (AuthorityError, IndexError) as error:
        raise UnreadableMessage(
            Reason("The signed reference to the signer's certificate cannot be read.")
        ) from error
    return found


def _first(signing_certificate: bytes) -> list[bytes]:
    identifiers = der.members(der.members(signing_certificate)[0])
    return der.members(identifiers[0])


def _version_2(parts: list[bytes]) -> tuple[str, bytes]:
    if parts[0][0] == der.OCTET_STRING:
        return "sha256", der.decode(bytes, parts[0])
    name = algorithms.digest_of(tuple(der.members(parts[0])))
    if name is None:
        raise UnreadableMessage(Reason("The signed reference to the signer's certificate uses an unknown hash."))
    return name, der.decode(bytes, parts[1])


def _matches(certificate: x509.Certificate, named: Iterable[tuple[str, bytes]]) -> bool:
    encoded = certificate.public_bytes(Encoding.DER)
    return all(hashlib.new(name, encoded, usedforsecurity=False).digest() == value for name, value in named)


def _identifies(identifier: bytes, certificate: x509.Certificate) -> bool:
    if identifier[0] == der.SEQUENCE:
        return identifier == issuer_and_serial(certificate)
    try:
        key = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return False
    return identifier == der.element(0x80, key)


def _failed(subindication: SubIndication, sentence: str) -> NotSigned:
    return NotSigned(Verdict(Indication.FAILED, subindication, (Reason(sentence),)))
