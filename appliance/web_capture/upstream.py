"""Connections of the recording proxy with real servers, directly or through a proxy of the house.

Requests without TLS go to the house's proxy in absolute form (RFC 9112, 3.2.2), for others it makes a tunnel (RFC
9110, 9.3.6). It resolves the names; what it does with them this machine cannot see.
"""

from __future__ import annotations

import base64
import re
import select
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

from appliance.web_capture.destinations import NO_ROOM, Destinations, NotVisited, is_for_want_of_room
from appliance.web_capture.model import ForwardProxy, Resolution, TlsFacts, TlsTrust, Traffic

PATIENCE: Final = 15.0
"""Seconds that a server may be silent."""
_OTHER_PROTOCOLS: Final = frozenset(
    {
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104),
        *(109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515),
        *(526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049),
        *(3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    }
)
"""Ports that no browser visits, since other protocols listen there (WHATWG Fetch, 2.9)."""


def server_trust(authorities: str | None = None) -> ssl.SSLContext:
    """What this machine believes, and the *authorities* in a PEM file; certificates without what browsers do not
    ask for either are taken."""
    context = ssl.create_default_context()
    if authorities is not None:
        context.load_verify_locations(authorities)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class Upstream:
    """One connection to one server, at the address that its name led to in this capture; without an address where
    a proxy of the house is between, which takes plain requests in ``absolute`` form, and ``fields`` of its own."""

    def __init__(
        self,
        place: tuple[str, int],
        address: str,
        line: socket.socket,
        *,
        absolute: bool = False,
        fields: bytes = b"",
    ) -> None:
        self.place = place
        self.address = address
        self.line = line
        self.absolute = absolute
        self.fields = fields

    @property
    def is_fresh(self) -> bool:
        """Whether nothing has come that nobody asked for, not even its end."""
        pending = self.line.pending() if isinstance(self.line, ssl.SSLSocket) else 0
        waiting = select.poll()
        waiting.register(self.line, select.POLLIN)
        return not pending and not waiting.poll(0)

    def close(self) -> None:
        self.line.close()


class Connecting:
    """Opens connections, and notes in *traffic* where they went and what TLS there is. *trust* gives a context
    that verifies; a server that fails it is captured without."""

    def __init__(self, destinations: Destinations, traffic: Traffic, trust: Callable[[], ssl.SSLContext]) -> None:
        self._destinations = destinations
        self._traffic = traffic
        self._proxy, authorities = destinations.house.proxy, destinations.house.authorities
        if self._proxy is not None:
            traffic.proxy = f"{self._proxy.host}:{self._proxy.port}"
        self._verifying = trust()
        self._verifying.set_alpn_protocols(["http/1.1"])
        self._of_house = frozenset[bytes]()
        if authorities:
            self._of_house = _certificates(authorities)
            self._verifying.load_verify_locations(authorities)
        self._lenient = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._lenient.check_hostname = False
        self._lenient.verify_mode = ssl.CERT_NONE  # judged and told all the same; nothing secret is sent
        self._lenient.set_alpn_protocols(["http/1.1"])

    def open(self, host: str, port: int, *, tls: bool) -> Upstream:
        """Raises :class:`NotVisited` with the reason."""
        if port in _OTHER_PROTOCOLS:
            raise NotVisited("forbidden")
        found = self._destinations.at(host, port)
        self._traffic.note_resolution(found)
        line = self._connected(found, port, tls=tls)
        if tls:
            try:
                line = self._secured(line, found, port)
            except (OSError, ValueError) as error:
                line.close()
                raise NotVisited("tls") from error
        if found.address or self._proxy is None:
            return Upstream((host, port), found.address, line)
        fields = b"" if tls else authorization(self._proxy)
        return Upstream((host, port), "", line, absolute=not tls, fields=fields)

    def _connected(self, found: Resolution, port: int, *, tls: bool) -> socket.socket:
        if found.address or self._proxy is None:
            line = _connected(found.address, port)
        else:
            line = _connected(self._proxy.host, self._proxy.port)
        try:
            address, at = line.getpeername()[:2]
            self._traffic.note_connection(found.host, address, at)
            if tls and not found.address and self._proxy is not None:
                open_tunnel(line, self._proxy, found.host, port)
        except (NotVisited, OSError) as error:
            line.close()
            raise NotVisited("proxy") from error
        return line

    def _secured(self, line: socket.socket, found: Resolution, port: int) -> ssl.SSLSocket:
        host = found.host
        try:
            secured = self._verifying.wrap_socket(line, server_hostname=host)
            trust, why = TlsTrust.HOUSE if self._is_of_house(secured) else TlsTrust.TRUSTED, ""
        except ssl.SSLCertVerificationError as error:
            line.close()
            trust, why = TlsTrust.UNTRUSTED, error.verify_message
            secured = self._lenient.wrap_socket(self._connected(found, port, tls=True), server_hostname=host)
        cipher = secured.cipher()
        self._traffic.note_tls(
            TlsFacts(host, secured.version() or "", cipher[0] if cipher else "", trust, why, _chain(secured))
        )
        return secured

    def _is_of_house(self, line: Any) -> bool:
        """Whether it was one of the house's own authorities by which the server was believed."""
        believed = line.get_verified_chain() if hasattr(line, "get_verified_chain") else _chain(line)
        return any(each in self._of_house for each in believed)


def _certificates(file: str) -> frozenset[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(file)
    return frozenset(context.get_ca_certs(binary_form=True))


def _connected(address: str, port: int) -> socket.socket:
    try:
        line = socket.create_connection((address, port), PATIENCE)
    except OSError as error:
        raise NotVisited(NO_ROOM if is_for_want_of_room(error) else "unreachable") from error
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _chain(line: Any) -> tuple[bytes, ...]:
    """The certificates (DER) that the server sent; before Python 3.13 its own alone."""
    if hasattr(line, "get_unverified_chain"):
        return tuple(line.get_unverified_chain())
    own = line.getpeercert(binary_form=True)
    return (own,) if own else ()


_LARGEST_HEAD: Final = 64 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r\n]")


def authorization(proxy: ForwardProxy) -> bytes:
    """The header field by which the proxy knows this machine (RFC 7617); empty where it asks for none."""
    if proxy.credentials is None:
        return b""
    return b"Proxy-Authorization: Basic " + base64.b64encode(proxy.credentials) + b"\r\n"


def open_tunnel(line: socket.socket, proxy: ForwardProxy, host: str, port: int) -> None:
    """Makes *line*, a connection with *proxy*, one with *host*. Raises :class:`NotVisited` where it refuses, and
    OSError."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    asked = f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n".encode("ascii")
    line.sendall(asked + authorization(proxy) + b"\r\n")
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        block = line.recv(1)  # nothing of what follows belongs to the proxy
        head += block
        if not block or len(head) > _LARGEST_HEAD:
            raise NotVisited("proxy")
    status = _STATUS.match(head)
    if status is None or not 200 <= int(status[1]) < 300:
        raise NotVisited("proxy")
