"""Reading a token (RFC 3161, 2.4.2): what it says, and that it says so under a time-stamping certificate."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from hsm import cms, der
from hsm.errors import CertificateRefused, Malformed
from hsm.timestamp import imprints
from hsm.timestamp.model import TimestampInfo

E = TypeVar("E", bound=x509.ExtensionType)


def parse_token(token: bytes) -> TimestampInfo:
    """What a DER token says, nothing verified. Raises :class:`Malformed`."""
    message = cms.parse(token)
    return info_of(message, signer=cms.signer_certificate(message))


def verify_token(
    token: bytes,
    *,
    digest: bytes | None = None,
    data: bytes | None = None,
    nonce: int | None = None,
    certificate: x509.Certificate | None = None,
) -> TimestampInfo:
    """What *token* says, if it is good; trust in its certificate is the caller's question.

    1. the signature and its bindings hold (see :mod:`hsm.cms.verify`);
    2. the token is about *digest*, or about *data*, when given;
    3. it has the *nonce*, when one was sent: a missing nonce fails like a wrong one;
    4. its certificate may sign timestamps, and was valid at the time that the token gives.

    *certificate* is the signer's when the token came without. Raises :class:`Malformed`,
    :class:`hsm.cms.SignatureRefused` or :class:`CertificateRefused`.
    """
    message = cms.parse(token)
    signer = cms.verify(message, candidates=() if certificate is None else (certificate,))
    info = info_of(message, signer=signer)
    if data is not None:
        digest = _hash(info.hash_name, data)
    if digest is not None and digest != info.digest:
        raise cms.SignatureRefused("The timestamp is about other data: the digests differ.")
    if nonce is not None and nonce != info.nonce:
        raise cms.SignatureRefused("The timestamp does not answer this request: its nonce is missing or differs.")
    require_timestamping(signer)
    if not signer.not_valid_before_utc <= info.gen_time <= signer.not_valid_after_utc:
        raise CertificateRefused("The timestamp was made outside the validity of its certificate.")
    return info


def local_token(message: cms.CmsMessage) -> bytes | None:
    """Of the timestamps over a signature of ours, the one by our own authority: its certificate has the issuer of
    the signer's. An authority outside may have added another, and a SET has no order that anybody chose. Else the
    first one; None without any."""
    signer = cms.signer_certificate(message)
    tokens = message.timestamps()
    for token in tokens:
        stamper = parse_token(token).signer
        if signer is not None and stamper is not None and stamper.issuer == signer.issuer:
            return token
    return tokens[0] if tokens else None


def info_of(message: cms.CmsMessage, *, signer: x509.Certificate | None) -> TimestampInfo:
    """The statement inside a parsed token. Raises :class:`Malformed` unless it is a version 1 TSTInfo in DER."""
    if message.content_type != cms.TST_INFO or message.content is None:
        raise Malformed("This signed message is not a timestamp token.")
    stated = der.decode(der.TSTInfo, message.content)
    if stated.version != 1:
        raise Malformed("Only version 1 of the timestamp is known.")
    imprint = imprints.parse_imprint(der.raw(stated.message_imprint))
    return TimestampInfo(
        policy=stated.policy.dotted_string,
        hash_name=imprint.hash_name,
        digest=imprint.digest,
        serial=stated.serial_number,
        gen_time=stated.gen_time.as_datetime(),
        accuracy=_accuracy(stated.accuracy),
        ordering=stated.ordering,
        nonce=stated.nonce,
        tsa=der.raw(stated.tsa[0]) if stated.tsa else None,
        certificates=message.certificates,
        signer=signer,
    )


def require_timestamping(certificate: x509.Certificate) -> None:
    """Raises :class:`CertificateRefused` unless *certificate* is for timestamps alone (RFC 3161, 2.3)."""
    usage = _extension(certificate, x509.ExtendedKeyUsage)
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise CertificateRefused(
            "A timestamp certificate must have timeStamping as its only extended key usage, critical."
        )
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.value.ca:
        raise CertificateRefused("A timestamp certificate must not be a certification authority's.")


def _extension(certificate: x509.Certificate, kind: type[E]) -> x509.Extension[E] | None:
    try:
        return certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return None
    except ValueError as error:
        raise CertificateRefused("The certificate's extensions cannot be read.") from error


def _accuracy(accuracy: der.Accuracy | None) -> timedelta | None:
    if accuracy is None:
        return None
    try:
        return timedelta(
            seconds=accuracy.seconds or 0, milliseconds=accuracy.millis or 0, microseconds=accuracy.micros or 0
        )
    except OverflowError as error:
        raise Malformed("The timestamp's accuracy is out of all range.") from error


def _hash(name: str, data: bytes) -> bytes:
    try:
        return hashlib.new(name, data).digest()
    except ValueError as error:
        raise Malformed("This system cannot compute {name}.", name=name) from error
