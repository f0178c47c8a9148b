"""What the pages say to whoever asks for a seal, and to its custodians, after each step."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import LI, ZHANG
from appliance.language import Language
from appliance.model.accounts import AccountRole
from appliance.model.people import Person, SealRequestState
from appliance.seal_requests.status import NO_REASON
from tests.activation_service import hidden
from tests.portal.signing_visits import send, sheet_form
from tests.portal.visitors import signed_in
from tests.seals.conftest import Site
from tests.seals.test_changes import Custodians
from webui.portal.application import create_app


@pytest.fixture(scope="module")
def portal(site: Site) -> Flask:
    return create_app(site.appliance, form_key=bytes(32))


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> str:
    """The language that people read."""
    return str(request.param)


@pytest.fixture(autouse=True)
def as_before(site: Site, custodians: Custodians) -> Iterator[None]:
    """Nothing waits for anybody afterwards, and all read Chinese."""
    yield
    requests = site.appliance.seal_requests
    for each in requests.by_requester(ZHANG.subject):
        if each.state is SealRequestState.WAITING:
            requests.withdraw(each.id, by=ZHANG.subject)
    for person in (ZHANG, LI, *custodians):
        site.appliance.accounts.own.prefer(person.subject, Language.CHINESE)


def browser_of(site: Site, portal: Flask, person: Person, language: str) -> FlaskClient:
    """A browser of *person*, who reads this *language*."""
    roles = (AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.CUSTODIAN)
    client = signed_in(portal, site.appliance, person.subject, roles)
    site.appliance.accounts.own.prefer(person.subject, Language(language))
    return client


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())


def main_button(page: str) -> tuple[str, str]:
    """Where the first button of the page's head leads, and what it says."""
    [found, *_] = re.findall(r'<div class="acts">\s*<a class="button" href="([^"]+)">([^<]+)</a>', page)
    return found


def test_whoever_has_asked_is_told_what_comes_next(
    site: Site, portal: Flask, custodians: Custodians, language: str
) -> None:
    """Not to ask again; and once the custodians have refused, to ask again."""
    contract = site.sent(site.seal(*custodians), "双印合同")
    address, browser = f"/contracts/{contract.id}", browser_of(site, portal, ZHANG, language)
    asks, shows = {"zh": ("申请用印", "查看用印申请"), "en": ("Ask for the seal", "Show the seal request")}[
        language
    ]
    assert main_button(browser.get(address).text) == (f"{address}/sign", asks)

    request = site.asked(contract)
    site.approve(request, custodians[0])
    page = browser.get(address).text
    assert main_button(page) == (f"/seals/requests/{request.id}", shows)
    assert f"{address}/sign" not in page
    said = words(page)
    assert custodians[1].name in said and custodians[2].name in said
    assert {"zh": "等待印章管理员审批您的用印申请", "en": "Waiting for the custodians to decide"}[language] in said
    assert browser.get(main_button(page)[0]).status_code == 200

    site.appliance.seal_requests.refuse(request.id, by=custodians[1].subject, reason="份数不符")
    assert main_button(browser.get(address).text) == (f"{address}/sign", asks)


def test_another_signer_reads_nothing_of_the_request(site: Site, portal: Flask, custodians: Custodians) -> None:
    contract = site.sent(site.seal(*custodians))
    request = site.asked(contract)
    page = browser_of(site, portal, LI, "zh").get(f"/contracts/{contract.id}").text
    assert request.id not in page and "查看用印申请" not in page


def test_a_request_without_a_reason_names_the_field(
    site: Site, portal: Flask, custodians: Custodians, language: str
) -> None:
    """At the top, with a way to the field, and at the field itself; so does a refusal."""
    contract = site.sent(site.seal(*custodians))
    address, browser = f"/contracts/{contract.id}/sign", browser_of(site, portal, ZHANG, language)
    answer = send(browser, sheet_form(browser.get(address).text), reason=" \u3000 ")
    said = NO_REASON if language == "en" else "请填写“用印事由”，说明所涉业务、份数等。"
    assert answer.status_code == 422
    assert f'<a href="#reason">{said}</a>' in answer.text
    assert f'<p class="problem" id="reason-problem">{said}</p>' in answer.text
    field = re.search(r'<textarea id="reason"[^>]*>', answer.text)
    assert field is not None and 'aria-invalid="true"' in field[0] and "reason-problem" in field[0]
    again = browser.get(address).text
    assert "aria-invalid" not in again and said not in again

    request = site.asked(contract)
    refusal = f"/seals/requests/{request.id}/refuse"
    custodian = browser_of(site, portal, custodians[0], language)
    answer = custodian.post(
        refusal, data={**hidden(custodian.get(f"/seals/requests/{request.id}").text), "answer": ""}
    )
    assert answer.status_code == 422 and site.state(request) == "waiting"
    why = {"zh": "请填写“原因”，说明驳回用印的理由", "en": "Write under “Reason” why the seal is not to be used"}
    assert why[language] in answer.text


def test_a_custodian_who_takes_the_approval_back_reads_what_happened(
    site: Site, portal: Flask, custodians: Custodians, language: str
) -> None:
    """Once they have: not before, not after they approved again, and not whoever only opens the address."""
    request = site.asked(site.sent(site.seal(*custodians), "双印合同"))
    address, browser = f"/seals/requests/{request.id}", browser_of(site, portal, custodians[0], language)
    receipt = {"zh": "您已撤回批准：该批准不再有效", "en": "You have taken your approval back: it no longer"}
    site.approve(request, custodians[0])
    page = browser.get(address).text
    assert receipt[language] not in page
    answer = browser.post(f"{address}/take-back", data=hidden(page))
    assert answer.status_code == 303
    page = browser.get(answer.headers["Location"]).text
    assert receipt[language] in page and 'role="status"' in page and f"{address}/approve" in page

    site.approve(request, custodians[0])
    assert receipt[language] not in browser.get(answer.headers["Location"]).text
    asking = browser_of(site, portal, ZHANG, language)
    assert receipt[language] not in asking.get(answer.headers["Location"]).text
