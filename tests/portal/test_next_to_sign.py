"""After one signature the next is a click away, and where several wait, so is signing them together."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import CONTRACT_SEAL, LI, ZHANG, ZONE
from appliance.language import Language
from appliance.model.contract import Contract, Deadline
from appliance.model.listing import ContractBucket, ContractFilter
from appliance.wiring import Appliance
from tests.portal import signing_visits as visits
from tests.portal.conftest import portal_of
from tests.portal.visitors import signed_in
from tests.world import sample_document, shared_world

SEVERAL = "/?bucket=to-sign"
WORDS = {
    "zh": ("签署下一份", "批量签署", "下一份：“明天到期”"),
    "en": ("Sign the next one", "Sign several at once", "Next for you: “明天到期”"),
}


@pytest.fixture(scope="module")
def house() -> Iterator[Appliance]:
    """In which nothing waits but what these tests send."""
    with shared_world() as world, world.opened() as appliance:
        yield appliance


@pytest.fixture
def zhang(house: Appliance) -> Iterator[FlaskClient]:
    portal: Flask = portal_of(house, house.authority)
    yield signed_in(portal, house, ZHANG.subject)
    house.accounts.own.prefer(ZHANG.subject, Language.CHINESE)
    for bucket in (ContractBucket.TO_SIGN, ContractBucket.WAITING):
        for row in house.listing.list_page(ZHANG.subject, ContractFilter(bucket=bucket)).rows:
            house.endings.recall(row.id, by=ZHANG.subject, reason="测试结束")


def sent(house: Appliance, title: str, *, days: int = 3, seal: bool = False) -> Contract:
    """A contract that waits for Zhang, then for Li; for a *seal* that Zhang asks for instead."""
    terms = DraftTerms(title, "服务", "示例", ZHANG.subject, Deadline(house.now() + timedelta(days=days), ZONE))
    draft = house.drafting.draft(sample_document(1), terms)
    if seal:
        house.drafting.add_seal(draft.id, seal=CONTRACT_SEAL.subject, requester=ZHANG.subject, by=ZHANG.subject)
    else:
        for person in (ZHANG, LI):
            house.drafting.add_person(draft.id, subject=person.subject, by=ZHANG.subject)
    return house.sending.send(draft.id, by=ZHANG.subject)


def sign(house: Appliance, browser: FlaskClient, contract: Contract) -> str:
    """The page to which the confirmation leads."""
    answer = visits.sign(browser, house, ZHANG.subject, f"/contracts/{contract.id}/sign")
    assert answer.status_code == 303, answer.text
    page = browser.get(answer.headers["Location"])
    assert page.status_code == 200, page.text
    return page.text


def buttons(page: str) -> list[tuple[str, str]]:
    """Where the buttons below the page's last words lead, and what they say; the first is the main one."""
    acts = page[page.rindex('<p class="acts after">') :].partition("</p>")[0]
    return re.findall(r'<a class="button[^"]*" href="([^"]+)">([^<]+)</a>', acts)


@pytest.mark.parametrize("language", WORDS)
def test_the_next_signature_is_a_click_away(house: Appliance, zhang: FlaskClient, language: str) -> None:
    """First the one with the next deadline. What waits for a seal is none, nor is what waits for others."""
    following, together, said = WORDS[language]
    first, later, next_one = sent(house, "先签"), sent(house, "以后到期", days=9), sent(house, "明天到期", days=1)
    sent(house, "只等用印", seal=True)
    house.accounts.own.prefer(ZHANG.subject, Language(language))
    page = sign(house, zhang, first)
    assert buttons(page)[:2] == [(f"/contracts/{next_one.id}/sign", following), (SEVERAL, together)]
    assert said in html.unescape(page) and f"/contracts/{first.id}" in buttons(page)[2][0]
    assert zhang.get(buttons(page)[0][0]).status_code == 200

    page = sign(house, zhang, next_one)
    assert [each for each, _ in buttons(page)] == [f"/contracts/{later.id}/sign", f"/contracts/{next_one.id}"]
    page = sign(house, zhang, later)
    assert [each for each, _ in buttons(page)] == [f"/contracts/{later.id}"], "nothing is left"


@pytest.mark.parametrize("language", WORDS)
def test_the_home_page_leads_to_signing_several(house: Appliance, zhang: FlaskClient, language: str) -> None:
    """Where there are two at least; the list has boxes for these alone."""
    offer = f'<a class="button quiet" href="{SEVERAL}">{WORDS[language][1]}</a>'
    mine = [sent(house, "一份")]
    house.accounts.own.prefer(ZHANG.subject, Language(language))
    assert offer not in zhang.get("/").text and 'type="checkbox"' not in zhang.get(SEVERAL).text
    mine += [sent(house, "只等用印", seal=True), sent(house, "又一份")]
    assert offer in zhang.get("/").text
    assert offer not in zhang.get("/?q=一份").text, "who looks for something is not interrupted"
    chosen = re.findall(r'<input type="checkbox" name="contract" value="([^"]+)"', zhang.get(SEVERAL).text)
    assert sorted(chosen) == sorted(each.id for each in mine), "signatures, and seals to ask for"


def test_where_documents_are_confirmed_one_by_one_nothing_else_is_offered(
    house: Appliance, zhang: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        sent(house, f"逐份 {number}")
    monkeypatch.setattr(type(house.authority), "batch_limit", lambda _: 0)
    assert WORDS["zh"][1] not in zhang.get("/").text
