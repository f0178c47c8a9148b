"""What the portal is made from; whoever starts it hands these over, nothing here is looked up globally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from appliance.config import Settings
from appliance.language import Language
from appliance.ledger import LogAnswers, LogProofs
from appliance.verification import VerificationReport, Verifier
from appliance.wiring import Appliance
from hsm.client import AuthorityClient


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

    @property
    def settings(self) -> Settings:
        """The appliance's settings."""
        return self.appliance.settings

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock of deadlines and expiries, in UTC."""
        return self.appliance.now

    @property
    def authority(self) -> AuthorityClient:
        """The authority, asked as the web."""
        return self.appliance.authority

    @property
    def verifier(self) -> Verifier:
        """The verifier that strangers use."""
        return self.appliance.verifier

    @property
    def proofs(self) -> LogProofs:
        """What the log proves."""
        return self.appliance.proofs
