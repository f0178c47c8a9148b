"""Certification paths from a signer to whom the user believes (RFC 5280, 6), without asking for the time.

A path is a tuple from the end certificate to the anchor; an end certificate that is itself an anchor is a path of
one. Time and revocation are judged afterwards, because they are asked for several moments.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from appliance.verification.algorithms import hash_label, key_weakness
from appliance.verification.certificates import extension, issued_by, names_of, shown_name
from appliance.verification.model import Indication, Reason, SubIndication, Verdict

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


_NAMESAKES = Reason(
    "The file carries more certificates with the same names than are looked at; remove the needless ones."
)


class TooManyCertificates(Exception):
    """The file carries so many certificates of the same names that finding paths through them would not end;
    ``verdict`` says so."""

    verdict = Verdict(
        Indication.INDETERMINATE,
        SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        (_NAMESAKES,),
    )


@dataclass(frozen=True, slots=True)
class PathProblem:
    """Why a path does not count."""

    subindication: SubIndication
    reason: Reason


class PathFinder:
    """Finds paths to *anchors* through *pool*. Signatures are verified once per pair of certificates whose names
    fit; :class:`TooManyCertificates` is raised where these are more than any honest file has."""

    def __init__(self, anchors: Iterable[x509.Certificate], pool: Iterable[x509.Certificate]) -> None:
        self._anchors = tuple(dict.fromkeys(anchors))
        self._pool = tuple(dict.fromkeys(pool))
        self._issued: dict[tuple[x509.Certificate, x509.Certificate], bool] = {}
        self._named: dict[bytes, list[x509.Certificate]] = {}
        for each in dict.fromkeys((*self._anchors, *self._pool)):
            self._named.setdefault(each.subject.public_bytes(), []).append(each)

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        """Whom the user believes."""
        return self._anchors

    @property
    def known(self) -> tuple[x509.Certificate, ...]:
        """Every certificate at hand."""
        return (*self._pool, *self._anchors)

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
            if path[-1] in self._anchors:
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


def problem_of(path: Path, purpose: KeyPurpose) -> PathProblem | None:
    """The first reason why *path* does not serve *purpose* at any time, or None."""
    checks: list[Reason | None] = [_wrong_purpose(path[0], purpose)]
    checks += [_wrong_authority(issuer, below) for below, issuer in enumerate(path[1:])]
    checks += [_not_understood(certificate) for certificate in path]
    for reason in checks:
        if reason is not None:
            return PathProblem(SubIndication.CHAIN_CONSTRAINTS_FAILURE, reason)
    for certificate in path:
        weak = key_weakness(certificate) or (None if certificate is path[-1] else _weak_hash(certificate))
        if weak is not None:
            return PathProblem(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, weak)
    return None


def _wrong_purpose(leaf: x509.Certificate, purpose: KeyPurpose) -> Reason | None:
    name = {"name": shown_name(leaf)}
    usage = extension(leaf, x509.KeyUsage)
    if usage is not None and not (usage.value.digital_signature or usage.value.content_commitment):
        return Reason("The certificate of {name} is not meant for signatures (key usage).", name)
    extended = extension(leaf, x509.ExtendedKeyUsage)
    if purpose is KeyPurpose.DOCUMENT:
        if extended is not None and not _DOCUMENT_USAGES.intersection(extended.value):
            return Reason(
                "The certificate of {name} is not meant for signing documents (extended key usage).", name
            )
        return None
    # RFC 3161, 2.3: critical, and for this purpose alone
    if extended is None or not extended.critical or list(extended.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        return Reason("The certificate of {name} is not one of a timestamp authority (extended key usage).", name)
    return None


def _wrong_authority(issuer: x509.Certificate, below: int) -> Reason | None:
    """RFC 5280, 6.1.4 (k) to (n); *below* counts the authorities under *issuer*."""
    name = {"name": shown_name(issuer)}
    constraints = extension(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.value.ca:
        return Reason("The certificate of {name} is no certification authority's, yet it issued another.", name)
    if constraints.value.path_length is not None and below > constraints.value.path_length:
        return Reason("{name} may not have so many authorities below it (path length).", name)
    usage = extension(issuer, x509.KeyUsage)
    if usage is not None and not usage.value.key_cert_sign:
        return Reason("The certificate of {name} may not sign certificates (key usage).", name)
    return None


def _not_understood(certificate: x509.Certificate) -> Reason | None:
    for each in certificate.extensions:
        if each.critical and each.oid not in _UNDERSTOOD:
            values = {"name": shown_name(certificate), "oid": each.oid.dotted_string}
            return Reason(
                "The certificate of {name} has a critical extension that is not understood ({oid}).", values
            )
    return None


def _weak_hash(certificate: x509.Certificate) -> Reason | None:
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or algorithm.name not in _WEAK_HASHES:
        return None
    values = {"name": shown_name(certificate), "algorithm": hash_label(algorithm.name)}
    return Reason("The certificate of {name} is signed with {algorithm}, which no longer counts.", values)


__all__ = ["KeyPurpose", "Path", "PathFinder", "PathProblem", "TooManyCertificates", "problem_of"]
