"""Mail over TLS, at once and by STARTTLS: with a server that can be trusted, and never with another one."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.config import MailSettings, Security
from appliance.notices.channel import DeliveryUnreachable, Envelope
from appliance.notices.mail import MailClient
from appliance.notices.messages import MailMessage
from tests.ports import free_port

LETTER = MailMessage("提醒", "正文\n", "<p>正文</p>")
NOW = datetime.now(UTC)
ENVELOPE = Envelope("li@example.com", "李示例", "<1@notices.vermilion>", NOW)


class Room:
    """Keeps what arrives, and whether it came over TLS."""

    def __init__(self) -> None:
        self.arrived: list[bool] = []

    async def handle_DATA(self, server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.arrived.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 taken"


class StartTls(Controller):
    """A server that takes nothing before STARTTLS, and logs in only the one it knows."""

    def __init__(self, room: Room, context: ssl.SSLContext, port: int) -> None:
        super().__init__(room, hostname="127.0.0.1", port=port)
        self._context = context

    def factory(self) -> SMTP:
        def known(_server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any) -> AuthResult:
            right = (login.login, login.password) == (b"vermilion", b"secret")
            return AuthResult(success=right, handled=False)

        return SMTP(
            self.handler,
            tls_context=self._context,
            require_starttls=True,
            authenticator=known,
            auth_required=True,
            auth_require_tls=True,
        )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of a server at 127.0.0.1, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("mail") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def server(certificate: Path, security: Security) -> Iterator[tuple[Room, MailSettings]]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    room, port = Room(), free_port()
    if security is Security.TLS:
        controller = Controller(room, hostname="127.0.0.1", port=port, ssl_context=context)
    else:
        controller = StartTls(room, context, port)
    controller.start()
    try:
        user = "vermilion" if security is Security.STARTTLS else ""
        yield room, MailSettings(host="127.0.0.1", port=port, security=security, user=user)
    finally:
        controller.stop()


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_mail_goes_over_tls_to_a_server_that_can_be_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, security: Security
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with server(certificate, security) as (room, settings):
        MailClient(settings, "secret").send_message(ENVELOPE, LETTER)
    assert room.arrived == [True]


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_nothing_goes_to_a_server_that_cannot_be_trusted(certificate: Path, security: Security) -> None:
    with (
        server(certificate, security) as (room, settings),
        pytest.raises(DeliveryUnreachable, match="CERTIFICATE"),
    ):
        MailClient(settings, "secret").send_message(ENVELOPE, LETTER)
    assert room.arrived == []


def test_a_wrong_password_sends_nothing(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        server(certificate, Security.STARTTLS) as (room, settings),
        pytest.raises(DeliveryUnreachable, match="Authentication"),
    ):
        MailClient(settings, "guessed").send_message(ENVELOPE, LETTER)
    assert room.arrived == []
