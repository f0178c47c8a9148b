"""A browser without a screen: it keeps cookies, follows redirections, fills forms, answers with its passkey."""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urldefrag, urlencode, urljoin

from tests.accounts.device import Device
from tests.machine.forms import Form, Page

PATIENCE = 120
"""Seconds in which an answer begins; a machine without hardware virtualisation is slow."""

REDIRECTED = (301, 302, 303, 307, 308)
HTTP, HTTPS, CONSOLE, ACTIVATION = 80, 443, 8443, 8445
HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the appliance is: on the loopback interface of its network, or at the address *place*, with a
    certificate that names *host*."""

    host: str
    certificate: Path
    port: int = HTTPS
    place: str = HERE

    @property
    def origin(self) -> str:
        """Where people sign in: the portal's, or the console's."""
        return f"https://{self.host}{'' if self.port == HTTPS else f':{self.port}'}"

    @property
    def activation(self) -> str:
        """The activation service's, where they confirm what is signed."""
        return f"https://{self.host}:{ACTIVATION}"

    def origin_of(self, path: str) -> str:
        """Whose page *path* is; only those of the activation service are told with their origin."""
        return self.activation if path.startswith(self.activation) else self.origin

    def in_the_clear(self) -> http.client.HTTPConnection:
        """A connection to the port without TLS: timestamps, revocation lists, certificates."""
        return http.client.HTTPConnection(self.place, HTTP, timeout=PATIENCE)

    def encrypted(self, port: int = HTTPS) -> http.client.HTTPSConnection:
        """A connection to the portal, or to what has another *port*; the certificate is checked against the one
        that the machine made."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        return _Connection(self.host, port, context, self.place)


class _Connection(http.client.HTTPSConnection):
    def __init__(self, host: str, port: int, context: ssl.SSLContext, place: str) -> None:
        super().__init__(host, port, timeout=PATIENCE, context=context)
        self._tls, self._place = context, place

    def connect(self) -> None:
        plain = socket.create_connection((self._place, self.port), timeout=PATIENCE)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


@dataclass(slots=True)
class Visitor:
    """Somebody at a browser. A request is sent once: what fails raises OSError or HTTPException. ``leaves``: an
    address of somebody else's is an answer, and not asked."""

    address: Address
    device: Device
    cookies: dict[str, str] = field(default_factory=dict)
    leaves: bool = False

    def get(self, path: str) -> Page:
        """The page at *path*, or where it leads."""
        return self._ask("GET", path, b"", "")

    def good(self, path: str) -> Page:
        """The same; raises AssertionError unless it is there."""
        page = self.get(path)
        assert page.status == 200, f"{page.path} is answered with {page.status}: {page.said()}"
        return page

    def try_to_send(self, form: Form, button: tuple[str, str] | None = None, **values: str | list[str]) -> Page:
        """Posts *form* with *values*, answered by the passkey where it wants one; whatever comes of it."""
        if form.kind:
            answer = self.device.create if form.kind == "create" else self.device.get
            # As a browser: the answer names the page's own origin, whichever the passkey was made at.
            self.device.origin = self.device.inside.origin = self.address.origin_of(form.action)
            values["credential"] = answer(form.options)
            self.device.origin = self.device.inside.origin = self.address.origin
        body = urlencode(form.filled(button, values)).encode()
        return self._ask("POST", form.action, body, "application/x-www-form-urlencoded")

    def send(self, form: Form, button: tuple[str, str] | None = None, **values: str | list[str]) -> Page:
        """The same; raises AssertionError when it was refused."""
        page = self.try_to_send(form, button, **values)
        assert page.status == 200, f"{form.action} was refused ({page.status}): {page.said()}"
        return page

    def confirm(self, page: Page, **values: str) -> Page:
        """Confirms what *page* shows, with *values* typed, where the portal has sent the browser to the activation
        service; a release from before that service has taken the passkey itself."""
        if self.address.origin_of(page.path) == self.address.origin:
            return page
        return self.send(page.form(having="credential"), **values)

    def upload(self, form: Form, name: str, file: tuple[str, bytes]) -> Page:
        """Posts *form* with the *file* (its name, its bytes) in the field *name*; whatever comes of it."""
        border = secrets.token_hex(16)
        parts = [(f'name="{key}"', value.encode()) for key, value in form.filled(None, {})]
        parts.append((f'name="{name}"; filename="{file[0]}"\r\nContent-Type: application/pdf', file[1]))
        body = b"".join(
            f"--{border}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
            for head, content in parts
        )
        return self._ask(
            "POST", form.action, body + f"--{border}--\r\n".encode(), f"multipart/form-data; boundary={border}"
        )

    def _ask(self, method: str, path: str, body: bytes, kind: str) -> Page:
        for _ in range(8):
            status, answer, location = self._once(method, path, body, kind)
            if status not in REDIRECTED or location is None:
                return Page(path, status, answer)
            portal = f"{self.address.origin}/"
            there = urldefrag(urljoin(urljoin(portal, path), location)).url
            if not there.startswith((portal, f"{self.address.activation}/")):
                assert self.leaves, f"{path} leads to {there}"
                return Page(there, status, b"")
            path = f"/{there.removeprefix(portal)}" if there.startswith(portal) else there
            method, body, kind = "GET", b"", ""
        raise AssertionError(f"{path} leads nowhere")

    def _once(self, method: str, path: str, body: bytes, kind: str) -> tuple[int, bytes, str | None]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        origin = self.address.origin_of(path)
        headers = {"Accept": "text/html", "Origin": origin, "Connection": "close"}
        headers |= {"Cookie": cookies} if cookies else {}
        headers |= {"Referer": f"{origin}/"} if self.leaves else {}  # which other software asks for
        headers |= {"Content-Type": kind} if kind else {}
        connection = self.address.encrypted(self.address.port if origin == self.address.origin else ACTIVATION)
        try:
            connection.request(method, path.removeprefix(origin), body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie", ()):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        return answer.status, content, answer.getheader("Location")
