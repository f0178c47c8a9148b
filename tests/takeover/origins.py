"""A portal's origin under foreign control beside a genuine activation service, both at ports of their own."""

from __future__ import annotations

import http.client
import re
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, Page, Response
from werkzeug.serving import WSGIRequestHandler, make_server

from appliance.config import ACTIVATION_PORT_ABOVE
from appliance.home import Home
from hsm.authenticator import SoftwareAuthenticator
from tests import activation_service as visits
from tests.activation.conftest import Desk
from tests.browser.troupe import carrying
from tests.browser.visitor import Visitor, visiting
from tests.ports import free_port
from tests.world import World, authority, copy_home, load, template_home
from webui.shared.headers import VisitorAddress

ROW = 4
"""Ports of a home: portal, timestamps, console, activation service."""

USUAL = re.compile(r"\b808([0-3])\b")
"""The ports of the home that worlds are copies of; the portal's is the first."""

PASSKEYS = Path(__file__).parents[2] / "webui/static/passkey.js"

TAKEN, REFUSED = 303, 403


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said to a program: status and page."""

    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """The attacker has the portal's address, writes the requests for activation, and knows every ticket.

    ``asked``: what the service was asked for so far.
    """

    desk: Desk
    portal: str
    service: str
    browser: Browser
    asked: list[str] = field(default_factory=list)

    @property
    def home(self) -> Home:
        return self.desk.appliance.settings.home

    @contextmanager
    def at(self, subject: str = "", *, language: str = "en", phone: bool = False) -> Iterator[Visitor]:
        """Somebody at a browser, with the passkey of *subject* where one is named. Hostile pages make browsers
        complain, so nothing is made of that."""
        with visiting(self.browser, self.portal, language=language, phone=phone) as visitor:
            if subject:
                with self.carrying(visitor, subject):
                    yield visitor
            else:
                yield visitor
            visitor.faults.clear()

    @contextmanager
    def carrying(self, visitor: Visitor, subject: str) -> Iterator[None]:
        """The passkey of *subject* is in the visitor's device."""
        with carrying(visitor, self.home.people / f"{subject}.json"):
            yield

    def hostile_page(self, visitor: Visitor) -> Page:
        """A page of the portal's origin, on which the attacker runs what they like: the script for passkeys."""
        visitor.page.goto(f"{self.portal}/hostile")
        visitor.page.add_script_tag(path=PASSKEYS)
        return visitor.page

    def open(self, visitor: Visitor, path: str) -> Page:
        """The genuine page at *path* of the service."""
        visitor.page.goto(f"{self.service}{path}")
        return visitor.page

    def program(self, method: str, path: str, fields: Mapping[str, str] | None = None) -> Answer:
        """The attacker's own program, which says that it is a browser on the service's own page."""
        connection = http.client.HTTPConnection(urlsplit(self.service).netloc, timeout=30)
        headers = {
            "Accept": "text/html",
            "Origin": self.service,
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        connection.request(method, path, urlencode(fields or {}), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return Answer(answer.status, text)

    def form(self, path: str, kind: str = "get") -> visits.Form:
        """The form of the page at *path*, as the attacker's program reads it."""
        return visits.passkey_form(self.program("GET", path).text, kind)


def posted_by_form(page: Page, address: str, fields: Mapping[str, str]) -> Response:
    """A page's own form, sent to *address* as the window's next page; what that answers."""
    with page.expect_navigation() as navigation:
        page.evaluate(
            """([address, fields]) => {
                const form = document.createElement("form");
                form.method = "post";
                form.action = address;
                for (const [name, value] of Object.entries(fields)) {
                    const field = document.createElement("input");
                    [field.name, field.value] = [name, value];
                    form.append(field);
                }
                document.body.append(form);
                form.submit();
            }""",
            [address, dict(fields)],
        )
    answer = navigation.value
    assert answer is not None
    return answer


class _HostilePortal(BaseHTTPRequestHandler):
    """Answers everything with an empty page that forbids nothing."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(
            b'<!doctype html><html lang="en"><title>The portal</title><link rel="icon" href="data:,">'
        )

    do_POST = do_GET  # noqa: N815  # http.server's name

    def log_message(self, *_arguments: Any) -> None:
        """Says nothing."""


class _Quiet(WSGIRequestHandler):
    def log(self, *_arguments: Any) -> None:
        """Says nothing."""


@contextmanager
def scene(browser: Browser) -> Iterator[Scene]:
    """A home with people, its authority and its activation service; the portal is the attacker's."""
    port = free_port(ROW)
    with tempfile.TemporaryDirectory(prefix="vermilion-") as directory:
        home = _moved(copy_home(template_home(), Path(directory)), port)
        settings = load(home)
        world = World(home, settings)
        with (
            authority(home),
            world.opened() as appliance,
            visits.activation_service(settings) as service,
        ):
            stage = Scene(Desk(appliance, service), settings.web.origin, settings.activation.origin, browser)
            served = VisitorAddress(_Listening(service, stage.asked))
            portal = ThreadingHTTPServer(("127.0.0.1", port), _HostilePortal)
            own = make_server("127.0.0.1", settings.activation.port, served, threaded=True, request_handler=_Quiet)
            with _serving(portal), _serving(own):
                yield stage


class _Listening:
    """Notes what the application is asked for."""

    def __init__(self, application: Any, asked: list[str]) -> None:
        self._application, self._asked = application, asked

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        self._asked.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        return self._application(environ, start)


@contextmanager
def _serving(server: Any) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _moved(home: Home, port: int) -> Home:
    """The *home* at other ports: its settings, and the origin that its people's passkeys name."""
    for path in (home.settings, home.authority_settings):
        text = path.read_text(encoding="utf-8")
        path.write_text(USUAL.sub(lambda found: str(port + int(found[1])), text), encoding="utf-8")
    for path in home.people.glob("*.json"):
        device = SoftwareAuthenticator.load(path)
        device.origin = f"http://localhost:{port + ACTIVATION_PORT_ABOVE}"
        device.save(path)
    return home
