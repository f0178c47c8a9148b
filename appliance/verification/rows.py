"""The simple report about one signature: seven rows, each a yes, a no or an open question, with one sentence.

A second timestamp has a row of its own.
"""

from __future__ import annotations

from datetime import datetime

from appliance.verification.model import (
    CertificateDetails,
    Changes,
    Coverage,
    Indication,
    Level,
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
from hsm.errors import Sentence

_BROKEN = frozenset(
    {
        SubIndication.FORMAT_FAILURE,
        SubIndication.GENERIC,
        SubIndication.HASH_FAILURE,
        SubIndication.SIG_CRYPTO_FAILURE,
    }
)
_UNTIMELY = frozenset({SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.NOT_YET_VALID, SubIndication.EXPIRED})
_LEVELS = {
    Level.B: Sentence("B-B: a signature without proof of its time."),
    Level.T: Sentence("B-T: a signature with proof of its time."),
    Level.LT: Sentence("B-LT: everything needed to verify it later is in the document."),
    Level.LTA: Sentence(
        "B-LTA: everything needed to verify it later is in the document and dated, for the long term."
    ),
}
_CHANGES = {
    Changes.NONE: (RowAnswer.YES, Sentence("Nothing was changed after this signature.")),
    Changes.VALIDATION_DATA: (
        RowAnswer.YES,
        Sentence("Nothing but validation data, document timestamps and the file's metadata was added or changed."),
    ),
    Changes.SIGNED_ON: (
        RowAnswer.YES,
        Sentence("Fields were filled and signed by later signatures; nothing else that a page shows changed."),
    ),
    Changes.FILLED: (
        RowAnswer.YES,
        Sentence(
            "Form fields were filled, which the certification allows; nothing else that a page shows changed."
        ),
    ),
    Changes.UNEXPLAINED: (RowAnswer.OPEN, Sentence("Something was changed afterwards that cannot be explained.")),
    Changes.CHANGED: (RowAnswer.NO, Sentence("The document was changed after this signature.")),
    Changes.UNKNOWN: (RowAnswer.OPEN, Sentence("What was changed afterwards cannot be said.")),
}


def _row(subject: str, answer: RowAnswer, template: str, **values: str) -> ReportRow:
    return ReportRow(subject, answer, Sentence(template, values))


def report_rows(
    one: ExaminedSignature, report: SignatureReport, doubt: Sentence | None = None
) -> tuple[ReportRow, ...]:
    """The rows for a signature of a PDF; *doubt* is why what came after it is not explained."""
    return (
        _integrity(one, report),
        *rows_of_finding(one.finding),
        *_timestamps(one),
        _level(report),
        _changes(report, doubt),
    )


def _changes(report: SignatureReport, doubt: Sentence | None) -> ReportRow:
    changes = report.changes or Changes.UNKNOWN
    if doubt is not None:
        return ReportRow("changes", RowAnswer.OPEN, doubt)
    if report.verdict.subindication is SubIndication.HASH_FAILURE and changes is not Changes.CHANGED:
        changes = Changes.UNKNOWN  # other bytes than were signed: nobody knows since when
    return ReportRow("changes", *_CHANGES[changes])


def details_of(finding: CertificateFinding | None) -> tuple[CertificateDetails, ...]:
    """The certificates that were validated, end certificate first."""
    return tuple(details(each) for each in finding.path) if finding else ()


def _integrity(one: ExaminedSignature, report: SignatureReport) -> ReportRow:
    if not one.intact:
        broken = report.verdict.subindication in _BROKEN and report.verdict.reasons
        sentence = report.verdict.reasons[0] if broken else Sentence("The signed content is not intact.")
        return ReportRow("integrity", RowAnswer.NO, sentence)
    if report.coverage is Coverage.FILE:
        return _row("integrity", RowAnswer.YES, "The whole file is as it was signed.")
    return _row("integrity", RowAnswer.YES, "The whole revision that was signed is as it was.")


def rows_of_finding(finding: CertificateFinding | None) -> tuple[ReportRow, ReportRow, ReportRow]:
    """By whom the signer is trusted, whether the certificate was valid at the time, and what is known about
    revocation, from when."""
    if finding is None or not finding.path:
        return (
            _row("trust", RowAnswer.OPEN, "The signer is not known."),
            _row("time", RowAnswer.OPEN, "The signer's certificate is not known."),
            _row("revocation", RowAnswer.OPEN, "Nothing is known about revocation."),
        )
    return _trust(finding), _time(finding), _revocation(finding)


def _trust(finding: CertificateFinding) -> ReportRow:
    if finding.verdict.subindication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND:
        return ReportRow("trust", RowAnswer.OPEN, finding.verdict.reasons[0])
    names = {"name": shown_name(finding.path[0]), "anchor": shown_name(finding.path[-1])}
    if len(finding.path) == 1:
        return _row("trust", RowAnswer.YES, "{name} is trusted directly.", **names)
    return _row("trust", RowAnswer.YES, "{name}, by a chain to {anchor}, which this verification trusts.", **names)


def _time(finding: CertificateFinding) -> ReportRow:
    if finding.verdict.subindication in _UNTIMELY:
        answer = RowAnswer.NO if finding.verdict.indication is Indication.FAILED else RowAnswer.OPEN
        return ReportRow("time", answer, finding.verdict.reasons[0])
    start, end = finding.path[0].not_valid_before_utc, finding.path[0].not_valid_after_utc
    times = {"start": shown_time(start), "end": shown_time(end)}
    return _row("time", RowAnswer.YES, "The certificate was valid ({start} to {end}).", **times)


def _revocation(finding: CertificateFinding) -> ReportRow:
    if not finding.revocation and finding.verdict.subindication is not SubIndication.NO_CERTIFICATE_CHAIN_FOUND:
        return _row("revocation", RowAnswer.YES, "Trusted directly; nobody above it could revoke it.")
    for status in finding.revocation:
        if status.known is RevocationKnowledge.REVOKED and status.since is not None:
            time = shown_time(status.since)
            if finding.verdict.indication is not Indication.PASSED:
                return _row(
                    "revocation", RowAnswer.NO, "A certificate of the path was revoked on {time}.", time=time
                )
            return _row(
                "revocation",
                RowAnswer.YES,
                "A certificate of the path was revoked on {time}, after the signature was made.",
                time=time,
            )
    if finding.checked_at is None:
        return _row("revocation", RowAnswer.OPEN, "No revocation data is at hand; nothing was looked up.")
    return ReportRow("revocation", RowAnswer.YES, _not_revoked(finding, finding.checked_at))


def _not_revoked(finding: CertificateFinding, oldest: datetime) -> Sentence:
    """The certificate's own list is what readers look for: that of the authorities may be older than it."""
    own = finding.revocation[0].made
    if own is None or own == oldest:
        return Sentence("Not revoked, as of {time}.", {"time": shown_time(oldest)})
    values = {"time": shown_time(own), "above": shown_time(oldest)}
    return Sentence("Not revoked, as of {time}; the authorities above it, as of {above}.", values)


def _timestamps(one: ExaminedSignature) -> tuple[ReportRow, ...]:
    """A row for each timestamp, those that prove something first."""
    if one.stamps:
        return tuple(stamp_row(stamp) for stamp in sorted(one.stamps, key=lambda each: each.proves is None))
    if one.proven is not None:
        time = shown_time(one.proven)
        return (_row("timestamp", RowAnswer.YES, "Existed on {time}, by a document timestamp.", time=time),)
    return (_row("timestamp", RowAnswer.OPEN, "No timestamp: the time is only what the signer claims."),)


def stamp_row(stamp: ExaminedToken) -> ReportRow:
    if stamp.proves:
        time = shown_time(stamp.proves)
        return _row("timestamp", RowAnswer.YES, "{time}, by {name}.", time=time, name=stamp.signer or "")
    answer = RowAnswer.NO if stamp.verdict.indication is Indication.FAILED else RowAnswer.OPEN
    return ReportRow("timestamp", answer, stamp.verdict.reasons[0])


def _level(report: SignatureReport) -> ReportRow:
    if report.document_timestamp:
        return _row("level", RowAnswer.YES, "A document timestamp, not a signature of a person.")
    if report.level is None:
        return _row("level", RowAnswer.OPEN, "No level: the signature does not hold.")
    return ReportRow("level", RowAnswer.YES, _LEVELS[report.level])
