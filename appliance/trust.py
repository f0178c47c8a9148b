"""Whom the appliance believes: its own root, the timestamp authority outside when one is configured, and the
current revocation lists, which the signing authority is asked for at most once a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from appliance.config import Settings
from appliance.egress import Egress, ExchangeLimits
from appliance.errors import ConfigurationError
from appliance.timestamping import OutsideAuthority
from appliance.timestamping.issuing import LARGEST_REPLY
from appliance.verification import TrustAnchors, Verifier
from hsm.client import AuthorityClient

AGE = 30.0
"""Seconds for which a list at hand is good enough to verify by; sealing off asks for fresh ones itself."""


class CurrentCrls:
    """Gives the current lists (DER) when it is called. Thread-safe."""

    def __init__(self, authority: AuthorityClient) -> None:
        self._authority = authority
        self._guard = threading.Lock()
        self._asked = float("-inf")
        self._lists: tuple[bytes, ...] = ()

    def __call__(self) -> Sequence[bytes]:
        """The root's and the issuing CA's list. Raises :class:`AuthorityError` when none can be had."""
        with self._guard:
            if time.monotonic() - self._asked > AGE:
                self._lists = tuple(self._authority.crls())
                self._asked = time.monotonic()
            return self._lists


def trust_anchors(settings: Settings) -> TrustAnchors:
    """Our own root; for timestamps alone, also whom the authority outside leads to."""
    own = TrustAnchors.from_files([settings.home.trust / "ca.pem"])
    outside = _trust_outside(settings)
    return replace(own, stampers=outside.certificates, crls=(*own.crls, *outside.crls))


def _trust_outside(settings: Settings) -> TrustAnchors:
    try:
        return TrustAnchors.from_files(settings.beside(name) for name in settings.outside.trust)
    except OSError as error:
        raise ConfigurationError(
            "The file {name} of the setting outside.trust cannot be read: {why}.",
            name=error.filename,
            why=error.strerror or "unknown error",
        ) from error


def outside_authority(settings: Settings, verifier: Verifier) -> OutsideAuthority | None:
    """The authority outside, when one is configured: the only thing that ever leaves this machine for it."""
    configured = settings.outside
    if not configured.url:
        return None
    tls = str(settings.beside(configured.tls)) if configured.tls else None
    return OutsideAuthority(
        configured.url,
        Egress(ExchangeLimits(float(configured.seconds), LARGEST_REPLY), trust=tls),
        verify=verifier.verify_timestamp,
        trust=_trust_outside(settings),
        patience=float(configured.seconds),
    )
