"""The simple report about one signature: seven rows, each a yes, a no or an open question, with one sentence.

A second timestamp has a row of its own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from appliance.verification.model import (
    CertificateDetails,
    Changes,
    Coverage,
    Indication,
    Level,
    Reason,
    ReportRow,
    RowAnswer,
    SignatureReport,
    SubIndication,
)
from appliance.verification.paths import CertificateFinding
from appliance.verification.revocation import RevocationKnowledge
from appliance.verification.signatures import ExaminedSignature
from appliance.verification.tokens import ExaminedToken, shown_time
from appliance.verification.trust import details, shown_name

_BROKEN = frozenset({SubIndication.FORMAT_FAILURE, SubIndication.HASH_FAILURE, SubIndication.SIG_CRYPTO_FAILURE})
_UNTIMELY = frozenset({SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.NOT_YET_VALID, SubIndication.EXPIRED})
_REVOKED = Reason("A certificate of the path was revoked on {time}.")
_REVOKED_LATER = Reason("A certificate of the path was revoked on {time}, after the signature was made.")
_LEVELS = {
    Level.B: Reason("B-B: a signature without proof of its time."),
    Level.T: Reason("B-T: a signature with proof of its time."),
    Level.LT: Reason("B-LT: everything needed to verify it later is in the document."),
    Level.LTA: Reason(
        "B-LTA: everything needed to verify it later is in the document and dated, for the long term."
    ),
}
_CHANGES = {
    Changes.NONE: (RowAnswer.YES, Reason("Nothing was changed after this signature.")),
    Changes.VALIDATION_DATA: (RowAnswer.YES, Reason("Only validation data and document timestamps were added.")),
    Changes.SIGNED_ON: (
        RowAnswer.YES,
        Reason("Fields were filled and signed by later signatures; nothing else changed."),
    ),
    Changes.UNEXPLAINED: (RowAnswer.OPEN, Reason("Something was changed afterwards that cannot be explained.")),
    Changes.CHANGED: (RowAnswer.NO, Reason("The document was changed after this signature.")),
    Changes.UNKNOWN: (RowAnswer.OPEN, Reason("What was changed afterwards cannot be said.")),
}


def report_rows(one: ExaminedSignature, report: SignatureReport) -> tuple[ReportRow, ...]:
    """The rows for a signature of a PDF."""
    return (
        _integrity(one, report),
        trust_of(one.finding),
        time_of(one.finding),
        revocation_of(one.finding),
        *_timestamps(one),
        _level(report),
        _changes(report),
    )


def details_of(finding: CertificateFinding | None) -> tuple[CertificateDetails, ...]:
    """The certificates that were validated, end certificate first."""
    return tuple(details(each) for each in finding.path) if finding else ()


def _integrity(one: ExaminedSignature, report: SignatureReport) -> ReportRow:
    if not one.intact:
        broken = report.verdict.subindication in _BROKEN and report.verdict.reasons
        sentence = report.verdict.reasons[0] if broken else Reason("The signed content is not intact.")
        return ReportRow("integrity", RowAnswer.NO, sentence)
    if report.coverage is Coverage.FILE:
        return ReportRow("integrity", RowAnswer.YES, Reason("The whole file is as it was signed."))
    return ReportRow("integrity", RowAnswer.YES, Reason("The whole revision that was signed is as it was."))


def trust_of(finding: CertificateFinding | None) -> ReportRow:
    """By whom the signer is trusted."""
    if finding is None or not finding.path:
        return ReportRow("trust", RowAnswer.OPEN, Reason("The signer is not known."))
    if finding.verdict.subindication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND:
        return ReportRow("trust", RowAnswer.OPEN, finding.verdict.reasons[0])
    values = {"name": shown_name(finding.path[0]), "anchor": shown_name(finding.path[-1])}
    if len(finding.path) == 1:
        return ReportRow("trust", RowAnswer.YES, Reason("{name} is trusted directly.", values))
    trusted = Reason("{name}, by a chain to {anchor}, which this verification trusts.", values)
    return ReportRow("trust", RowAnswer.YES, trusted)


def time_of(finding: CertificateFinding | None) -> ReportRow:
    """Whether the certificate was valid at the time."""
    if finding is None or not finding.path:
        return ReportRow("time", RowAnswer.OPEN, Reason("The signer's certificate is not known."))
    values = {
        "start": shown_time(finding.path[0].not_valid_before_utc),
        "end": shown_time(finding.path[0].not_valid_after_utc),
    }
    if finding.verdict.subindication in _UNTIMELY:
        answer = RowAnswer.NO if finding.verdict.indication is Indication.FAILED else RowAnswer.OPEN
        return ReportRow("time", answer, finding.verdict.reasons[0])
    return ReportRow("time", RowAnswer.YES, Reason("The certificate was valid ({start} to {end}).", values))


def revocation_of(finding: CertificateFinding | None) -> ReportRow:
    """What is known about revocation, and from when."""
    if finding is None or not finding.path:
        return ReportRow("revocation", RowAnswer.OPEN, Reason("Nothing is known about revocation."))
    if not finding.revocation and finding.verdict.subindication is not SubIndication.NO_CERTIFICATE_CHAIN_FOUND:
        return ReportRow("revocation", RowAnswer.YES, Reason("Trusted directly; nobody above it could revoke it."))
    for status in finding.revocation:
        if status.known is RevocationKnowledge.REVOKED and status.since is not None:
            passed = finding.verdict.indication is Indication.PASSED
            sentence = _REVOKED_LATER if passed else _REVOKED
            values = {"time": shown_time(status.since)}
            return ReportRow(
                "revocation", RowAnswer.YES if passed else RowAnswer.NO, replace(sentence, values=values)
            )
    if finding.checked_at is None:
        return ReportRow(
            "revocation", RowAnswer.OPEN, Reason("No revocation data is at hand; nothing was looked up.")
        )
    return ReportRow("revocation", RowAnswer.YES, _not_revoked(finding, finding.checked_at))


def _not_revoked(finding: CertificateFinding, oldest: datetime) -> Reason:
    """The certificate's own list is what readers look for: that of the authorities may be older than it."""
    own = finding.revocation[0].made
    if own is None or own == oldest:
        return Reason("Not revoked, as of {time}.", {"time": shown_time(oldest)})
    values = {"time": shown_time(own), "above": shown_time(oldest)}
    return Reason("Not revoked, as of {time}; the authorities above it, as of {above}.", values)


def _timestamps(one: ExaminedSignature) -> tuple[ReportRow, ...]:
    """A row for each timestamp, those that prove something first."""
    if one.stamps:
        return tuple(stamp_row(stamp) for stamp in sorted(one.stamps, key=lambda each: each.proves is None))
    if one.proven is not None:
        values = {"time": shown_time(one.proven)}
        return (
            ReportRow("timestamp", RowAnswer.YES, Reason("Existed on {time}, by a document timestamp.", values)),
        )
    return (
        ReportRow("timestamp", RowAnswer.OPEN, Reason("No timestamp: the time is only what the signer claims.")),
    )


def stamp_row(stamp: ExaminedToken) -> ReportRow:
    """One timestamp."""
    if stamp.proves:
        values = {"time": shown_time(stamp.proves), "name": stamp.signer or ""}
        return ReportRow("timestamp", RowAnswer.YES, Reason("{time}, by {name}.", values))
    answer = RowAnswer.NO if stamp.verdict.indication is Indication.FAILED else RowAnswer.OPEN
    return ReportRow("timestamp", answer, stamp.verdict.reasons[0])


def _level(report: SignatureReport) -> ReportRow:
    if report.document_timestamp:
        return ReportRow("level", RowAnswer.YES, Reason("A document timestamp, not a signature of a person."))
    if report.level is None:
        return ReportRow("level", RowAnswer.OPEN, Reason("No level: the signature does not hold."))
    return ReportRow("level", RowAnswer.YES, _LEVELS[report.level])


def _changes(report: SignatureReport) -> ReportRow:
    answer, sentence = _CHANGES[report.changes or Changes.UNKNOWN]
    return ReportRow("changes", answer, sentence)
