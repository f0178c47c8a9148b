"""Verification: PDFs, timestamps and evidence packages, of ours and of others, judged in the words of EN 319
102-1.

:class:`Verifier` never raises for what is in a file: every input ends as a report with a verdict and its reasons.
"""

from appliance.verification.model import (
    Changes,
    Coverage,
    FileKind,
    Indication,
    Level,
    SignatureReport,
    SubIndication,
    Verdict,
    VerificationReport,
)
from appliance.verification.trust import TrustAnchors
from appliance.verification.verifier import EvidenceVerification, Verifier

__all__ = [
    "Changes",
    "Coverage",
    "EvidenceVerification",
    "FileKind",
    "Indication",
    "Level",
    "SignatureReport",
    "SubIndication",
    "TrustAnchors",
    "Verdict",
    "VerificationReport",
    "Verifier",
]
