"""What the main job leaves in a directory: written, verified again from disk, and listed."""

from __future__ import annotations

from pathlib import Path

from appliance.demonstration.story import DemonstrationResult
from appliance.language import Language
from appliance.supervision import Say
from appliance.verification import Indication, VerificationReport, Verifier
from appliance.verification.report import render_html, render_pdf

TRUST = ("ca.pem", "log.vkey")


class ResultFiles:
    """The files of one run in *out*. Nothing of an earlier run stays beside them."""

    def __init__(self, out: Path, *, language: Language, tell: Say) -> None:
        self._out = out
        self._language = language
        self._tell = tell

    def begin(self, document: bytes) -> None:
        """Clears what an earlier run left, and keeps the contract as it was given."""
        for name in (*_FILES, *(f"trust/{each}" for each in TRUST)):
            (self._out / name).unlink(missing_ok=True)
        (self._out / "trust").mkdir(parents=True, exist_ok=True)
        (self._out / "contract.pdf").write_bytes(document)

    def write(self, outcome: DemonstrationResult, *, trust: Path) -> None:
        """The signed contract, its timestamp, the evidence, and whom to believe."""
        files = {
            "contract.signed.pdf": outcome.signed,
            "contract.tsq": outcome.export.exchange.request,
            "contract.tsr": outcome.export.exchange.reply,
            "evidence.zip": outcome.export.package,
            **{f"trust/{name}": (trust / name).read_bytes() for name in TRUST},
        }
        for name, content in files.items():
            (self._out / name).write_bytes(content)

    def verify(self, verifier: Verifier) -> bool:
        """Verifies every result as a stranger would, writes the reports; whether all are TOTAL-PASSED."""
        signed = verifier.verify_file(self._out / "contract.signed.pdf")
        dated = (self._out / "contract.signed.pdf").read_bytes()
        reports = [
            signed,
            verifier.verify_file(self._out / "contract.tsr", data=dated),
            verifier.verify_file(self._out / "evidence.zip"),
        ]
        (self._out / "report.html").write_text(render_html(signed, self._language), encoding="utf-8")
        (self._out / "report.pdf").write_bytes(render_pdf(signed, self._language))
        for report in reports:
            self._say_verdict(report)
        self._tell("results     {out}", out=self._out)
        return all(report.indication is Indication.PASSED for report in reports)

    def _say_verdict(self, report: VerificationReport) -> None:
        signatures = len(report.signatures)
        self._tell(
            "verified    {file}: {verdict} (signatures and timestamps: {signatures})",
            file=report.file,
            verdict=report.indication,
            signatures=signatures,
        )
        for reason in report.reasons:
            self._tell("            {reason}", reason=reason)


_FILES = (
    "contract.pdf",
    "contract.signed.pdf",
    "contract.tsq",
    "contract.tsr",
    "evidence.zip",
    "report.html",
    "report.pdf",
)
