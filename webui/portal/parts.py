"""What the portal is made from; whoever starts it hands these over, nothing here is looked up globally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.config import Settings
from appliance.language import Language
from appliance.ledger import LogAnswers, Proofs
from appliance.verification import VerificationReport, Verifier
from appliance.wiring import Appliance
from hsm.client import AuthorityClient


@dataclass(frozen=True, slots=True)
class PortalParts:
    """``form_key``: 32 secret bytes; ``render`` makes the HTML report."""

    appliance: Appliance
    log: LogAnswers
    form_key: bytes
    render: Callable[[VerificationReport, Language], str]

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
    def proofs(self) -> Proofs:
        """What the log proves."""
        return self.appliance.proofs
