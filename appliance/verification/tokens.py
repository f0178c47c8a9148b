"""Who made a signed message over the given content (RFC 5652, 5.4 and 5.6; RFC 5035, 5), and timestamp tokens (RFC
3161, RFC 5816): what one says, and whether it is to be believed.

1. the message digest attribute is the digest of the content;
2. the content type attribute is the content's;
3. the signer's certificate is the one that the signed ESSCertID names, and the signer identifier agrees;
4. the signature over the signed attributes is by that certificate's key.

Trust in the certificate is asked elsewhere (:mod:`appliance.verification.paths`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from asn1crypto import tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.language import instants
from appliance.verification import algorithms
from appliance.verification.material import defect_of_carried, remarks_on_carried
from appliance.verification.messages import SignedMessage, UnreadableMessage, read_message
from appliance.verification.model import PASSED, Indication, SubIndication, Verdict, failed, undecided
from appliance.verification.paths import CertificateFinding, CertificateJudge, KeyPurpose, ValidationTimes
from appliance.verification.trust import extension, issuer_and_serial, read_leniently, shown_name
from hsm import der
from hsm.cms import TST_INFO, message_digest
from hsm.cms.signed_data import CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2
from hsm.errors import AuthorityError, Sentence

DigestOf = Callable[[str], bytes]
"""``digest_of(hash_name)``: the hash of what the token should be about."""

_SKEW = timedelta(seconds=5)
_Named = list[tuple[str | None, bytes]]
_UNKNOWN_REFERENCE = undecided(
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
    "The signed reference to the signer's certificate uses a hash that is not known here.",
)
_BROKEN_HASHES = frozenset({"md5"})
_WEAK_REFERENCE = Sentence(
    "The signed reference to the signer's certificate is by {algorithm}, which no longer protects it."
)
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
    """A judged token; ``remarks`` do not change its verdict. ``digest`` is its SHA-256 in hex, where it is a
    signature's."""

    verdict: Verdict
    statement: TimestampStatement | None = None
    finding: CertificateFinding | None = None
    signer: str | None = None
    algorithms: str | None = None
    remarks: tuple[Sentence, ...] = ()
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
        if message.further:
            raise UnreadableMessage("The timestamp has several signers, where it has one (RFC 3161, 2.4.2).")
    except UnreadableMessage as error:
        return ExaminedToken(error.verdict)
    digest = message_digest(message.digest_name, message.content or b"")
    try:
        signer = identify_signer(message, digest, judge.finder.known)
    except NotSigned as error:
        return ExaminedToken(error.verdict, statement)
    except UnreadableMessage as error:
        return ExaminedToken(error.verdict, statement)
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
    weak = [] if signer.weak_reference is None else [signer.weak_reference]
    remarks = (*message.defects, *weak, *remarks_on_carried(message, finding.path))
    return ExaminedToken(
        verdict, statement, finding, shown_name(signer.certificate), signer.scheme.label, tuple(remarks)
    )


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
    """What nothing signs: the carried certificates and lists."""
    reason = defect_of_carried(message, finding.path, judge.finder)
    return None if reason is None else failed(SubIndication.FORMAT_FAILURE, reason)


def of_another_form(message: SignedMessage, proven: datetime | None) -> Verdict | None:
    """What lies outside the signature and does not fit may have been altered or added, unless a later document
    timestamp (*proven*) covers it."""
    if not message.unsigned_defects or proven is not None:
        return None
    return Verdict(Indication.INDETERMINATE, SubIndication.GENERIC, message.unsigned_defects)


def _of_the_future(statement: TimestampStatement, moments: ValidationTimes) -> Verdict | None:
    if statement.gen_time <= moments.at + _SKEW:
        return None
    return undecided(
        SubIndication.NO_POE,
        "At the moment asked for, this timestamp did not exist yet: it says {time}.",
        time=shown_time(statement.gen_time),
    )


def _outside_validity(statement: TimestampStatement, certificate: x509.Certificate) -> Verdict | None:
    """The token's own time must lie in its certificate's validity, whatever the control time is. It is only what
    the token says, so it proves nothing: NOT_YET_VALID and EXPIRED take a proof (EN 319 102-1, table 6)."""
    name = shown_name(certificate)
    if statement.gen_time < certificate.not_valid_before_utc:
        return undecided(
            SubIndication.OUT_OF_BOUNDS_NO_POE,
            "The timestamp is older than its certificate of {name}, and proves nothing.",
            name=name,
        )
    if statement.gen_time > certificate.not_valid_after_utc:
        return undecided(
            SubIndication.OUT_OF_BOUNDS_NO_POE,
            "The timestamp was made after its certificate of {name} expired, and proves nothing.",
            name=name,
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
    """A verified signer: the certificate and the scheme of the signature; ``named`` when ESSCertID names it.
    ``weak_reference`` says that ESSCertIDv2 does so by a weak hash; ESSCertID itself has no other (RFC 5035, 3).
    """

    certificate: x509.Certificate
    scheme: algorithms.SignatureScheme
    named: bool
    weak_reference: Sentence | None = None


class NotSigned(Exception):
    """The message is not a valid signature over the content; ``verdict`` says which step failed."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.indication)
        self.verdict = verdict


def identify_signer(
    message: SignedMessage, digest: bytes, known: Iterable[x509.Certificate], *, direct: bool = False
) -> IdentifiedSigner:
    """The signer of *message* over content with *digest* (by the message's digest algorithm).

    *known* are certificates beside those that the message carries. *direct*: it may have no signed attributes, so
    that the signature is over the content itself. Raises :class:`NotSigned` or UnreadableMessage.
    """
    if message.covered is not None or not direct:
        _check_content(message, digest)
    carried = [each for each in map(read_leniently, message.certificates) if each is not None]
    certificate, named = _certificate(message, digest, carried, known)
    try:
        _check_value(message, digest, certificate)
    except InvalidSignature as error:
        raise _not_signed(
            SubIndication.SIG_CRYPTO_FAILURE, "The signature does not verify with the signer's key."
        ) from error
    except algorithms.UnsupportedKey as error:
        raise NotSigned(
            undecided(
                SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
                "The key of {name} is of a kind that is not known here, so its signature cannot be verified.",
                name=shown_name(certificate),
            )
        ) from error
    except algorithms.NotVerifiable as error:
        raise _not_signed(
            SubIndication.SIG_CRYPTO_FAILURE,
            "The signature's algorithm is not known, or does not fit the signer's key.",
        ) from error
    if named is None:
        raise NotSigned(_UNKNOWN_REFERENCE)
    by = _named(message)[0][0] if message.only(SIGNING_CERTIFICATE_V2) is not None else None
    weak = None
    if algorithms.weak_hash(by):
        weak = replace(_WEAK_REFERENCE, values={"algorithm": algorithms.hash_label(by or "")})
        if by in _BROKEN_HASHES:
            raise NotSigned(undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, weak))
    scheme = algorithms.scheme_of(message.signature_algorithm, message.digest_name)
    return IdentifiedSigner(certificate, scheme, named, weak)


def _check_content(message: SignedMessage, digest: bytes) -> None:
    stated = message.only(MESSAGE_DIGEST)
    if stated is None or message.only(CONTENT_TYPE) != der.oid(message.content_type):
        raise _not_signed(
            SubIndication.FORMAT_FAILURE, "The signed attributes lack the content's digest or its type."
        )
    if stated != der.element(der.OCTET_STRING, digest):
        raise _not_signed(SubIndication.HASH_FAILURE, "The content is not what was signed: its digest differs.")


def _certificate(
    message: SignedMessage, digest: bytes, carried: Sequence[x509.Certificate], known: Iterable[x509.Certificate]
) -> tuple[x509.Certificate, bool | None]:
    """The signer's certificate (EN 319 102-1, 5.2.3), and whether the signature names it under its protection:
    None where it does by a hash that is not known here."""
    named = _named(message)
    understood = [each for each in named if each[0] is not None]
    for certificate in (*carried, *known):
        if understood and not _matches(certificate.public_bytes(Encoding.DER), understood):
            continue
        if _identifies(message.signer_identifier, certificate):
            return certificate, bool(named) if understood == named else None
        if understood:
            raise _not_signed(
                SubIndication.FORMAT_FAILURE, "The signature names two different certificates as its signer's."
            )
    raise NotSigned(_without_certificate(message, digest, carried, understood))


def _without_certificate(
    message: SignedMessage, digest: bytes, carried: Sequence[x509.Certificate], named: _Named
) -> Verdict:
    """Why there is no certificate of the signer: somebody put another one in its place, it cannot be read, or it
    is not there."""
    unread = [each for each in message.certificates if read_leniently(each) is None]
    if any(named and _matches(each, named) for each in unread):
        return undecided(
            SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "The signer's certificate cannot be read here."
        )
    identified = any(_identifies(message.signer_identifier, each) for each in carried)
    identified |= any(_seems_identified(message.signer_identifier, each) for each in unread)
    if identified or _is_by_another(message, digest, carried):
        return failed(SubIndication.FORMAT_FAILURE, "The certificate in the signature is not the one that signed.")
    return undecided(
        SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
        "The signer's certificate is not in the file; give it to verify the signature.",
    )


def _seems_identified(identifier: bytes, unread: bytes) -> bool:
    parts = der.members(identifier) if identifier[0] == der.SEQUENCE else [der.contents(identifier)]
    return all(part in unread for part in parts)


def _check_value(message: SignedMessage, digest: bytes, certificate: x509.Certificate) -> None:
    """Raises what :func:`appliance.verification.algorithms.check_signature` does."""
    algorithms.check_signature(
        certificate,
        message.signature,
        digest if message.covered is None else message.covered,
        parts=message.signature_algorithm,
        digest_name=message.digest_name,
        digested=message.covered is None,
    )


def _is_by_another(message: SignedMessage, digest: bytes, carried: Iterable[x509.Certificate]) -> bool:
    """Whether one of the *carried* certificates has the key that signed: it was exchanged for the signer's."""
    for certificate in carried:
        try:
            _check_value(message, digest, certificate)
        except (InvalidSignature, algorithms.NotVerifiable):
            continue
        return True
    return False


def _named(message: SignedMessage) -> _Named:
    """Hash names (None for one that is not known here) and values of the signer's certificate that the signature
    itself protects (may be none)."""
    found: _Named = []
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


def _version_2(parts: list[bytes]) -> tuple[str | None, bytes]:
    if parts[0][0] == der.OCTET_STRING:
        return "sha256", der.decode(bytes, parts[0])
    return algorithms.digest_of(tuple(der.members(parts[0]))), der.decode(bytes, parts[1])


def _matches(certificate: bytes, named: _Named) -> bool:
    return all(message_digest(name or "", certificate) == value for name, value in named)


def _identifies(identifier: bytes, certificate: x509.Certificate) -> bool:
    """By issuer and serial number, or by the key's identifier: that of the extension or, without one, the hash of
    the key (RFC 5280, 4.2.1.2, method 1)."""
    if identifier[0] == der.SEQUENCE:
        return identifier == issuer_and_serial(certificate)
    stated = extension(certificate, x509.SubjectKeyIdentifier)
    try:
        key = stated.value if stated else x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    except (UnsupportedAlgorithm, ValueError):
        return False
    return identifier == der.element(0x80, key.digest)


def _not_signed(subindication: SubIndication, sentence: str) -> NotSigned:
    return NotSigned(failed(subindication, sentence))
