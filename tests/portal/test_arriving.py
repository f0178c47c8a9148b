"""Somebody new makes one passkey, on the activation service's page: it opens the account, and waits for officers
as what they sign with."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from webauthn.helpers import bytes_to_base64url
from werkzeug.test import TestResponse

from appliance.demonstration.participants import ALPHA, OFFICER
from appliance.jobs.table import jobs_of
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState, NewAccount
from appliance.store import people
from appliance.wiring import Appliance, open_appliance
from hsm.authenticator import SoftwareAuthenticator
from tests import activation_service as service
from tests.portal import signing_visits as visits
from tests.portal.office_visits import token_in

PASSWORD = "朱砂 蜡 雨 四更 钟楼"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who was invited, and the link in their letter."""

    appliance: Appliance
    portal: Flask
    subject: str
    login: str
    link: str

    def browser(self) -> FlaskClient:
        client = self.portal.test_client()
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        client.set_cookie("language", "en")
        return client

    def device(self) -> SoftwareAuthenticator:
        return visits.new_device(self.appliance)

    def chosen(self, browser: FlaskClient, password: str = PASSWORD) -> TestResponse:
        """The portal's answer to the password."""
        fields = {"form_token": token_in(browser.get(f"{self.link}?password").text), "passkey": "1"}
        return browser.post(self.link, data={**fields, "password": password, "again": password})

    def made(self, browser: FlaskClient, device: SoftwareAuthenticator) -> str:
        """Where the page with the fingerprint leads: a path of the portal."""
        given = visits.register(self.appliance, self.chosen(browser), device)
        assert given.status_code == 200, given.text
        return service.way_back(given.text).removeprefix(self.appliance.settings.web.origin)

    @property
    def state(self) -> AccountState:
        return self.appliance.accounts.administration.account(self.subject).state

    @property
    def passkeys(self) -> list[bytes]:
        return [each.credential_id for each in self.appliance.accounts.own.passkeys(self.subject)]

    @property
    def asked(self) -> int:
        """How many requests of theirs an officer has."""
        return sum(each.subject == self.subject for each in self.appliance.office.requests.waiting())

    @property
    def named(self) -> list[bytes | None]:
        """The credentials in their request: those whose fingerprints an officer types."""
        pending = self.appliance.authority.pending_credentials(self.subject)
        known = {each.fingerprint: each.credential_id for each in pending}
        [request] = self.appliance.office.requests.requests_of(self.subject)
        return [known[each.fingerprint] for each in request.credentials]


@pytest.fixture(scope="module")
def scheduler(appliance: Appliance) -> Iterator[Appliance]:
    """The appliance as the scheduler has it."""
    with open_appliance(appliance.settings, role="scheduler") as opened:
        yield opened


@pytest.fixture
def newcomer(appliance: Appliance, portal: Flask) -> Newcomer:
    login = f"arriving-{next(_numbers)}"
    new = NewAccount("person", login, "孙示例", ALPHA, f"{login}@example.test", frozenset({AccountRole.SIGNER}))
    link = appliance.accounts.administration.invite(new, by=OFFICER)
    return Newcomer(appliance, portal, f"person-{login}", login, f"/welcome/{link.token}")


def is_in(browser: FlaskClient) -> bool:
    return browser.get("/settings/signing").status_code == 200


def test_one_passkey_opens_the_account_and_waits_for_an_officer(newcomer: Newcomer) -> None:
    browser, device = newcomer.browser(), newcomer.device()
    back = newcomer.made(browser, device)
    done = browser.get(back)
    assert (done.status_code, done.headers["Location"]) == (303, "/settings/signing")
    assert "An officer has your request" in browser.get("/settings/signing").text
    assert (newcomer.state, newcomer.passkeys) == (AccountState.ACTIVE, [device.credential_id])
    assert newcomer.asked == 1
    assert newcomer.browser().get(newcomer.link).status_code == 409, "the link has ended"
    assert not newcomer.appliance.authority.credentials(newcomer.subject), "nothing counts before officers decide"


def test_who_does_not_come_back_has_an_account_all_the_same(newcomer: Newcomer, scheduler: Appliance) -> None:
    device = newcomer.device()
    newcomer.made(newcomer.browser(), device)
    assert (newcomer.state, newcomer.asked) == (AccountState.INVITED, 0)
    [job] = [each for each in jobs_of(scheduler, None) if each.name == "registrations"]
    for _ in range(2):
        job.work()
        assert (newcomer.state, newcomer.passkeys, newcomer.asked) == (
            AccountState.ACTIVE,
            [device.credential_id],
            1,
        )
    later = newcomer.browser()
    form = visits.passkey_form(later.get("/login").text)
    answer = json.loads(service.answer_of(device, "", form, origin=newcomer.appliance.settings.web.origin))
    handle = newcomer.appliance.accounts.passkeys.user_handle(newcomer.subject)
    answer["response"]["userHandle"] = bytes_to_base64url(handle)
    assert later.post(form.action, data={**form.fields, "credential": json.dumps(answer)}).status_code == 303
    assert is_in(later), "by the same passkey"


@pytest.mark.parametrize("language", list(Language))
def test_who_does_not_come_back_keeps_the_language_of_the_pages(newcomer: Newcomer, language: Language) -> None:
    browser = newcomer.browser()
    browser.delete_cookie("language")
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = {Language.CHINESE: "zh-CN", Language.ENGLISH: "en"}[language]
    newcomer.made(browser, newcomer.device())
    assert newcomer.appliance.database.query(people.person, newcomer.subject).language is language


def test_who_comes_back_late_is_in_once(newcomer: Newcomer, scheduler: Appliance) -> None:
    """The account has opened, and an officer has perhaps decided, while the fingerprint was read out."""
    browser = newcomer.browser()
    back = newcomer.made(browser, newcomer.device())
    scheduler.office.requests.collect()
    assert browser.get(back).status_code == 303 and is_in(browser)
    other = newcomer.browser()
    assert other.get(back).status_code == 303 and not is_in(other), "a second time it is worth nothing"


@pytest.mark.parametrize("gone", [timedelta(minutes=16), timedelta(minutes=-16)])
def test_a_receipt_lasts_minutes(
    newcomer: Newcomer, scheduler: Appliance, monkeypatch: pytest.MonkeyPatch, gone: timedelta
) -> None:
    browser, setup = newcomer.browser(), newcomer.appliance.accounts.account_setup
    back = newcomer.made(browser, newcomer.device())
    scheduler.office.requests.collect()
    now = newcomer.appliance.now()
    monkeypatch.setattr(setup, "_now", lambda: now + gone)
    assert browser.get(back).status_code == 303 and not is_in(browser)


def test_the_address_alone_lets_nobody_in(newcomer: Newcomer) -> None:
    """Not who has the link, nor who knows the way back; not by another receipt, nor from another site."""
    browser, thief = newcomer.browser(), newcomer.browser()
    back = newcomer.made(browser, newcomer.device())
    way = back.partition("?")[0]
    for address in (way, f"{way}?receipt=", f"{way}?receipt={'x' * 32}", f"{way}?receipt=%00"):
        assert thief.get(address).status_code == 303 and not is_in(thief), address
    assert newcomer.state is AccountState.INVITED, "and nothing has begun by it"
    for site in ("cross-site", "none"):
        assert browser.get(back, headers={"Sec-Fetch-Site": site}).status_code == 303 and not is_in(browser)
    assert browser.get(back, headers={"Sec-Fetch-Site": "same-site"}).status_code == 303 and is_in(browser)


def test_who_took_the_link_has_nothing_of_what_its_owner_made(newcomer: Newcomer, scheduler: Appliance) -> None:
    """A stolen link leads to the same page, which makes nothing any more."""
    browser, thief, mine = newcomer.browser(), newcomer.browser(), newcomer.device()
    leads = newcomer.chosen(thief)
    back = newcomer.made(browser, mine)
    assert browser.get(back).status_code == 303 and is_in(browser)
    settings = newcomer.appliance.settings
    with service.activation_service(settings) as app:
        late = service.browser_at(app).get(
            urlsplit(leads.headers["Location"]).path, base_url=settings.activation.origin
        )
    scheduler.office.requests.collect()
    assert late.status_code == 409 and not is_in(thief)
    assert newcomer.passkeys == [mine.credential_id]
    assert newcomer.named == [mine.credential_id]


def test_a_newer_letter_takes_nothing_of_what_an_older_one_led_to(
    newcomer: Newcomer, scheduler: Appliance
) -> None:
    appliance, thief, device = newcomer.appliance, newcomer.browser(), newcomer.device()
    stolen = newcomer.made(thief, newcomer.device())
    token = appliance.accounts.administration.invite_again(newcomer.subject, by=OFFICER).token
    assert thief.get(stolen).status_code == 303 and not is_in(thief)
    again, browser = replace(newcomer, link=f"/welcome/{token}"), newcomer.browser()
    leads = again.chosen(browser)
    scheduler.office.requests.collect()
    assert newcomer.state is AccountState.INVITED
    back = service.way_back(visits.register(appliance, leads, device).text)
    assert browser.get(back.removeprefix(appliance.settings.web.origin)).status_code == 303 and is_in(browser)
    assert newcomer.passkeys == [device.credential_id]
    assert newcomer.named == [device.credential_id]


def test_before_a_password_there_is_no_passkey(newcomer: Newcomer) -> None:
    browser = newcomer.browser()
    token = token_in(browser.get(newcomer.link).text)
    answer = browser.post(f"{newcomer.link}/set-up", data={"form_token": token})
    assert (answer.status_code, answer.headers["Location"]) == (303, newcomer.link)
    fields = {"form_token": token, "passkey": "1", "password": "short", "again": "short"}
    assert browser.post(newcomer.link, data=fields).status_code == 422


def test_who_broke_off_goes_on_by_the_same_letter(newcomer: Newcomer) -> None:
    """And finds login codes there too."""
    newcomer.chosen(newcomer.browser())
    browser, device = newcomer.browser(), newcomer.device()
    page = browser.get(newcomer.link).text
    assert "data-passkey" not in page and f'action="{newcomer.link}/code"' in page
    leads = browser.post(f"{newcomer.link}/set-up", data={"form_token": token_in(page)})
    given = visits.register(newcomer.appliance, leads, device)
    assert browser.get(service.way_back(given.text)).status_code == 303 and is_in(browser)


def test_its_page_takes_no_pin(newcomer: Newcomer) -> None:
    """A PIN opens no account, and what comes back without a passkey is refused."""
    origin = newcomer.appliance.settings.activation.origin
    leads = newcomer.chosen(newcomer.browser()).headers["Location"].removeprefix(origin)
    with service.activation_service(newcomer.appliance.settings) as app:
        browser = service.browser_at(app)
        page = browser.get(leads, base_url=origin).text
        assert 'name="pin"' not in page and re.search(r"<dd>person-arriving-\d+</dd>", page)
        form = visits.passkey_form(page, "create")
        refused = service.send_to(browser, origin, form, pin="246810", pin_again="246810", code="000000")
    assert refused.status_code == 409
    assert newcomer.appliance.authority.pending_credentials(newcomer.subject) == []


def test_who_goes_without_a_passkey_reads_that_contracts_take_one(
    newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "contracts here are signed with a passkey alone"
    assert told not in newcomer.browser().get(newcomer.link).text
    policy = newcomer.appliance.policy
    signing = replace(policy.default.signing, passkey_only=True)
    strict = replace(policy, default=replace(policy.default, signing=signing))
    portal: Any = newcomer.portal
    monkeypatch.setattr(portal.appliance, "policy", strict)
    assert told in newcomer.browser().get(newcomer.link).text
