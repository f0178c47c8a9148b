"""A timestamp authority outside: OpenSSL's own (``openssl ts -reply``) behind a small web server."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_SETTINGS = """\
[tsa]
default_tsa = outside
[outside]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/tsa.pem
default_policy = 1.3.6.1.4.1.32473.9.9
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
signer_digest = sha256
"""

Answering = Callable[[BaseHTTPRequestHandler, bytes], None]
"""Answers a request, given its body; or does not."""


@dataclass(slots=True)
class OutsideTsa:
    """``url`` is where it listens, ``root`` the PEM file to trust. ``answering`` may be exchanged for another."""

    folder: Path
    url: str = ""
    answering: Answering = field(init=False)
    asked: int = 0

    def __post_init__(self) -> None:
        self.answering = self.answer_well

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def answer_well(self, handler: BaseHTTPRequestHandler, request: bytes) -> None:
        send(handler, self.reply(request))

    def reply(self, request: bytes) -> bytes:
        """What OpenSSL replies to *request*."""
        query, reply = self.folder / f"{threading.get_ident()}.tsq", self.folder / f"{threading.get_ident()}.tsr"
        query.write_bytes(request)
        command = ["openssl", "ts", "-reply", "-config", str(self.folder / "ts.cnf"), "-queryfile", str(query)]
        subprocess.run([*command, "-out", str(reply)], capture_output=True, check=True)
        return reply.read_bytes()


def send(handler: BaseHTTPRequestHandler, body: bytes, *, kind: str = "application/timestamp-reply") -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def outside_tsa(folder: Path) -> Iterator[OutsideTsa]:
    """Listening, with a root and a certificate of its own in *folder*."""
    make_authority(folder)
    tsa = OutsideTsa(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            tsa.asked += 1
            request = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                tsa.answering(self, request)
            except OSError:  # whoever asked has gone
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tsa.url = f"http://127.0.0.1:{server.server_port}/tsa"
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield tsa
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def make_authority(folder: Path) -> None:
    """Root, timestamp certificate and settings for ``openssl ts``."""
    folder.mkdir(parents=True, exist_ok=True)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("局外根证书", root_key, "局外根证书", root_key, ca=True)
    stamping = _certificate("局外时间戳服务", key, "局外根证书", root_key, ca=False)
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "tsa.pem").write_bytes(stamping.public_bytes(Encoding.PEM))
    for name, each in (("tsa.key", key), ("root.key", root_key)):
        private = each.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / name).write_bytes(private)
    (folder / "serial").write_text("01\n")
    (folder / "ts.cnf").write_text(_SETTINGS.format(folder=folder))


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(_name(issuer), _name(subject), key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not ca:
        stamping = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(stamping, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "丁公司示例有限公司")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
