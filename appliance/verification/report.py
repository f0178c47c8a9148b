"""The report for people: one HTML file that needs nothing else, or a PDF of the same, in Chinese or English.

One template serves screen and paper; ``tone`` is yes, no or open everywhere, pages are data URLs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Final

from appliance.language import Language, translator
from appliance.typesetting.typesetter import page_template, typeset
from appliance.verification.model import (
    FileKind,
    Indication,
    RowAnswer,
    SubIndication,
    Verdict,
    VerificationReport,
)
from appliance.verification.tokens import shown_time
from hsm.errors import Sentence


def _tone(verdict: Verdict) -> str:
    return {Indication.PASSED: "yes", Indication.FAILED: "no"}.get(verdict.indication, "open")


def _indication(verdict: Verdict) -> str:
    return f"{verdict.indication} / {verdict.subindication}" if verdict.subindication else verdict.indication.value


def _picture(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


VERDICTS: Final = {
    Indication.PASSED: "Valid",
    Indication.FAILED: "Not valid",
    Indication.INDETERMINATE: "Undecided",
}
HEADLINES: Final = {
    (FileKind.PDF, Indication.PASSED): "The document is validly signed and has not been altered since.",
    (FileKind.PDF, Indication.FAILED): "Do not rely on this document: it was altered, or its signature is broken.",
    (FileKind.PDF, Indication.INDETERMINATE): "It cannot be said whether this document is validly signed.",
    (FileKind.TIMESTAMP, Indication.PASSED): "The timestamp is valid: the data existed in this form at that time.",
    (FileKind.TIMESTAMP, Indication.FAILED): "Do not rely on this timestamp: it is broken, or about other data.",
    (FileKind.TIMESTAMP, Indication.INDETERMINATE): "It cannot be said whether this timestamp proves anything.",
    (FileKind.EVIDENCE, Indication.PASSED): "The evidence package is complete, unaltered and validly signed.",
    (
        FileKind.EVIDENCE,
        Indication.FAILED,
    ): "Do not rely on this evidence package: it was altered or is incomplete.",
    (FileKind.EVIDENCE, Indication.INDETERMINATE): "It cannot be said whether this evidence package is sound.",
}
_DATED = "Nobody signed this document; it is dated by timestamps and has not been altered since."
_PATIENCE = 30.0
"""Seconds for one report on paper, which anybody can ask for; one with ten signatures takes about three."""
_UNALTERED_COPY = "Ask the sender for an unaltered copy and compare its SHA-256 with theirs."
_OTHER_DATE = "Verify for a moment at which the certificate was valid, or ask for a copy with a later timestamp."
_WHAT_CHANGED = "Look at the revision that was signed, and ask the sender what changed."
_SIGN_AGAIN = "Ask the signer to sign again, with a certificate and algorithms that are accepted today."
REMEDIES: Final = {
    SubIndication.FORMAT_FAILURE: _UNALTERED_COPY,
    SubIndication.HASH_FAILURE: _UNALTERED_COPY,
    SubIndication.SIG_CRYPTO_FAILURE: _UNALTERED_COPY,
    SubIndication.REVOKED: "Ask the signer to sign again with a certificate that is not revoked.",
    SubIndication.EXPIRED: _SIGN_AGAIN,
    SubIndication.NOT_YET_VALID: _SIGN_AGAIN,
    SubIndication.SIG_CONSTRAINTS_FAILURE: _WHAT_CHANGED,
    SubIndication.CHAIN_CONSTRAINTS_FAILURE: _SIGN_AGAIN,
    SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE: _SIGN_AGAIN,
    SubIndication.CRYPTO_CONSTRAINTS_FAILURE: _SIGN_AGAIN,
    SubIndication.TIMESTAMP_ORDER_FAILURE: "Ask the sender how the timestamps came about.",
    SubIndication.NO_SIGNING_CERTIFICATE_FOUND: "Ask the signer for the certificate, and verify again with it.",
    SubIndication.NO_CERTIFICATE_CHAIN_FOUND: (
        "Get the certificate of the authority by a way that you trust, and verify again with it."
    ),
    SubIndication.REVOKED_NO_POE: "Ask for a copy whose timestamp is older than the revocation.",
    SubIndication.REVOKED_CA_NO_POE: "Ask for a copy whose timestamp is older than the revocation.",
    SubIndication.OUT_OF_BOUNDS_NO_POE: _OTHER_DATE,
    SubIndication.NO_POE: _OTHER_DATE,
    SubIndication.GENERIC: _UNALTERED_COPY,
    SubIndication.SIGNED_DATA_NOT_FOUND: "Verify again and give the data that the timestamp was taken of.",
    SubIndication.NO_SIGNATURE_FOUND: "Ask the sender for the signed version of the document.",
}
ROWS: Final = {
    "integrity": "Integrity",
    "trust": "Trusted by whom",
    "time": "Valid at signing time",
    "revocation": "Revocation",
    "timestamp": "Timestamp (RFC 3161)",
    "level": "Level",
    "changes": "What changed afterwards",
}
ANSWERS: Final = {RowAnswer.YES: "yes", RowAnswer.NO: "no", RowAnswer.OPEN: "not known"}
KINDS: Final = {
    FileKind.PDF: "Signed document (PDF)",
    FileKind.TIMESTAMP: "Timestamp (RFC 3161)",
    FileKind.EVIDENCE: "Evidence package",
}
COVERAGES: Final = {
    "whole-file": "the whole file",
    "whole-revision": "the whole revision that was signed",
    "partial": "only a part",
}
HONEST: Final = (
    "A timestamp authority of one's own is not an independent third party, and an internal certification "
    "authority is not a licensed electronic certification service. Who the trusted authorities are, and whether "
    "that is enough, is for the reader to judge.",
    "Nothing was looked up on a network. Revocation is judged by what is in the file and at hand.",
)


def render_html(report: VerificationReport, language: Language, *, back: str = "") -> str:
    """One HTML document with everything in it: no script, nothing from outside.

    *back* is the address from which it was asked for, for a way back; none in a file that is kept.
    """
    return _rendered(report, language, paper=False, back=back)


def render_pdf(report: VerificationReport, language: Language) -> bytes:
    """The same as a PDF (A4) with its typefaces embedded. Raises as :func:`appliance.typesetting.typeset`."""
    return typeset(_rendered(report, language, paper=True), images=True, patience=_PATIENCE)


def _rendered(report: VerificationReport, language: Language, *, paper: bool, back: str = "") -> str:
    translate = translator(language)

    def sentences(reasons: Iterable[Sentence]) -> list[str]:
        return list(dict.fromkeys(reason.translated(translate) for reason in reasons))

    passed_unsigned = report.kind is FileKind.PDF and report.indication is Indication.PASSED
    passed_unsigned = passed_unsigned and all(each.document_timestamp for each in report.signatures)
    return page_template("appliance.verification", "report.html").render(
        report=report,
        headline=_DATED if passed_unsigned else HEADLINES[(report.kind, report.indication)],
        language=language.value,
        paper=paper,
        back=back,
        raw=json.dumps(report.to_json(), ensure_ascii=False, indent=2),
        translate=translate,
        sentences=sentences,
        **_SHOWN,
    )


_SHOWN: Final = {
    "tone": _tone,
    "indication": _indication,
    "picture": _picture,
    "time": shown_time,
    "verdicts": VERDICTS,
    "remedies": REMEDIES,
    "rows": ROWS,
    "answers": ANSWERS,
    "kinds": KINDS,
    "coverages": COVERAGES,
    "honest": HONEST,
}
"""What else the template is given: how values are shown, and the message ids of its texts."""
