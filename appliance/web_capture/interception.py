"""TLS with the browser of one capture: certificates that it takes for any host, all by one key of this capture.

The browser is told the digest of that key (``--ignore-certificate-errors-spki-list``) and believes nobody else.
What the real servers showed, and what is to be thought of it, the proxy finds out and writes down.
"""

from __future__ import annotations

import base64
import hashlib
import os
import ssl
import threading
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

_MOST: Final = 256
"""Hosts whose context is kept, of some 30 KB each: a page can ask for any number of hosts."""
_DAY: Final = timedelta(days=1)


class Interception:
    """The key and its certificates, which are in memory alone: no disk has them, and a full one changes nothing.
    Thread-safe."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._turn = threading.Lock()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key (SubjectPublicKeyInfo) in base64, as Chromium takes it."""
        public = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def context_for(self, host: str) -> ssl.SSLContext:
        """A server's side of TLS for *host*, with HTTP/1.1 alone."""
        with self._turn:
            if host not in self._contexts:
                if len(self._contexts) >= _MOST:
                    del self._contexts[next(iter(self._contexts))]
                self._contexts[host] = self._made(host)
            return self._contexts[host]

    def _made(self, host: str) -> ssl.SSLContext:
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with os.fdopen(os.memfd_create("certificate"), "wb", buffering=0) as file:
            file.write(key + self._certificate(host).public_bytes(Encoding.PEM))
            context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")  # it takes no octets
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _certificate(self, host: str) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "capture")])
        try:
            names: x509.GeneralName = x509.IPAddress(ip_address(host))
        except ValueError:
            names = x509.DNSName(host)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - _DAY)
            .not_valid_after(self._now + _DAY)
            .add_extension(x509.SubjectAlternativeName([names]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
