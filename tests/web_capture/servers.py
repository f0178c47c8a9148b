"""Web servers on loopback for captures: what they send is octets that the tests wrote, odd ones too."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from errno import EMFILE
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_AGAIN: Final = 0.05
"""Seconds until connections are accepted again, where there was no descriptor for one."""


@dataclass(frozen=True)
class Asked:
    """One request as it came: ``raw`` is its head, and its body where that has a length; ``port`` the server's."""

    method: str
    host: str
    path: str
    raw: bytes
    port: int = 0

    def field(self, name: str) -> str:
        """The value of a header field, empty where there is none."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        found = {key.lower(): value.strip() for key, _, value in (each.partition(":") for each in lines)}
        return found.get(name.lower(), "")

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]


Answer = bytes | Iterator[bytes]
Site = Callable[[Asked], Answer]


def page(body: str, *, head: str = "", kind: str = "text/html; charset=utf-8", status: str = "200 OK") -> bytes:
    """A response with a length; *head* are further header lines."""
    octets = body.encode()
    return answer(octets, kind, head=head, status=status)


def answer(octets: bytes, kind: str, *, head: str = "", status: str = "200 OK") -> bytes:
    """A response of *octets* with a length."""
    lines = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(octets)}\r\n{head}\r\n"
    return lines.encode("latin-1") + octets


def packed(octets: bytes, kind: str) -> bytes:
    """The same, compressed."""
    return answer(gzip.compress(octets, mtime=0), kind, head="Content-Encoding: gzip\r\n")


def ranged(asked: Asked, octets: bytes, kind: str) -> bytes:
    """What *asked* wants of *octets* (RFC 9110, 14.2): one range, or all."""
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.field("range"))
    if wanted is None:
        return answer(octets, kind, head="Accept-Ranges: bytes\r\n")
    first, last = int(wanted[1]), min(int(wanted[2] or len(octets) - 1), len(octets) - 1)
    head = f"Content-Range: bytes {first}-{last}/{len(octets)}\r\nAccept-Ranges: bytes\r\n"
    return answer(octets[first : last + 1], kind, head=head, status="206 Partial Content")


class Listening:
    """A port of this machine, each of whose connections is served in a thread of its own."""

    port: int = 0
    """Any that is free where it is 0."""

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=200)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError as error:
                if error.errno == EMFILE:  # taken before it waits for anyone: a test leaves this process none
                    time.sleep(_AGAIN)
                    continue
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        raise NotImplementedError


@dataclass
class Server(Listening):
    """Serves *sites* by host name; connections stay open until a site's answer has no length. ``seen`` is what was
    asked for, ``sent`` what was answered by octets of one piece."""

    sites: Mapping[str, Site]
    context: ssl.SSLContext | None = None
    seen: list[Asked] = field(default_factory=list)
    sent: list[tuple[Asked, bytes]] = field(default_factory=list)
    port: int = 0

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError, IndexError, StopIteration):
            if self.context is not None:
                line = self.context.wrap_socket(line, server_side=True)
            with line:
                while self._answered(line):
                    pass

    def _answered(self, line: socket.socket) -> bool:
        raw = b""
        while b"\r\n\r\n" not in raw:
            block = line.recv(65536)
            if not block:
                return False
            raw += block
        method, path, _ = raw.decode("latin-1").partition("\r\n")[0].split(" ")
        asked = Asked(method, "", path, raw, self.port)
        while block and len(asked.body) < int(asked.field("content-length") or 0):
            block = line.recv(65536)
            asked = replace(asked, raw=asked.raw + block)
        asked = replace(asked, host=asked.field("host").partition(":")[0])
        self.seen.append(asked)
        given = self.sites[asked.host](asked)
        if isinstance(given, bytes):
            self.sent.append((asked, given))
            line.sendall(given)
            head = given.partition(b"\r\n\r\n")[0].lower()
            return b"content-length" in head or b"chunked" in head or b" 304 " in head
        for block in given:
            line.sendall(block)
        return False


def certificate(
    folder: Path,
    names: list[str],
    *,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
    days: tuple[int, int] = (-1, 30),
    key: ec.EllipticCurvePrivateKey | None = None,
) -> tuple[ssl.SSLContext, x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A server's context by *key* or a fresh one: self-signed, or by *issuer*; valid from and to so many days from
    now."""
    key, now = key or ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    by = subject if issuer is None else issuer[0].subject
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                (key if issuer is None else issuer[1]).public_key()
            ),
            critical=False,
        )
        .sign(key if issuer is None else issuer[1], hashes.SHA256())
    )
    chain = made.public_bytes(Encoding.PEM)
    file = folder / f"{made.serial_number:x}.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, made, key
