"""A console with real parts behind it, and browsers of its three kinds of administrators."""

from __future__ import annotations

import hmac
import html
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.administration import CONSOLE
from appliance.administration.action import ExecutedBy
from appliance.administration.actions import REGISTRY
from appliance.health import HealthFinding, Observations
from appliance.health.findings import good
from appliance.health.surveys import TITLES
from appliance.home import make_directory
from appliance.model.administration import AdministratorRole
from appliance.store.administration import ADMINISTRATION
from appliance.store.database import Database
from hsm.client import AuthorityClient
from tests.administration.conftest import WHERE, Site, opened_site
from tests.authority import RunningAuthority
from webui.console.access import ConsoleParts
from webui.console.application import create_app

KEY = bytes(range(32))
COOKIE = "a-cookie-of-the-browser"
TOKEN = hmac.digest(KEY, b"form\n" + COOKIE.encode(), "sha256").hex()
"""What a page of ours would carry for this cookie (webui/shared/forms.py)."""

PEOPLE = {
    "sun": AdministratorRole.SYSTEM,
    "zhou": AdministratorRole.SECURITY,
    "zheng": AdministratorRole.SECURITY,
    "wu": AdministratorRole.AUDITOR,
}


@dataclass(slots=True)
class Console:
    """A console, its administration, and what the health monitor has found."""

    app: Flask
    site: Site
    observations: Observations
    database: Database
    parts: ConsoleParts

    def cookie(self, login: str) -> str:
        """A new session of *login*."""
        with self.database.transaction() as tx:
            return self.site.administration.sessions.open_session(tx, login, WHERE).secret

    def browser(self, login: str = "", *, language: str = "en") -> FlaskClient:
        """A browser of the administrator *login*, or of nobody."""
        client = self.app.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        client.environ_base["REMOTE_ADDR"] = "192.0.2.7"
        client.set_cookie("language", language)
        client.set_cookie("form", COOKIE)
        if login:
            client.set_cookie("console", self.cookie(login))
        return client

    def found(self, *findings: HealthFinding) -> None:
        """A round of the health monitor, now, with these findings and nothing else that is new."""
        self.observations.save_round(findings, self.site.at, {"vermilion_log_waiting": 2.0}, names=list(TITLES))

    def act(self, who: str, name: str, /, **arguments: str) -> TestResponse:
        """*who* asks for the action *name* and has read what it will do; what takes two persons is signed."""
        browser, path, signed = self.browser(who), f"/operations/{name}", {}
        if REGISTRY[name].persons == 2:
            signed = self.signed(who, post(browser, path, arguments))
        return post(browser, path, {**arguments, **signed, "sure": "yes"})

    def approve(self, who: str, act: str) -> TestResponse:
        """*who* opens the page of *act* and signs."""
        browser = self.browser(who)
        return post(browser, f"/requests/{act}/approve", self.signed(who, browser.get(f"/requests/{act}")))

    def signed(self, who: str, page: TestResponse) -> dict[str, str]:
        """The fields of the form on *page* that a passkey of *who* answers."""
        form = re.search(r'<form [^>]*data-passkey="get"[^>]*>.*?</form>', page.text, re.DOTALL)
        assert form is not None, page.text
        options = re.search(r'data-options="([^"]*)"', form[0])
        assert options is not None
        hidden = dict(re.findall(r'<input type="hidden" name="(act|asked)" value="([^"]*)">', form[0]))
        return {**hidden, "credential": self.site.devices[who].get(html.unescape(options[1]))}


def post(browser: FlaskClient, path: str, data: dict[str, str] | None = None) -> TestResponse:
    """A form of ours."""
    return browser.post(path, data={**(data or {}), "form_token": TOKEN})


def id_of(answer: TestResponse) -> str:
    """The act that an answer leads to."""
    found = re.search(r"/requests/([0-9a-f]+)", answer.headers.get("Location", "") + answer.text)
    assert found is not None, answer.text
    return found[1]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, authority: RunningAuthority) -> Iterator[Console]:
    """One for each file of tests; act as people of your own where others would be in the way."""
    with opened(tmp_path_factory.mktemp("console"), authority.socket("console")) as console:
        yield console


@contextmanager
def opened(folder: Path, socket: Path, *, hands: frozenset[ExecutedBy] = CONSOLE.executes) -> Iterator[Console]:
    """A console of its own, with somebody of each kind, that asks the authority at *socket* and performs the acts
    of *hands*."""
    with (
        opened_site(folder, hands=hands, attests=False) as site,
        AuthorityClient(socket, timeout=5.0) as authority,
        ExitStack() as stack,
    ):
        yield _built(site, authority, socket, stack)


def _built(site: Site, authority: AuthorityClient, authority_socket: Path, stack: ExitStack) -> Console:
    site.clock[0] = datetime.now(UTC).replace(microsecond=0)
    observations = Observations(site.settings.home.health)
    stack.callback(observations.close)
    database = Database(site.settings.home.administration, ADMINISTRATION)
    stack.callback(database.close)
    parts = ConsoleParts(
        settings=site.settings,
        administration=site.administration,
        observations=observations,
        authority=authority,
        form_key=KEY,
        now=lambda: site.at,
    )
    run = make_directory(site.settings.home.run)
    (run / "authority-console.sock").symlink_to(authority_socket)
    console = Console(create_app(parts), site, observations, database, parts)
    for login, role in PEOPLE.items():
        site.set_up_with_key(login, role)
    console.found(good("The clock is in step.").named("clock"))
    return console
