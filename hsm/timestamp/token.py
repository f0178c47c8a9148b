"""Tokens (RFC 3161, 2.4.2; RFC 5816; ETSI EN 319 422, 5): reading one under a time-stamping certificate, and
making one, which is verified before it is given out.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from hsm import cms, der
from hsm.errors import AuthorityError, BadRequest, CertificateRefused, Malformed
from hsm.signer import CmsSigner, SignatureAlgorithm
from hsm.timestamp.model import (
    FailInfo,
    IssuedToken,
    RequestRefused,
    TimestampInfo,
    TimestampRequest,
    parse_imprint,
)

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
    imprint = parse_imprint(der.raw(stated.message_imprint))
    return TimestampInfo(
        policy=stated.policy.dotted_string,
        hash_name=imprint.hash_name,
        digest=imprint.digest,
        serial=stated.serial_number,
        gen_time=stated.gen_time.as_datetime(),
        accuracy=_as_duration(stated.accuracy),
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


def _as_duration(accuracy: der.Accuracy | None) -> timedelta | None:
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


def new_serial() -> int:
    """A serial number of 159 random bits, never 0: unique without memory, also after a restored backup."""
    return secrets.randbits(159) or 1


def require_issuing(certificate: x509.Certificate) -> None:
    """Raises :class:`CertificateRefused` unless tokens may be issued under *certificate*.

    It is for timestamps alone (RFC 3161, 2.3), not a CA's, and its key is RSA of 3072 bits or more or EC of 256 or
    more. Asked at the authority's start and of each new certificate; others' tokens are read leniently.
    """
    require_timestamping(certificate)
    if SignatureAlgorithm.from_public_key(certificate.public_key()) is SignatureAlgorithm.ED25519:
        raise CertificateRefused(
            "A timestamp certificate's key must be RSA or on a NIST curve: clients know no other."
        )


class TokenIssuer:
    """Issues tokens by one signer. Refuses a certificate that may not; encodes once what never changes."""

    def __init__(self, signer: CmsSigner, *, policies: Sequence[str], accuracy: timedelta) -> None:
        """*policies* are the OIDs that clients may ask for, the default first; 0 < *accuracy* ≤ 1 s.

        Raises :class:`CertificateRefused` or :class:`BadRequest`.
        """
        require_issuing(signer.certificate)
        if not policies:
            raise BadRequest("A timestamp authority needs at least one policy.")
        if not timedelta(0) < accuracy <= timedelta(seconds=1):
            raise BadRequest("The accuracy of timestamps must be more than 0 and at most one second.")
        certificate = signer.certificate
        self._valid = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        self._policies = {policy: der.Oid(policy) for policy in policies}
        self._openings = {policy: der.integer(1) + der.oid(policy) for policy in policies}
        self._default_policy = policies[0]
        self._accuracy = der.encode(_as_der(accuracy))
        self._finest = 1000 if accuracy >= timedelta(milliseconds=1) else 1
        self._tsa = der.element(0xA0, der.element(0xA4, certificate.subject.public_bytes()))
        self._maker = cms.MessageMaker(signer, cms.TST_INFO)

    def issue(self, order: TimestampRequest, *, gen_time: datetime, serial: int) -> IssuedToken:
        """A token for *order* at *gen_time* (aware; cut to the millisecond), under *serial* (1 to 160 bits).

        Raises :class:`RequestRefused` for a policy that is not ours, :class:`AuthorityError` when the token that
        came out does not verify; then nothing may be given out.
        """
        policy = order.policy or self._default_policy
        if policy not in self._policies:
            raise RequestRefused(
                "This authority does not issue under that policy.", fail_info=FailInfo.UNACCEPTED_POLICY
            )
        if not 0 < serial < 1 << 160:
            raise BadRequest("A timestamp's serial number has 1 to 160 bits.")
        moment = self._cut(gen_time)
        # TSTInfo; ordering is false, its default.
        statement = der.element(
            der.SEQUENCE,
            self._openings[policy],
            order.imprint,
            der.integer(serial),
            der.generalized_time(moment),
            self._accuracy,
            b"" if order.nonce is None else der.integer(order.nonce),
            self._tsa,
        )
        digest = hashlib.new(self._maker.digest_name, statement).digest()
        token = self._maker.make_message(digest, content=statement, certificates=order.certificates)
        issued = IssuedToken(serial, moment, token)
        self._require_as_ordered(order, statement, issued)
        return issued

    def _cut(self, moment: datetime) -> datetime:
        moment = moment.astimezone(UTC)
        if not self._valid[0] <= moment <= self._valid[1]:
            raise CertificateRefused("The timestamp certificate is not valid now; a new one is needed.")
        return moment.replace(microsecond=moment.microsecond // self._finest * self._finest)

    def _require_as_ordered(self, order: TimestampRequest, statement: bytes, issued: IssuedToken) -> None:
        """The signed *statement*, read back, against the order (its signature was checked when it was made)."""
        stated = der.decode(der.TSTInfo, statement)
        as_ordered = (
            stated.serial_number == issued.serial
            and stated.gen_time.as_datetime() == issued.gen_time
            and stated.nonce == order.nonce
            and stated.policy == self._policies[order.policy or self._default_policy]
            and der.raw(stated.message_imprint) == order.imprint
        )
        if not as_ordered:
            raise AuthorityError("The timestamp token does not say what was ordered; it was not given out.")


def _as_der(accuracy: timedelta) -> der.Accuracy:
    micros = accuracy // timedelta(microseconds=1)
    return der.Accuracy(
        seconds=micros // 1_000_000 or None, millis=micros // 1000 % 1000 or None, micros=micros % 1000 or None
    )
