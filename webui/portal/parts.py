"""What the portal is made from; whoever starts it hands these over, nothing here is looked up globally."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from appliance.language import Language
from appliance.ledger import LogAnswers
from appliance.verification import VerificationReport
from appliance.wiring import Appliance


class Reports(Protocol):
    """Reports about verdicts; :mod:`appliance.verification.report` is it."""

    def render_html(self, report: VerificationReport, language: Language, *, back: str = "") -> str:
        """The report as one HTML document, with a way back to the address *back*."""

    def render_pdf(self, report: VerificationReport, language: Language) -> bytes:
        """The report as PDF."""


@dataclass(frozen=True, slots=True)
class PortalParts:
    """``form_key``: 32 secret bytes; ``reports`` sets verdicts for screen and paper."""

    appliance: Appliance
    log: LogAnswers
    form_key: bytes
    reports: Reports
