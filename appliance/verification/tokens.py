"""Who made a signed message over the given content (RFC 5652, 5.4 and 5.6; RFC 5035, 5), and timestamp tokens (RFC
3161, RFC 5816): what one says, and whether it is to be believed.

1. the message digest attribute is the digest of the content;
2. the content type attribute is the content's;
3. the signer's certificate is the one that the signed ESSCertID names, and the signer identifier agrees;
4. the signature over the signed attributes is by that certificate's key.

Trust in the certificate is asked elsewhere (:mod:`appliance.verification.paths`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asn1crypto import tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.language import instants
from appliance.verification import algorithms
from appliance.verification.material import defect_of_carried
from appliance.verification.messages import SignedMessage, UnreadableMessage, read_message
from appliance.verification.model import PASSED, Indication, SubIndication, Verdict, failed, undecided
from appliance.verification.paths import CertificateFinding, CertificateJudge, KeyPurpose, ValidationTimes
from appliance.verification.trust import issuer_and_serial, read_certificate, shown_name
from hsm import der
from hsm.cms import TST_INFO
from hsm.cms.signed_data import CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2
from hsm.errors import AuthorityError, Sentence

DigestOf = Callable[[str], bytes]
"""``digest_of(hash_name)``: the hash of what the token should be about."""

_SKEW = timedelta(seconds=5)
_UNNAMED = undecided(
    SubIndication.SIG_CONSTRAINTS_FAILURE,
    "The timestamp does not name its certificate under its signature (RFC 3161, 2.4.1).",
)


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
    """A judged token. ``digest`` is its SHA-256 in hex, where it is a signature's."""

    verdict: Verdict
    statement: TimestampStatement | None = None
    finding: CertificateFinding | None = None
    signer: str | None = None
    algorithms: str | None = None
    digest: str = ""

    @property
    def proves(self) -> datetime | None:
        """The time that it proves, None unless it passed."""
        passed = self.verdict.indication is Indication.PASSED
        return self.statement.gen_time if self.statement and passed else None


def statement_of(message: SignedMessage) -> TimestampStatement:
    """What a token says. Raises UnreadableMessage unless it is a token."""
    if message.content_type != TST_INFO or message.content is None:
        raise UnreadableMessage("This signed message is not a timestamp token.")
    try:
        stated = tsp.TSTInfo.load(message.content, strict=True)
        if stated["version"].native != "v1":
            raise UnreadableMessage("The timestamp is of a version that is not known.")
        if any(extension["critical"].native for extension in stated["extensions"] or ()):
            raise UnreadableMessage("The timestamp has a critical extension that is not understood.")
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
        raise UnreadableMessage("The timestamp's content is damaged.") from error


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
        return ExaminedToken(failed(SubIndication.FORMAT_FAILURE, error.reason))
    digest = hashlib.new(message.digest_name, message.content or b"", usedforsecurity=False).digest()
    try:
        signer = identify_signer(message, digest, judge.finder.known)
    except NotSigned as error:
        return ExaminedToken(error.verdict, statement)
    except UnreadableMessage as error:
        return ExaminedToken(failed(SubIndication.FORMAT_FAILURE, error.reason), statement)
    finding = judge.judge_certificate(signer.certificate, KeyPurpose.TIMESTAMP, moments)
    verdict = (
        _about_other_data(statement, digest_of)
        or _altered(message, finding, judge)
        or of_another_form(message, moments.proven)
        or (None if signer.named else _UNNAMED)
        or _of_the_future(statement, moments)
        or _outside_validity(statement, signer.certificate)
        or (None if finding.verdict == PASSED else finding.verdict)
        or _weak(statement, signer.scheme.hash_name or "", signer.certificate)
        or PASSED
    )
    return ExaminedToken(verdict, statement, finding, shown_name(signer.certificate), signer.scheme.label)


def _known_hash(name: str) -> str | None:
    name = "sm3" if name == "1.2.156.10197.1.401" else name
    return name if name in algorithms.HASHES else None


def _about_other_data(statement: TimestampStatement, digest_of: DigestOf | None) -> Verdict | None:
    if digest_of is None:
        return None
    try:
        expected = digest_of(statement.hash_name or "")
    except ValueError:
        return undecided(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The timestamp uses a hash that is not known here."
        )
    if expected == statement.digest:
        return None
    return failed(SubIndication.HASH_FAILURE, "The timestamp is about other data: the digests differ.")


def _altered(message: SignedMessage, finding: CertificateFinding, judge: CertificateJudge) -> Verdict | None:
    """What nothing signs: the carried certificates and lists; and there is no reason for unsigned attributes."""
    reason = defect_of_carried(message, finding.path, judge.finder)
    if reason is None and message.unsigned:
        reason = Sentence("The timestamp carries unsigned attributes, which nobody answers for.")
    return None if reason is None else failed(SubIndication.FORMAT_FAILURE, reason)


def of_another_form(message: SignedMessage, proven: datetime | None) -> Verdict | None:
    """What lies outside the signature and does not fit may have been altered or added, unless a later document
    timestamp (*proven*) covers it."""
    if not message.unsigned_defects or proven is not None:
        return None
    return Verdict(Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE, message.unsigned_defects)


def _of_the_future(statement: TimestampStatement, moments: ValidationTimes) -> Verdict | None:
    if statement.gen_time <= moments.at + _SKEW:
        return None
    return undecided(
        SubIndication.NO_POE,
        "At the moment asked for, this timestamp did not exist yet: it says {time}.",
        time=shown_time(statement.gen_time),
    )


def _outside_validity(statement: TimestampStatement, certificate: x509.Certificate) -> Verdict | None:
    """The token's own time must lie in its certificate's validity, whatever the control time is."""
    name = shown_name(certificate)
    if statement.gen_time < certificate.not_valid_before_utc:
        return failed(
            SubIndication.NOT_YET_VALID, "The timestamp is older than its certificate of {name}.", name=name
        )
    if statement.gen_time > certificate.not_valid_after_utc:
        return failed(
            SubIndication.EXPIRED, "The timestamp was made after its certificate of {name} expired.", name=name
        )
    return None


def _weak(statement: TimestampStatement, hash_name: str, certificate: x509.Certificate) -> Verdict | None:
    reason = algorithms.weakness(hash_name, certificate) or algorithms.weak_hash(statement.hash_name)
    return undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, reason) if reason else None


def shown_time(moment: datetime) -> str:
    """To the second, in UTC, and saying so."""
    return instants.second(moment, "UTC")


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

    *known* are certificates beside those that the message carries. Raises :class:`NotSigned` or UnreadableMessage.
    """
    _check_content(message, digest)
    carried = filter(None, map(read_certificate, message.certificates))
    certificate, named = _certificate(message, [*carried, *known])
    try:
        algorithms.check_signature(
            certificate,
            message.signature,
            message.covered,
            parts=message.signature_algorithm,
            digest_name=message.digest_name,
        )
    except InvalidSignature as error:
        raise _not_signed(
            SubIndication.SIG_CRYPTO_FAILURE, "The signature does not verify with the signer's key."
        ) from error
    except algorithms.NotVerifiable as error:
        raise _not_signed(
            SubIndication.SIG_CRYPTO_FAILURE,
            "The signature's algorithm is not known, or does not fit the signer's key.",
        ) from error
    return IdentifiedSigner(
        certificate, algorithms.scheme_of(message.signature_algorithm, message.digest_name), named
    )


def _check_content(message: SignedMessage, digest: bytes) -> None:
    stated = message.only(MESSAGE_DIGEST)
    if stated is None or message.only(CONTENT_TYPE) != der.oid(message.content_type):
        raise _not_signed(
            SubIndication.FORMAT_FAILURE, "The signed attributes lack the content's digest or its type."
        )
    if stated != der.element(der.OCTET_STRING, digest):
        raise _not_signed(SubIndication.HASH_FAILURE, "The content is not what was signed: its digest differs.")


def _certificate(message: SignedMessage, candidates: Sequence[x509.Certificate]) -> tuple[x509.Certificate, bool]:
    named = _named(message)
    for certificate in candidates:
        if named and not _matches(certificate, named):
            continue
        if _identifies(message.signer_identifier, certificate):
            return certificate, bool(named)
        if named:
            raise _not_signed(
                SubIndication.FORMAT_FAILURE, "The signature names two different certificates as its signer's."
            )
    if not message.certificates:
        raise NotSigned(
            undecided(
                SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
                "The signer's certificate is not in the file; give it to verify the signature.",
            )
        )
    raise _not_signed(SubIndication.FORMAT_FAILURE, "The certificate in the signature is not the one that signed.")


def _named(message: SignedMessage) -> list[tuple[str, bytes]]:
    """Hash names and values of the signer's certificate that the signature itself protects (may be none)."""
    found = []
    try:
        if (version_2 := message.only(SIGNING_CERTIFICATE_V2)) is not None:
            found.append(_version_2(_first(version_2)))
        if (version_1 := message.only(SIGNING_CERTIFICATE)) is not None:
            found.append(("sha1", der.decode(bytes, _first(version_1)[0])))
    except (AuthorityError, IndexError) as error:
        raise UnreadableMessage("The signed reference to the signer's certificate cannot be read.") from error
    return found


def _first(signing_certificate: bytes) -> list[bytes]:
    identifiers = der.members(der.members(signing_certificate)[0])
    return der.members(identifiers[0])


def _version_2(parts: list[bytes]) -> tuple[str, bytes]:
    if parts[0][0] == der.OCTET_STRING:
        return "sha256", der.decode(bytes, parts[0])
    name = algorithms.digest_of(tuple(der.members(parts[0])))
    if name is None:
        raise UnreadableMessage("The signed reference to the signer's certificate uses an unknown hash.")
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


def _not_signed(subindication: SubIndication, sentence: str) -> NotSigned:
    return NotSigned(failed(subindication, sentence))
