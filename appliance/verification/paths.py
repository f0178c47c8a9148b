"""Certification paths from a signer to whom the user believes (RFC 5280, 6), without asking for the time.

A path is a tuple from the end certificate to the anchor; an end certificate that is itself an anchor is a path of
one. Whether a path counts at the moment asked for is judged afterwards (EN 319 102-1, 5.2.6 and 5.5), because that
is asked for several moments: where it has run out or was revoked by the control time, a proof that the signature
existed before helps (5.6.2.4); without one it is indeterminate, not wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from appliance.language import instants
from appliance.verification.algorithms import hash_label, key_weakness
from appliance.verification.model import PASSED, Indication, SubIndication, Verdict, failed, undecided
from appliance.verification.revocation import RevocationData, RevocationKnowledge, RevocationStatus
from appliance.verification.trust import extension, issued_by, names_of, shown_name
from hsm.errors import Sentence

Path = tuple[x509.Certificate, ...]

_LONGEST = 10
_MOST_PATHS = 16
_MOST_STEPS = 256
_MOST_CHECKS = 2000
"""Signatures of certificates that are checked for one file; a contract with its timestamps needs about 20."""
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"),  # qualified certificate statements (RFC 3739, 3.2.6)
    }
)
_DOCUMENT_USAGES = frozenset(
    {
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
        x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"),  # document signing (RFC 9336)
        x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),  # the same, Microsoft's
        x509.ObjectIdentifier("1.2.840.113583.1.1.5"),  # the same, Adobe's
    }
)
_WEAK_HASHES = frozenset({"md5", "sha1"})


class KeyPurpose(Enum):
    """What the end certificate must be good for."""

    DOCUMENT = "document"
    TIMESTAMP = "timestamp"


class TooManyCertificates(Exception):
    """The file carries so many certificates of the same names that finding paths through them would not end;
    ``verdict`` says so."""

    verdict = undecided(
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        "The file carries more certificates with the same names than are looked at; remove the needless ones.",
    )


class PathFinder:
    """Finds paths to *anchors* through *pool*; ``known`` are both. Signatures are verified once per pair of
    certificates whose names fit; :class:`TooManyCertificates` is raised where these are more than any honest file
    has."""

    def __init__(self, anchors: Iterable[x509.Certificate], pool: Iterable[x509.Certificate]) -> None:
        self.anchors = tuple(dict.fromkeys(anchors))
        self.known = (*dict.fromkeys(pool), *self.anchors)
        self._issued: dict[tuple[x509.Certificate, x509.Certificate], bool] = {}
        self._named: dict[bytes, list[x509.Certificate]] = {}
        for each in dict.fromkeys((*self.anchors, *self.known)):
            self._named.setdefault(names_of(each)[0], []).append(each)

    def paths(self, leaf: x509.Certificate) -> list[Path]:
        """Paths from *leaf* to an anchor, the shortest first, at most a handful.

        The search is wide and bounded: certificates that could all have issued each other make as many paths as
        one likes, and a file can carry thousands of them.
        """
        found: list[Path] = []
        waiting: deque[Path] = deque([(leaf,)])
        for _ in range(_MOST_STEPS):
            if not waiting or len(found) == _MOST_PATHS:
                break
            path = waiting.popleft()
            if path[-1] in self.anchors:
                found.append(path)
            elif len(path) < _LONGEST:
                waiting.extend((*path, issuer) for issuer in self.issuers(path[-1]) if issuer not in path)
        return found

    def issuers(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """Everybody at hand who issued *certificate*, anchors first."""
        candidates = self._named.get(names_of(certificate)[1], ())
        return [each for each in candidates if self._is_issued(certificate, each)]

    def _is_issued(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        key = (certificate, issuer)
        if key not in self._issued:
            if len(self._issued) == _MOST_CHECKS:
                raise TooManyCertificates
            self._issued[key] = issued_by(certificate, issuer)
        return self._issued[key]


def problem_of(path: Path, purpose: KeyPurpose) -> Verdict | None:
    """The first reason why *path* does not serve *purpose* at any time, or None."""
    checks: list[Sentence | None] = [_wrong_purpose(path[0], purpose)]
    checks += [_wrong_authority(issuer, below) for below, issuer in enumerate(path[1:])]
    checks += [_not_understood(certificate) for certificate in path]
    for reason in checks:
        if reason is not None:
            return undecided(SubIndication.CHAIN_CONSTRAINTS_FAILURE, reason)
    for certificate in path:
        weak = key_weakness(certificate) or (None if certificate is path[-1] else _weak_hash(certificate))
        if weak is not None:
            return undecided(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, weak)
    return None


def _wrong_purpose(leaf: x509.Certificate, purpose: KeyPurpose) -> Sentence | None:
    name = {"name": shown_name(leaf)}
    usage = extension(leaf, x509.KeyUsage)
    if usage is not None and not (usage.value.digital_signature or usage.value.content_commitment):
        return Sentence("The certificate of {name} is not meant for signatures (key usage).", name)
    extended = extension(leaf, x509.ExtendedKeyUsage)
    if purpose is KeyPurpose.DOCUMENT:
        if extended is not None and not _DOCUMENT_USAGES.intersection(extended.value):
            return Sentence(
                "The certificate of {name} is not meant for signing documents (extended key usage).", name
            )
        return None
    # RFC 3161, 2.3: critical, and for this purpose alone
    if extended is None or not extended.critical or list(extended.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        return Sentence(
            "The certificate of {name} is not one of a timestamp authority (extended key usage).", name
        )
    return None


def _wrong_authority(issuer: x509.Certificate, below: int) -> Sentence | None:
    """RFC 5280, 6.1.4 (k) to (n); *below* counts the authorities under *issuer*."""
    name = {"name": shown_name(issuer)}
    constraints = extension(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.value.ca:
        return Sentence("The certificate of {name} is no certification authority's, yet it issued another.", name)
    if constraints.value.path_length is not None and below > constraints.value.path_length:
        return Sentence("{name} may not have so many authorities below it (path length).", name)
    usage = extension(issuer, x509.KeyUsage)
    if usage is not None and not usage.value.key_cert_sign:
        return Sentence("The certificate of {name} may not sign certificates (key usage).", name)
    return None


def _not_understood(certificate: x509.Certificate) -> Sentence | None:
    for each in certificate.extensions:
        if each.critical and each.oid not in _UNDERSTOOD:
            values = {"name": shown_name(certificate), "oid": each.oid.dotted_string}
            return Sentence(
                "The certificate of {name} has a critical extension that is not understood ({oid}).", values
            )
    return None


def _weak_hash(certificate: x509.Certificate) -> Sentence | None:
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or algorithm.name not in _WEAK_HASHES:
        return None
    values = {"name": shown_name(certificate), "algorithm": hash_label(algorithm.name)}
    return Sentence("The certificate of {name} is signed with {algorithm}, which no longer counts.", values)


@dataclass(frozen=True, slots=True)
class ValidationTimes:
    """``at`` is the control time; ``proven`` the earliest proof, not after it, that the signature existed."""

    at: datetime
    proven: datetime | None = None

    @property
    def best(self) -> datetime:
        """When the signature is taken to have been made, at the latest."""
        return self.proven or self.at


@dataclass(frozen=True, slots=True)
class CertificateFinding:
    """The verdict about a certificate with the best path for it (empty when there is none). ``revocation`` has the
    status of each certificate of the path but the anchor."""

    verdict: Verdict
    path: Path = ()
    revocation: tuple[RevocationStatus, ...] = ()

    @property
    def known_good(self) -> bool:
        """Whether revocation data at hand speaks for every certificate that can be revoked."""
        return all(status.known is not RevocationKnowledge.NOTHING for status in self.revocation)

    @property
    def known_from_file(self) -> bool:
        """The same, of data that the file itself carries."""
        return all(status.carried for status in self.revocation)

    @property
    def checked_at(self) -> datetime | None:
        """When the oldest of the revocation data was made; None without any, or with some missing."""
        made = [status.made for status in self.revocation if status.made]
        return min(made) if made and self.known_good else None


@dataclass(frozen=True, slots=True)
class CertificateJudge:
    """Judges certificates for one file: whom to believe, and what is known about revocation.

    ``stampers`` are those anchors of ``finder`` that are believed for timestamps alone.
    """

    finder: PathFinder
    revocation: RevocationData
    stampers: frozenset[x509.Certificate] = frozenset()

    def judge_certificate(
        self, leaf: x509.Certificate, purpose: KeyPurpose, moments: ValidationTimes
    ) -> CertificateFinding:
        """The best that can be said about *leaf*."""
        best: CertificateFinding | None = None
        for path in self.finder.paths(leaf):
            if purpose is not KeyPurpose.TIMESTAMP and path[-1] in self.stampers:
                continue
            finding = self._along(path, purpose, moments)
            if finding.verdict.indication is Indication.PASSED:
                return finding
            best = best or finding
        return best or CertificateFinding(
            undecided(
                SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
                "The certificate of {name} leads to nobody whom you trust; if you trust its issuer, say so.",
                name=shown_name(leaf),
            ),
            (leaf,),
        )

    def _along(self, path: Path, purpose: KeyPurpose, moments: ValidationTimes) -> CertificateFinding:
        revocation = tuple(
            self.revocation.status(certificate, issuer, moments.at) for certificate, issuer in pairwise(path)
        )
        verdict = problem_of(path, purpose) or _timely(path, moments) or _unrevoked(path, revocation, moments)
        return CertificateFinding(verdict or PASSED, path, revocation)


def _timely(path: Path, moments: ValidationTimes) -> Verdict | None:
    """Validity periods; the anchor's own does not count, unless it is the signer's (RFC 5280, 6.1.1 (d))."""
    for certificate in path[:-1] or path:
        name = shown_name(certificate)
        if moments.best < certificate.not_valid_before_utc:
            proven_wrong = moments.proven is not None and certificate is path[0]
            return (failed if proven_wrong else undecided)(
                SubIndication.NOT_YET_VALID if proven_wrong else SubIndication.OUT_OF_BOUNDS_NO_POE,
                Sentence(
                    "The certificate of {name} is valid only from {time}, later than the signature.",
                    {"name": name, "time": instants.second(certificate.not_valid_before_utc, "UTC")},
                ),
            )
        if moments.best > certificate.not_valid_after_utc:
            return undecided(
                SubIndication.OUT_OF_BOUNDS_NO_POE,
                "The certificate of {name} expired on {time}, and nothing proves that the signature is older.",
                name=name,
                time=instants.second(certificate.not_valid_after_utc, "UTC"),
            )
    return None


def _unrevoked(path: Path, revocation: tuple[RevocationStatus, ...], moments: ValidationTimes) -> Verdict | None:
    for certificate, status in zip(path, revocation, strict=False):
        if status.known is not RevocationKnowledge.REVOKED or status.since is None:
            continue
        if moments.proven is not None and moments.proven < status.since:
            continue
        signer = certificate is path[0]
        return undecided(
            SubIndication.REVOKED_NO_POE if signer else SubIndication.REVOKED_CA_NO_POE,
            "The certificate of {name} was revoked on {time}, and nothing proves that the signature is older.",
            name=shown_name(certificate),
            time=instants.second(status.since, "UTC"),
        )
    return None
