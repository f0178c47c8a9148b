"""Whether a signer's certificate is to be believed, at the moment asked for (EN 319 102-1, 5.2.6 and 5.5).

A path is judged at the control time. Where it has run out or was revoked by then, a proof that the signature
existed before helps (5.6.2.4); without one it is indeterminate, not wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509

from appliance.language import instants
from appliance.verification.certificates import shown_name
from appliance.verification.model import PASSED, Indication, Reason, SubIndication, Verdict
from appliance.verification.paths import KeyPurpose, Path, PathFinder, problem_of
from appliance.verification.revocation import RevocationData, RevocationKnowledge, RevocationStatus


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
    def checked_at(self) -> datetime | None:
        """When the oldest of the revocation data was made; None without any, or with some missing."""
        made = [status.made for status in self.revocation if status.made]
        return min(made) if made and self.known_good else None


class CertificateJudge:
    """Judges certificates for one file: whom to believe, and what is known about revocation.

    *stampers* are those anchors of *finder* that are believed for timestamps alone.
    """

    def __init__(
        self,
        finder: PathFinder,
        revocation: RevocationData,
        stampers: frozenset[x509.Certificate] = frozenset(),
    ) -> None:
        self._finder = finder
        self._revocation = revocation
        self._stampers = stampers

    @property
    def finder(self) -> PathFinder:
        """The paths that this judge walks."""
        return self._finder

    def judge_certificate(
        self, leaf: x509.Certificate, purpose: KeyPurpose, moments: ValidationTimes
    ) -> CertificateFinding:
        """The best that can be said about *leaf*."""
        best: CertificateFinding | None = None
        for path in self._finder.paths(leaf):
            if purpose is not KeyPurpose.TIMESTAMP and path[-1] in self._stampers:
                continue
            finding = self._along(path, purpose, moments)
            if finding.verdict.indication is Indication.PASSED:
                return finding
            best = best or finding
        return best or self._no_path(leaf)

    def _no_path(self, leaf: x509.Certificate) -> CertificateFinding:
        reason = Reason(
            "The certificate of {name} leads to nobody whom you trust; if you trust its issuer, say so.",
            {"name": shown_name(leaf)},
        )
        return CertificateFinding(
            Verdict(Indication.INDETERMINATE, SubIndication.NO_CERTIFICATE_CHAIN_FOUND, (reason,)), (leaf,)
        )

    def _along(self, path: Path, purpose: KeyPurpose, moments: ValidationTimes) -> CertificateFinding:
        revocation = tuple(
            self._revocation.status(certificate, issuer, moments.at) for certificate, issuer in pairwise(path)
        )
        problem = problem_of(path, purpose)
        if problem is not None:
            verdict = Verdict(Indication.INDETERMINATE, problem.subindication, (problem.reason,))
        else:
            verdict = _timely(path, moments) or _unrevoked(path, revocation, moments) or PASSED
        return CertificateFinding(verdict, path, revocation)


def _timely(path: Path, moments: ValidationTimes) -> Verdict | None:
    """Validity periods; the anchor's own does not count, unless it is the signer's (RFC 5280, 6.1.1 (d))."""
    for certificate in path[:-1] or path:
        name = shown_name(certificate)
        if moments.best < certificate.not_valid_before_utc:
            values = {"name": name, "time": instants.second(certificate.not_valid_before_utc, "UTC")}
            reason = Reason(
                "The certificate of {name} is valid only from {time}, later than the signature.", values
            )
            if moments.proven is not None and certificate is path[0]:
                return Verdict(Indication.FAILED, SubIndication.NOT_YET_VALID, (reason,))
            return Verdict(Indication.INDETERMINATE, SubIndication.OUT_OF_BOUNDS_NO_POE, (reason,))
        if moments.best > certificate.not_valid_after_utc:
            reason = Reason(
                "The certificate of {name} expired on {time}, and nothing proves that the signature is older.",
                {"name": name, "time": instants.second(certificate.not_valid_after_utc, "UTC")},
            )
            return Verdict(Indication.INDETERMINATE, SubIndication.OUT_OF_BOUNDS_NO_POE, (reason,))
    return None


def _unrevoked(path: Path, revocation: tuple[RevocationStatus, ...], moments: ValidationTimes) -> Verdict | None:
    for certificate, status in zip(path, revocation, strict=False):
        if status.known is not RevocationKnowledge.REVOKED or status.since is None:
            continue
        if moments.proven is not None and moments.proven < status.since:
            continue
        reason = Reason(
            "The certificate of {name} was revoked on {time}, and nothing proves that the signature is older.",
            {"name": shown_name(certificate), "time": instants.second(status.since, "UTC")},
        )
        signer = certificate is path[0]
        subindication = SubIndication.REVOKED_NO_POE if signer else SubIndication.REVOKED_CA_NO_POE
        return Verdict(Indication.INDETERMINATE, subindication, (reason,))
    return None


__all__ = ["CertificateFinding", "CertificateJudge", "ValidationTimes"]
