"""Timestamp tokens (RFC 3161, RFC 5816): what one says, and whether it is to be believed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asn1crypto import tsp
from cryptography import x509

from appliance.language import instants
from appliance.verification.algorithms import hash_label, weakness
from appliance.verification.certificate_judge import CertificateFinding, CertificateJudge, ValidationTimes
from appliance.verification.certificates import shown_name
from appliance.verification.material import defect_of_carried
from appliance.verification.messages import SignedMessage, UnreadableMessage, read_message
from appliance.verification.model import PASSED, Indication, Reason, SubIndication, Verdict
from appliance.verification.paths import KeyPurpose
from appliance.verification.signers import NotSigned, identify_signer
from hsm.cms import TST_INFO

DigestOf = Callable[[str], bytes]
"""``digest_of(hash_name)``: the hash of what the token should be about."""

_SKEW = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class TimestampStatement:
    """The TSTInfo inside a token. ``hash_name`` None for a hash that is not known."""

    hash_name: str | None
    digest: bytes
    gen_time: datetime
    nonce: int | None
    serial: int
    policy: str


@dataclass(frozen=True, slots=True)
class ExaminedToken:
    """A judged token."""

    verdict: Verdict
    statement: TimestampStatement | None = None
    finding: CertificateFinding | None = None
    signer: str | None = None
    algorithms: str | None = None

    @property
    def proves(self) -> datetime | None:
        """The time that it proves, None unless it passed."""
        passed = self.verdict.indication is Indication.PASSED
        return self.statement.gen_time if self.statement and passed else None


def statement_of(message: SignedMessage) -> TimestampStatement:
    """What a token says. Raises Unreadable unless it is a token."""
    if message.content_type != TST_INFO or message.content is None:
        raise UnreadableMessage(Reason("This signed message is not a timestamp token."))
    try:
        stated = tsp.TSTInfo.load(message.content, strict=True)
        if stated["version"].native != "v1":
            raise UnreadableMessage(Reason("The timestamp is of a version that is not known."))
        if any(extension["critical"].native for extension in stated["extensions"] or ()):
            raise UnreadableMessage(Reason("The timestamp has a critical extension that is not understood."))
        imprint = stated["message_imprint"]
        return TimestampStatement(
            hash_name=_known_hash(imprint["hash_algorithm"]["algorithm"].native),
            digest=imprint["hashed_message"].native,
            gen_time=stated["gen_time"].native.astimezone(UTC),
            nonce=stated["nonce"].native,
            serial=stated["serial_number"].native,
            policy=stated["policy"].native,
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise UnreadableMessage(Reason("The timestamp's content is damaged.")) from error


def examine_token(
    token: SignedMessage | bytes, digest_of: DigestOf | None, judge: CertificateJudge, moments: ValidationTimes
) -> ExaminedToken:
    """Judge a token about what *digest_of* gives (None: about anything, the caller then says so).

    1. the signature and its bindings hold; 2. it is about the data; 3. it is not of the future; 4. its authority
    is trusted for timestamps at the control time, or was when a later proof dates this token; 5. what it carries
    is whole.
    """
    try:
        message = token if isinstance(token, SignedMessage) else read_message(token)
        statement = statement_of(message)
    except UnreadableMessage as error:
        return ExaminedToken(_failed(SubIndication.FORMAT_FAILURE, error.reason))
    digest = hashlib.new(message.digest_name, message.content or b"", usedforsecurity=False).digest()
    try:
        signer = identify_signer(message, digest, judge.finder.known)
    except NotSigned as error:
        return ExaminedToken(error.verdict, statement)
    except UnreadableMessage as error:
        return ExaminedToken(_failed(SubIndication.FORMAT_FAILURE, error.reason), statement)
    finding = judge.judge_certificate(signer.certificate, KeyPurpose.TIMESTAMP, moments)
    verdict = (
        _about_other_data(statement, digest_of)
        or _altered(message, finding, judge)
        or _of_another_form(message, moments)
        or _unnamed(named=signer.named)
        or _of_the_future(statement, moments)
        or _outside_validity(statement, signer.certificate)
        or (None if finding.verdict == PASSED else finding.verdict)
        or _weak(statement, signer.scheme.hash_name or "", signer.certificate)
        or PASSED
    )
    return ExaminedToken(verdict, statement, finding, shown_name(signer.certificate), signer.scheme.label)


def _known_hash(name: str) -> str | None:
    known = {"sha3_256", "sha3_384", "sha3_512", "md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sm3"}
    name = "sm3" if name == "1.2.156.10197.1.401" else name
    return name if name in known else None


def _about_other_data(statement: TimestampStatement, digest_of: DigestOf | None) -> Verdict | None:
    if digest_of is None:
        return None
    try:
        expected = digest_of(statement.hash_name or "")
    except ValueError:
        reason = Reason("The timestamp uses a hash that is not known here.")
        return Verdict(Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, (reason,))
    if expected == statement.digest:
        return None
    return _failed(SubIndication.HASH_FAILURE, Reason("The timestamp is about other data: the digests differ."))


def _altered(message: SignedMessage, finding: CertificateFinding, judge: CertificateJudge) -> Verdict | None:
    """What nothing signs: the carried certificates and lists; and there is no reason for unsigned attributes."""
    reason = defect_of_carried(message, finding.path, judge.finder)
    if reason is None and message.unsigned:
        reason = Reason("The timestamp carries unsigned attributes, which nobody answers for.")
    return None if reason is None else _failed(SubIndication.FORMAT_FAILURE, reason)


def _of_another_form(message: SignedMessage, moments: ValidationTimes) -> Verdict | None:
    """What lies outside the signature and does not fit, unless a later document timestamp covers it."""
    if not message.unsigned_defects or moments.proven is not None:
        return None
    return Verdict(Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE, message.unsigned_defects)


def _unnamed(*, named: bool) -> Verdict | None:
    if named:
        return None
    reason = Reason("The timestamp does not name its certificate under its signature (RFC 3161, 2.4.1).")
    return Verdict(Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE, (reason,))


def _of_the_future(statement: TimestampStatement, moments: ValidationTimes) -> Verdict | None:
    if statement.gen_time <= moments.at + _SKEW:
        return None
    values = {"time": shown_time(statement.gen_time)}
    reason = Reason("At the moment asked for, this timestamp did not exist yet: it says {time}.", values)
    return Verdict(Indication.INDETERMINATE, SubIndication.NO_POE, (reason,))


def _outside_validity(statement: TimestampStatement, certificate: x509.Certificate) -> Verdict | None:
    """The token's own time must lie in its certificate's validity, whatever the control time is."""
    values = {"name": shown_name(certificate)}
    if statement.gen_time < certificate.not_valid_before_utc:
        reason = Reason("The timestamp is older than its certificate of {name}.", values)
        return _failed(SubIndication.NOT_YET_VALID, reason)
    if statement.gen_time > certificate.not_valid_after_utc:
        return _failed(
            SubIndication.EXPIRED,
            Reason("The timestamp was made after its certificate of {name} expired.", values),
        )
    return None


def _weak(statement: TimestampStatement, hash_name: str, certificate: x509.Certificate) -> Verdict | None:
    reason = weakness(hash_name, certificate)
    if reason is None and statement.hash_name in ("md5", "sha1"):
        reason = Reason(
            "{algorithm} no longer protects a signature.", {"algorithm": hash_label(statement.hash_name)}
        )
    if reason is None:
        return None
    return Verdict(Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, (reason,))


def shown_time(moment: datetime) -> str:
    """To the second, in UTC, and saying so."""
    return instants.second(moment, "UTC")


def _failed(subindication: SubIndication, reason: Reason) -> Verdict:
    return Verdict(Indication.FAILED, subindication, (reason,))
