"""What the portal is made from; whoever starts it hands these over, nothing here is looked up globally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from appliance.config import Settings
from appliance.language import Language
from appliance.ledger import LogAnswers, Proofs
from appliance.verification import VerificationReport, Verifier
from hsm.client import AuthorityClient


@dataclass(frozen=True, slots=True)
class PortalParts:
    """``form_key``: 32 secret bytes; ``render`` makes the HTML report."""

    settings: Settings
    now: Callable[[], datetime]
    authority: AuthorityClient
    verifier: Verifier
    proofs: Proofs
    log: LogAnswers
    form_key: bytes
    render: Callable[[VerificationReport, Language], str]
