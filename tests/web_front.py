"""nginx as an appliance has it: the template of the role, on the loopback interface and with sockets of a test."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.ports import free_port
from tests.provisioning.test_origins import rendered

_UNPACKED = Path(__file__).parents[1] / ".venv/nginx/usr/sbin"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:{_UNPACKED}")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is in Debian's package nginx, and not here")
PATIENCE = 30.0
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, slots=True)
class Own:
    """A certificate that signs itself, and its key, in one file."""

    path: Path
    certificate: x509.Certificate

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def own_certificate(
    folder: Path,
    subject: str,
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    begins: timedelta = timedelta(days=-1),
    lasts: timedelta = timedelta(days=365),
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
) -> Own:
    """A new one, of *subject*, valid from *begins* (from now) for so long as it *lasts*."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    start = datetime.now(UTC).replace(microsecond=0) + begins
    names = [x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), start, start + lasts)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{x509.random_serial_number():x}.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return Own(path, made)


def configuration(folder: Path, certificate: Path, **ports: int) -> Path:
    """The file for these *ports*; what it names lies in *folder*, and it listens on loopback alone."""
    # An installed machine has these names: mime.types, the sockets, the process's file.
    (folder / "mime.types").write_text("types { }\n")
    text = rendered(
        "web_front/templates/nginx.conf.j2",
        web_front_certificate=str(certificate),
        web_front_certificate_key=str(certificate),
        **ports,
    )
    text = re.sub(r"^ +listen \[::\]:.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"listen (\d+)", r"listen 127.0.0.1:\1", text)
    text = re.sub(r"^user www-data;", "user root;" if os.getuid() == 0 else "", text, flags=re.MULTILINE)
    temporary = "".join(f"    {each}_temp_path {folder}/{each};\n" for each in TEMPORARY)
    text = text.replace("http {\n", f"http {{\n{temporary}", 1)
    text = text.replace("/run/vermilion", str(folder)).replace("/run/nginx.pid", f"{folder}/nginx.pid")
    path = folder / "nginx.conf"
    path.write_text(text.replace("/etc/nginx/mime.types", f"{folder}/mime.types"))
    return path


def judged(path: Path) -> subprocess.CompletedProcess[str]:
    """What ``nginx -t`` says of the file."""
    command = [str(NGINX), "-t", "-q", "-e", "stderr", "-c", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@dataclass(frozen=True, slots=True)
class Front:
    """nginx. *portal* and *certificates* are its ports; *own* is the certificate that it shows."""

    portal: int
    certificates: int
    own: Own

    def address(self, *, ordinary: bool = False) -> str:
        return f"https://localhost:{self.portal if ordinary else self.certificates}"

    def context(self, certificate: Own | None = None) -> ssl.SSLContext:
        """Of somebody who knows this web front, and has this *certificate* or none."""
        made = ssl.create_default_context(cafile=str(self.own.path))
        if certificate is not None:
            made.load_cert_chain(certificate.path)
        return made


@contextmanager
def web_front(folder: Path) -> Iterator[Front]:
    """nginx before ``web.sock`` and ``certificates.sock`` in *folder*, with the port for certificates open."""
    own = own_certificate(folder, "localhost", purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    names = ("portal", "certificates", "activation", "console", "http")
    ports = {f"firewall_{name}_port": free_port() for name in names}
    path = configuration(folder, own.path, **ports)
    command = [str(NGINX), "-e", "stderr", "-g", "daemon off;", "-c", str(path)]
    with (folder / "nginx.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not (folder / "nginx.pid").exists():
                assert time.monotonic() < deadline and process.poll() is None, (folder / "nginx.log").read_text()
                time.sleep(0.02)
            yield Front(ports["firewall_portal_port"], ports["firewall_certificates_port"], own)
        finally:
            process.terminate()
            process.wait(PATIENCE)
