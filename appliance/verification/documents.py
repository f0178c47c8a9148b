"""The document's verdict out of those of its signatures: it is as good as the worst of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from appliance.pdf.validation import ends_cleanly
from appliance.verification.later_changes import RevisionHistory
from appliance.verification.model import (
    PASSED,
    Indication,
    PagePair,
    Reason,
    RowAnswer,
    SignatureReport,
    SubIndication,
    Verdict,
    VerificationReport,
)

_TRAILING = Reason("Something follows the end of the document: bytes were appended to the file.")
_ORDER = (Indication.FAILED, Indication.INDETERMINATE, Indication.PASSED)


def conclude_report(
    report: VerificationReport, signatures: tuple[SignatureReport, ...], history: RevisionHistory
) -> VerificationReport:
    """*report* completed with its signatures and the verdict over all of them."""
    verdicts = [each.verdict for each in signatures]
    if not ends_cleanly(history.pdf.document):
        verdicts.insert(0, Verdict(Indication.FAILED, SubIndication.FORMAT_FAILURE, (_TRAILING,)))
    pages = next((found for found in history.seen.values() if found), ())
    return replace(
        report,
        verdict=worst(verdicts),
        signatures=signatures,
        remarks=(*report.remarks, *_remarks(signatures, history)),
        pages=tuple(PagePair(each.page + 1, each.before, each.after) for each in pages),
        signed_revision=history.changed_since,
    )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of *verdicts*, first one first, with the reasons of all that are not passed."""
    ordered = sorted(verdicts, key=lambda verdict: _ORDER.index(verdict.indication))
    if not ordered or ordered[0].indication is Indication.PASSED:
        return PASSED
    bad = [verdict for verdict in ordered if verdict.indication is not Indication.PASSED]
    reasons = {str(reason): reason for verdict in bad for reason in verdict.reasons}
    return Verdict(bad[0].indication, bad[0].subindication, tuple(reasons.values()))


def _remarks(signatures: tuple[SignatureReport, ...], history: RevisionHistory) -> list[Reason]:
    remarks = [remark for one in history.examined for remark in one.remarks]
    for report in signatures:
        open_rows = [
            row
            for row in report.rows
            if row.answer is RowAnswer.OPEN and row.subject in ("revocation", "timestamp")
        ]
        if report.verdict.indication is Indication.PASSED:
            remarks += [row.sentence for row in open_rows]
    return list({str(remark): remark for remark in remarks}.values())
