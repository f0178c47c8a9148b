"""What the portal is made from; whoever starts it hands these over, nothing here is looked up globally."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from wsgiref.types import WSGIApplication

from appliance.config import Settings
from appliance.language import Language
from appliance.verification import VerificationReport, Verifier
from hsm.client import AuthorityClient


@dataclass(frozen=True, slots=True)
class PortalParts:
    """``form_key`` is at least 32 secret bytes; ``timestamps`` serves ``POST /tsa``."""

    settings: Settings
    authority: AuthorityClient
    verifier: Verifier
    timestamps: WSGIApplication
    form_key: bytes
    render: Callable[[VerificationReport, Language], str]
