"""The good world, and how the tests ask for a verdict."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from appliance.verification import VerificationReport, confined_verification
from appliance.verification.trust import ValidationContext
from tests.verification.authorities import NOW, Identity, World, world

Verify = Callable[..., VerificationReport]


@pytest.fixture(scope="session")
def good() -> World:
    return world()


@pytest.fixture(scope="session")
def verify(good: World) -> Verify:
    """``verify(document, trust=[…], at=…, crls=[…])``; by default a day after signing, trusting the good root."""

    def run(
        document: bytes,
        *,
        trust: list[Identity] | None = None,
        at: datetime = NOW + timedelta(days=1),
        crls: tuple[bytes, ...] = (),
    ) -> VerificationReport:
        anchors = tuple(each.certificate for each in ([good.root] if trust is None else trust))
        return confined_verification.verify_pdf(document, ValidationContext(at, anchors, crls=crls))

    return run
