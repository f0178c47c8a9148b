"""Certificates that a reader names for one verification: believed beside the verifier's own, and said so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from appliance.errors import ConfigurationError
from appliance.verification.certificates import shown_name
from appliance.verification.model import Reason, VerificationReport
from appliance.verification.trust import TrustAnchors
from appliance.verification.verifier import Verifier

LARGEST = 1024 * 1024
"""Bytes of all files with certificates together."""
MOST = 50


@dataclass(frozen=True, slots=True)
class NamedTrust:
    """What a reader named; empty for most."""

    anchors: TrustAnchors

    @classmethod
    def from_files(cls, files: Sequence[bytes]) -> Self:
        """From files in PEM (several in one) or DER. Raises :class:`ConfigurationError` with one sentence."""
        if sum(map(len, files)) > LARGEST:
            raise ConfigurationError(
                "The files with certificates have more than {limit} bytes; name only those of the issuers that "
                "you trust.",
                limit=LARGEST,
            )
        anchors = TrustAnchors.from_bytes(*files)
        if files and not anchors.certificates:
            raise ConfigurationError(
                "The trust file holds no certificate in PEM or DER; give the certificate of a CA or of a signer."
            )
        if len(anchors.certificates) > MOST:
            raise ConfigurationError(
                "More than {limit} certificates were named; name only those of the issuers that you trust.",
                limit=MOST,
            )
        return cls(anchors)

    def verify(
        self, verifier: Verifier, content: bytes, file: str, data: bytes | None = None
    ) -> VerificationReport:
        """The report of *verifier* about *content*, with a remark on each named certificate: whether the verdict
        rests on it."""
        if not self.anchors.certificates:
            return verifier.verify(content, file=file, data=data)
        report = verifier.trusting(self.anchors).verify(content, file=file, data=data)
        used = {each.path[-1].fingerprint for each in report.signatures if each.path}
        remarks = tuple(_remark(each, used) for each in self.anchors.certificates)
        return replace(report, remarks=(*remarks, *report.remarks))


def _remark(certificate: x509.Certificate, used: Iterable[str]) -> Reason:
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    values = {"name": shown_name(certificate), "fingerprint": fingerprint}
    if fingerprint in used:
        return Reason(
            "This verdict rests on a certificate that you named: {name} (SHA-256 {fingerprint}). Whether it is "
            "genuine was not verified here.",
            values,
        )
    return Reason(
        "No signature leads to the certificate that you named: {name} (SHA-256 {fingerprint}); a timestamp may.",
        values,
    )
