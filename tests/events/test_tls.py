"""TLS to receivers: a certificate that is good for the host in the address, by an authority that is trusted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.events import WebhookActor
from tests.events.receiver import Receiver, make_certificate, receiving, secured
from tests.events.site import ERP, Site


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1 alone, with its key, in one file; its own authority."""
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    make_certificate(path)
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Receiver]:
    with receiving(secured(certificate)) as running:
        yield running


def problem_of(site: Site, url: str) -> str | None:
    """What went wrong with one event that was sent to *url*."""
    site.add_contract("one")
    webhook, _ = site.webhook_to(url)
    site.append("one")
    site.deliver()
    [attempt] = site.webhooks.attempts(webhook, WebhookActor.of_client(ERP))
    return attempt.problem


@pytest.mark.parametrize(
    ("host", "trusted", "expected"),
    [
        ("127.0.0.1", True, None),
        ("127.0.0.1", False, "self-signed certificate"),
        ("localhost", True, "Hostname mismatch"),
    ],
)
def test_the_certificate_is_verified(
    site: Site, secure: Receiver, certificate: Path, host: str, trusted: bool, expected: str | None
) -> None:
    targets = [f"{name}:{secure.port}" for name in ("127.0.0.1", "localhost", "[::1]")]
    strict = Site(site.database, targets, trust=str(certificate) if trusted else "")
    problem = problem_of(strict, f"https://{host}:{secure.port}/hook")
    assert (problem is None) if expected is None else (problem is not None and expected in problem)
    assert len(secure.arrived) == (expected is None)
    strict.delivery.close()
