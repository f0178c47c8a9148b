"""A verification report as the template shows it: words chosen and translated, times and numbers written out."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from appliance.language import Translator
from appliance.verification.model import (
    Indication,
    PagePair,
    Reason,
    SignatureReport,
    Verdict,
    VerificationReport,
)
from appliance.verification.report import words
from appliance.verification.tokens import shown_time


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A row of the simple report: ``tone`` is yes, no or open."""

    label: str
    tone: str
    answer: str
    sentence: str


@dataclass(frozen=True, slots=True)
class SignatureView:
    """One signature. ``facts`` and ``path`` are labels and values of the details."""

    title: str
    subtitle: str
    tone: str
    verdict: str
    reasons: tuple[str, ...]
    lines: tuple[ReportLine, ...]
    facts: Mapping[str, str]
    path: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class PageView:
    """A changed page as two pictures (data URLs)."""

    number: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """The whole report."""

    tone: str
    verdict: str
    headline: str
    reasons: tuple[str, ...]
    remedy: str
    facts: Mapping[str, str]
    signatures: tuple[SignatureView, ...]
    remarks: tuple[str, ...]
    pages: tuple[PageView, ...]
    honest: tuple[str, ...]


def view_of(report: VerificationReport, translate: Translator) -> ReportView:
    """What the template shows of *report*."""
    return ReportView(
        tone=_tone(report.verdict),
        verdict=translate(words.VERDICTS[report.indication]),
        headline=translate(words.HEADLINES[(report.kind, report.indication)]),
        reasons=_sentences(report.verdict.reasons, translate),
        remedy=_remedy(report.verdict, translate),
        facts=_facts(report, translate),
        signatures=tuple(_signature(each, translate) for each in report.signatures),
        remarks=_sentences(report.remarks, translate),
        pages=tuple(_page(each) for each in report.pages),
        honest=tuple(translate(sentence) for sentence in words.HONEST),
    )


def _facts(report: VerificationReport, translate: Translator) -> Mapping[str, str]:
    facts = {
        translate("File"): report.file or "–",
        translate("Kind"): translate(words.KINDS[report.kind]),
        "SHA-256": report.digest or "–",
        translate("Judged for"): shown_time(report.at),
        translate("Indication"): _words_of(report.verdict),
    }
    if report.signed_revision is not None:
        values = {"size": f"{report.signed_revision:,}"}
        facts[translate("Signed revision")] = translate("the first {size} bytes of the file", **values)
    return facts


def _signature(report: SignatureReport, translate: Translator) -> SignatureView:
    return SignatureView(
        title=report.signer or translate("Unknown signer"),
        subtitle=_subtitle(report, translate),
        tone=_tone(report.verdict),
        verdict=translate(words.VERDICTS[report.verdict.indication]),
        reasons=_sentences(report.verdict.reasons, translate),
        lines=tuple(
            ReportLine(
                translate(words.ROWS.get(row.subject, row.subject)),
                row.answer.value,
                translate(words.ANSWERS[row.answer]),
                row.sentence.translated(translate),
            )
            for row in report.rows
        ),
        facts=_signature_facts(report, translate),
        path=tuple(_certificate(report, index, translate) for index in range(len(report.path))),
    )


def _subtitle(report: SignatureReport, translate: Translator) -> str:
    if report.document_timestamp or report.field is None:
        return translate("Timestamp token")
    if report.signing_time is None:
        return translate("Signature, time unknown")
    template = "Signed {time}" if report.timestamp else "Signed {time}, as the signer claims"
    return translate(template, time=shown_time(report.signing_time))


def _signature_facts(report: SignatureReport, translate: Translator) -> Mapping[str, str]:
    facts = {translate("Indication"): _words_of(report.verdict)}
    if report.field:
        facts[translate("Field")] = report.field
    if report.claimed is not None:
        facts[translate("Time claimed by the signer")] = shown_time(report.claimed)
    if report.timestamp is not None:
        facts[translate("Time of the timestamp")] = shown_time(report.timestamp)
    if report.coverage is not None:
        facts[translate("Signed part")] = translate(words.COVERAGES[report.coverage.value])
    if report.algorithms:
        facts[translate("Algorithms")] = report.algorithms
    return facts


def _certificate(report: SignatureReport, index: int, translate: Translator) -> Mapping[str, str]:
    shown = report.path[index]
    return {
        translate("Subject"): shown.subject,
        translate("Issuer"): shown.issuer,
        translate("Serial number"): shown.serial,
        translate("Validity"): f"{shown_time(shown.not_before)} – {shown_time(shown.not_after)}",
        "SHA-256": shown.fingerprint,
    }


def _remedy(verdict: Verdict, translate: Translator) -> str:
    if verdict.subindication is None:
        return ""
    return translate(words.REMEDIES[verdict.subindication])


def _sentences(reasons: tuple[Reason, ...], translate: Translator) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reason.translated(translate) for reason in reasons))


def _words_of(verdict: Verdict) -> str:
    return f"{verdict.indication} / {verdict.subindication}" if verdict.subindication else verdict.indication.value


def _tone(verdict: Verdict) -> str:
    return {Indication.PASSED: "yes", Indication.FAILED: "no"}.get(verdict.indication, "open")


def _page(pair: PagePair) -> PageView:
    return PageView(pair.page, _picture(pair.before), _picture(pair.after))


def _picture(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
