"""The way to the directory's server, tried before libldap takes it: which step fails, and by which certificate.

libldap says "can't contact LDAP server" of a name without an address and of a wrong certificate alike. It checks
the certificate again, and what it does not take is not used, whatever was found here.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from appliance.config import LdapSettings
from appliance.directory_service.messages import DirectoryFault, RequestFailed
from appliance.directory_service.request import Request
from hsm import der

_PORTS = {"ldap": 389, "ldaps": 636}
_LONGEST_STEP = 15.0
"""Seconds."""
_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"
"""The extended request of RFC 4511, 4.14.1, as message 1."""
_LONGEST_ANSWER = 4096
_EXTENDED_RESPONSE = 0x78
"""Its tag (RFC 4511, 4.12: application class, number 24)."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the directory is; StartTLS comes first unless it is TLS ``from_start``."""

    host: str
    port: int
    from_start: bool

    @classmethod
    def of(cls, settings: LdapSettings) -> Server:
        """That of the settings."""
        parts = urlsplit(settings.url)
        return cls(parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme == "ldaps")

    @property
    def url(self) -> str:
        """What libldap takes."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ldaps' if self.from_start else 'ldap'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """By whom the server's certificate is, and until when it holds."""

    issuer: str
    until: datetime


def trusted_by(request: Request) -> str | None:
    """The file of authorities; None for the system's. Raises RequestFailed for one that cannot be read."""
    name = request.settings.ldap.tls
    if not name:
        return None
    path = request.settings.beside(name)
    try:
        ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        raise RequestFailed(DirectoryFault.UNSET, f"{path} (ldap.tls) has no certificates: {error}") from error
    return str(path)


def addresses_of(server: Server) -> list[str]:
    """The addresses of the host. Raises RequestFailed where it has none."""
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise RequestFailed(DirectoryFault.UNREACHABLE, f"{server.host} has no address: {error}") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def connect(server: Server, request: Request) -> socket.socket:
    """A connection. Raises RequestFailed."""
    try:
        return socket.create_connection((server.host, server.port), min(_LONGEST_STEP, request.seconds))
    except TimeoutError as error:
        raise RequestFailed(DirectoryFault.LATE, f"no connection with port {server.port}") from error
    except OSError as error:
        raise RequestFailed(
            DirectoryFault.UNREACHABLE, f"port {server.port}: {error.strerror or error}"
        ) from error


def certificate_of(line: socket.socket, server: Server, trust: str | None) -> ServerCertificate:
    """Makes *line*, which it closes, secure, and tells by what. Raises RequestFailed."""
    try:
        with closing(line):
            if not server.from_start:
                _start_tls(line)
            with _context(trust).wrap_socket(line, server_hostname=server.host) as shielded:
                return _described(shielded.getpeercert() or {})
    except ssl.SSLCertVerificationError as error:
        raise RequestFailed(
            DirectoryFault.TLS, f"the certificate does not count: {error.verify_message}"
        ) from error
    except TimeoutError as error:
        raise RequestFailed(DirectoryFault.LATE, "no answer while TLS is begun") from error
    except OSError as error:  # of ssl, too
        raise RequestFailed(DirectoryFault.TLS, f"TLS cannot be begun: {error.strerror or error}") from error


def probe(server: Server, request: Request, trust: str | None) -> ServerCertificate:
    """All steps, and what the last one found. Raises RequestFailed."""
    addresses_of(server)
    return certificate_of(connect(server, request), server, trust)


def _context(trust: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trust)
    # Authorities of houses are often older than what Python asks of theirs since 3.13; libldap does not ask it.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _start_tls(line: socket.socket) -> None:
    line.sendall(_START_TLS)
    result = _result_code(line.recv(_LONGEST_ANSWER))
    if result != 0:
        why = (
            "no LDAP server answers" if result is None else f"the server does not offer StartTLS (result {result})"
        )
        raise RequestFailed(DirectoryFault.TLS, why)


def _result_code(answer: bytes) -> int | None:
    """The result code of an ExtendedResponse (RFC 4511, 4.12) with message id 1; None for anything else."""
    place, code = 0, None
    for tag in (der.SEQUENCE, der.INTEGER, _EXTENDED_RESPONSE, der.ENUMERATED):
        if answer[place : place + 1] != bytes([tag]):
            return None
        first = answer[place + 1] if place + 1 < len(answer) else 0
        more = first & 0x7F if first & 0x80 else 0
        place += 2 + more
        if tag == der.INTEGER:
            place += first
        elif tag == der.ENUMERATED:
            code = answer[place] if place < len(answer) else None
    return code


def _described(certificate: Mapping[str, Any]) -> ServerCertificate:
    names = [pair for each in certificate.get("issuer", ()) for pair in each]
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    return ServerCertificate(", ".join(str(value) for _, value in reversed(names)), until)


def certificates_file(trust: str | None) -> tuple[str | None, str | None]:
    """File and folder of authorities for libldap, which reads no configuration of its own here."""
    if trust:
        return trust, None
    system = ssl.get_default_verify_paths()
    file = system.cafile if system.cafile and Path(system.cafile).is_file() else None
    return file, system.capath
