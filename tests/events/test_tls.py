"""TLS to receivers: a certificate that is good for the host in the address, by an authority that is trusted."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.events import WebhookActor
from tests.events.receiver import Receiver, receiving
from tests.events.site import ERP, Site


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1 alone, with its key, in one file; its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with receiving(context) as running:
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
