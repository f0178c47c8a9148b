"""With Canaille for an identity provider: everything that only an honest one shows, over the real program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.config import load
from appliance.demonstration.participants import OFFICER
from appliance.directories import identity_provider
from appliance.model.accounts import AccountRole, AccountState
from appliance.store import accounts
from appliance.wiring import Appliance
from tests.portal.conftest import form_token, portal_of
from tests.single_sign_on import people
from tests.single_sign_on.provider import PASSWORD, SECRET, Provider, running_provider
from tests.world import World, know_officer, shared_world

pytestmark = pytest.mark.processes

MORE = """scopes = ["openid", "profile", "email", "groups"]
provision = true
trust_email = true

[directory]
reviewer = ["示例审阅组"]"""


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[World, Provider]]:
    with shared_world() as made:
        portal = load(made.home).web.public_url.rstrip("/")
        with running_provider(portal) as provider:
            people.configure(made.home, provider.issuer, SECRET, more=MORE)
            yield World(made.home, load(made.home)), provider


@pytest.fixture(scope="module")
def provider(world: tuple[World, Provider]) -> Provider:
    return world[1]


@pytest.fixture(scope="module")
def appliance(world: tuple[World, Provider]) -> Iterator[Appliance]:
    with world[0].opened() as appliance:
        yield appliance


def browser_of(appliance: Appliance) -> FlaskClient:
    client = portal_of(appliance, appliance.authority).test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    return client


def through(provider: Provider, address: str, login: str, *, there: FlaskClient | None = None) -> str:
    """Somebody signs in at the *provider*, led to its *address*; where they are led back, as path and query."""
    there = there or provider.app.test_client()
    answer = _follow(there, there.get(_path(address), base_url=provider.issuer), provider)
    for _ in range(6):
        if not answer.headers.get("Location", "").startswith(provider.issuer) and answer.status_code in (302, 303):
            return _path(answer.headers["Location"])
        answer = _fill(there, answer, provider, login)
    raise AssertionError(answer.text)


def _fill(there: FlaskClient, page: TestResponse, provider: Provider, login: str) -> TestResponse:
    """Fills the form of a page of the provider's: login, password, consent."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    fields = {"csrf_token": token[1]} if token else {}
    if 'name="login"' in page.text:
        fields |= {"login": login}
    elif 'name="password"' in page.text:
        fields |= {"password": PASSWORD}
    elif 'value="accept"' in page.text:
        fields |= {"answer": "accept"}
    return _follow(
        there,
        there.post(
            page.request.path, query_string=page.request.query_string, data=fields, base_url=provider.issuer
        ),
        provider,
    )


def _follow(there: FlaskClient, answer: TestResponse, provider: Provider) -> TestResponse:
    while answer.status_code in (302, 303):
        to = answer.headers["Location"]
        if urlsplit(to).netloc not in ("", urlsplit(provider.issuer).netloc):
            break
        answer = there.get(_path(to), base_url=provider.issuer)
    return answer


def _path(address: str) -> str:
    return urlsplit(address)._replace(scheme="", netloc="").geturl()


def sign_in(
    appliance: Appliance, provider: Provider, login: str, browser: FlaskClient | None = None
) -> TestResponse:
    browser = browser or browser_of(appliance)
    begun = browser.get("/login/provider?next=/settings")
    assert begun.status_code == 303, begun.text
    return browser.get(through(provider, begun.headers["Location"], login))


def test_somebody_enrolled_signs_in_and_out(appliance: Appliance, provider: Provider) -> None:
    provider.add_user("zhang", "示例 张", "zhang@alpha.example")
    people.give_account(appliance, "person-zhang", "zhang")
    people.follow(appliance, "person-zhang", "zhang", "zhang@alpha.example")
    browser = browser_of(appliance)
    answer = sign_in(appliance, provider, "zhang", browser)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings")
    assert browser.get("/settings").status_code == 200
    left = browser.post("/logout", data={"form_token": form_token(browser)})
    address = left.headers["Refresh"].partition("url=")[2]
    assert address.startswith(f"{provider.issuer}/")
    assert browser.get("/settings").status_code == 303


def test_somebody_new_has_an_account_by_the_first_sign_in(appliance: Appliance, provider: Provider) -> None:
    provider.add_user("new", "New Sample", "new@mail.example", ("示例审阅组",))
    browser = browser_of(appliance)
    assert sign_in(appliance, provider, "new", browser).status_code == 303
    [account] = [each for each in appliance.database.query(accounts.everybody) if each.login == "new"]
    assert account.state is AccountState.ACTIVE
    assert account.roles == {AccountRole.SIGNER, AccountRole.REVIEWER}
    assert not account.has_password
    assert "/settings/signing" in browser.get("/").text  # the next step


def test_a_changed_claim_changes_the_account_and_makes_no_officer(
    appliance: Appliance, provider: Provider
) -> None:
    """The provider gives somebody the address of an officer, and groups that sound like one's."""
    know_officer(appliance)
    provider.add_user("attacker", "Sly Sample", "sly@mail.example")
    assert sign_in(appliance, provider, "attacker").status_code == 303
    provider.change_email("attacker", appliance.registry.person(OFFICER).email)
    sign_in(appliance, provider, "attacker")
    [account] = [each for each in appliance.database.query(accounts.everybody) if each.login == "attacker"]
    assert account.roles == {AccountRole.SIGNER}
    assert appliance.registry.person(account.subject).email == "sly@mail.example"
    assert appliance.sessions.sessions_of(OFFICER) == []


def test_a_key_that_is_new_is_learnt(
    appliance: Appliance, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.add_user("turner", "Rotating Sample", "turner@mail.example")
    assert sign_in(appliance, provider, "turner").status_code == 303
    provider.rotate()
    monkeypatch.setattr(identity_provider, "APART", timedelta())  # as if half a minute had gone
    assert sign_in(appliance, provider, "turner").status_code == 303
