"""A portal with an identity provider: the real program asks it, and Flask's own client is the browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.config import load
from appliance.store import ledger
from appliance.wiring import Appliance
from tests.portal.conftest import portal_of
from tests.single_sign_on import people
from tests.single_sign_on.lying import CLIENT, SECRET, LyingProvider, lying_provider
from tests.world import World, shared_world

__all__ = ["CLIENT"]


@dataclass(slots=True)
class Site:
    """The portal, and the provider that lies to it."""

    appliance: Appliance
    portal: Flask
    provider: LyingProvider
    begun: dict[str, str] = field(default_factory=dict)

    def browser(self) -> FlaskClient:
        """A new one, which nobody is signed in with."""
        client = self.portal.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        return client

    def begin(self, browser: FlaskClient, path: str = "/settings") -> dict[str, str]:
        """The parameters with which *browser* is led to the provider."""
        answer = browser.get("/login/provider", query_string={"next": path})
        assert answer.status_code == 303, answer.text
        return {name: value for name, [value] in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    def finish(self, browser: FlaskClient, asked: dict[str, str], **parameters: str) -> TestResponse:
        """The provider leads *browser* back, as *asked* but for other *parameters*."""
        given = {"code": "a-code-of-the-tests", "state": asked["state"], **parameters}
        return browser.get("/login/provider/done", query_string=given)

    def sign_in(self, browser: FlaskClient, path: str = "/settings", **claims: Any) -> TestResponse:
        """*browser* signs in, with a right token but for other *claims*."""
        asked = self.begin(browser, path)
        self.provider.token = self.provider.signed(self.provider.claims(asked["nonce"], **claims))
        return self.finish(browser, asked)

    def sessions_of(self, subject: str) -> int:
        return len(self.appliance.sessions.sessions_of(subject))

    def told(self, kind: str) -> int:
        """How many events of this *kind* the log has."""
        with self.appliance.database.reading() as tx:
            return sum(json.loads(leaf)["kind"] == kind for leaf in ledger.leaves(tx, 0, 1_000_000))


@pytest.fixture(scope="package")
def lying() -> Iterator[LyingProvider]:
    with lying_provider() as provider:
        yield provider


@pytest.fixture(scope="package")
def sso_world(lying: LyingProvider) -> Iterator[World]:
    with shared_world() as world:
        people.configure(world.home, lying.issuer, SECRET, more="seconds = 3")
        yield World(world.home, load(world.home))


@pytest.fixture(scope="package")
def sso_site(sso_world: World, lying: LyingProvider) -> Iterator[Site]:
    with sso_world.opened() as appliance:
        yield Site(appliance, portal_of(appliance, appliance.authority), lying)


@pytest.fixture
def site(sso_site: Site) -> Site:
    """The same for all, with an honest provider and nothing known of it."""
    sso_site.provider.reset()
    known = sso_site.appliance.single_sign_on._provider
    known._known = known._failed = None
    return sso_site
