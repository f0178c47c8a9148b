"""The pages about a seal of another company: officers make it, initiators choose it, its custodians use it."""

from __future__ import annotations

import html

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.accounts.sessions import ClientInfo
from appliance.demonstration.participants import CONTRACT_SEAL, CUSTODIAN, OFFICER, ZHANG
from appliance.language import Language
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, ContractState
from appliance.model.people import Person, SealRequestState
from tests.portal import signing_visits as visits
from tests.portal.office_visits import act_of, activated
from tests.portal.visitors import signed_in
from tests.seals.conftest import Site
from tests.seals.test_partners_seal import COMPANY, clerk, director, seal_of, sent
from tests.world import contract_now, know_officer
from webui.portal.application import create_app

__all__ = ["clerk", "director"]


@pytest.fixture(scope="module")
def portal(site: Site) -> Flask:
    return create_app(site.appliance, form_key=bytes(32))


@pytest.fixture(autouse=True)
def devices(site: Site, director: Person, clerk: Person) -> None:
    """The passkeys of people from outside are where the activation service's visitors look for them."""
    for each in (director, clerk):
        device = site.devices.pop(each.subject, None)
        if device is not None:
            device.save(site.appliance.settings.home.people / f"{each.subject}.json")


def by_link(site: Site, portal: Flask, person: Person, contract: Contract) -> FlaskClient:
    """A browser of *person* from outside, who has come by the link to *contract*."""
    appliance = site.appliance
    with appliance.database.transaction() as tx:
        opened = appliance.sessions.open_guest_session(
            tx,
            person.subject,
            guest_of=(contract.id, contract.parties[-1].id),
            where=ClientInfo("192.0.2.7"),
            until=contract.deadline.at,
        )
    client = portal.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.set_cookie("session", opened.secret)
    return client


def test_an_officer_makes_it_with_its_own_people(site: Site, portal: Flask, director: Person) -> None:
    know_officer(site.appliance)
    officer = signed_in(portal, site.appliance, OFFICER, [AccountRole.OFFICER])
    page = officer.get("/office/seals/new").text
    assert f"{COMPANY}（外部单位）" in page
    assert f'value="{director.subject}"' in page and f'value="{CUSTODIAN.subject}"' in page
    typed = {"organisation": COMPANY, "kind": "COMPANY", "width": "42", "needed": "1"}

    def sent_with(custodian: Person) -> TestResponse:
        form = visits.hidden(officer.get("/office/seals/new").text)
        return officer.post("/office/seals/new", data={**form, **typed, "custodian": custodian.subject})

    refused = html.unescape(sent_with(CUSTODIAN).text)
    assert f"只能是已登记的“{COMPANY}”外部签署人" in refused
    answer = sent_with(director)
    act = act_of(site.appliance, answer)
    assert director.name in officer.get(act).text and COMPANY in officer.get(act).text
    assert activated(site.appliance, officer, act).status_code == 303
    [made] = [each for each in site.appliance.registry.seals() if each.outside and each.width_mm == 42]
    assert (made.organisation, made.custodians) == (COMPANY, (director.subject,))
    page = officer.get(f"/office/seals/{made.subject}").text
    assert (COMPANY in page and "登记员核实" in page) or "officers here vouch" in page


def test_an_initiator_chooses_it_and_who_asks_for_it(site: Site, portal: Flask, director: Person) -> None:
    seal = seal_of(site, director)
    initiator = signed_in(portal, site.appliance, ZHANG.subject)
    draft = site.draft(CONTRACT_SEAL.subject)
    address = f"/contracts/{draft.id}/draft/parties"
    page = initiator.get(address).text
    assert f'value="{seal}"' in page and f"{director.name} · {COMPANY}" in page
    form = {**visits.hidden(page), "order": "parallel", "act": "seal", "seal": seal, "zone": "Asia/Shanghai"}
    form |= {"date": "2035-01-01", "time": "18:00"}
    refused = initiator.post(address, data=form | {"requester": ZHANG.subject})
    assert refused.status_code == 422 and COMPANY in refused.text
    page = initiator.get(address).text
    done = initiator.post(address, data=form | visits.hidden(page) | {"requester": director.subject})
    assert done.status_code == 303, done.text
    party = contract_now(site.appliance, draft.id).parties[-1]
    assert (party.subject, party.requester, party.organisation) == (seal, director.subject, COMPANY)
    assert director.name in initiator.get(address).text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_who_keeps_it_alone_uses_it_with_one_confirmation(
    site: Site, portal: Flask, director: Person, language: str
) -> None:
    site.appliance.accounts.own.prefer(director.subject, Language(language))
    contract = sent(site, seal_of(site, director), director)
    browser = by_link(site, portal, director, contract)
    page = browser.get(f"/contracts/{contract.id}/sign").text
    assert {"zh": "您保管的", "en": "which you keep"}[language] in page
    answer = visits.press(browser, site.appliance, director.subject, visits.sheet_form(page), reason="年度采购")
    assert answer.status_code == 303 and "/signed" in answer.headers["Location"], answer.text
    assert browser.get(answer.headers["Location"]).status_code == 200
    assert contract_now(site.appliance, contract.id).state is ContractState.SIGNED


def test_whoever_does_not_keep_it_waits_and_its_keeper_approves(
    site: Site, portal: Flask, director: Person, clerk: Person
) -> None:
    contract = sent(site, seal_of(site, director), clerk)
    other = sent(site, seal_of(site, director), clerk)
    asking = by_link(site, portal, clerk, contract)
    page = asking.get(f"/contracts/{contract.id}/sign").text
    answer = visits.press(asking, site.appliance, clerk.subject, visits.sheet_form(page), reason="内部理由")
    address = answer.headers["Location"]
    assert address.startswith("/seals/requests/")
    assert "内部理由" in asking.get(address).text

    for stranger in (
        signed_in(portal, site.appliance, CUSTODIAN.subject, [AccountRole.CUSTODIAN]),
        signed_in(portal, site.appliance, ZHANG.subject),
        by_link(site, portal, director, other),
    ):
        assert stranger.get(address).status_code == 404
    house = signed_in(portal, site.appliance, ZHANG.subject).get(f"/contracts/{contract.id}").text
    assert "内部理由" not in house

    keeping = by_link(site, portal, director, contract)
    form = visits.sheet_form(keeping.get(address).text)
    done = visits.press(keeping, site.appliance, director.subject, form)
    assert done.status_code == 303
    request = site.appliance.seal_requests.of_party(contract.parties[-1].id)
    assert request is not None and request.state is SealRequestState.USED


def test_the_house_s_register_does_not_list_its_uses(site: Site, portal: Flask, director: Person) -> None:
    contract = sent(site, seal_of(site, director), director)
    browser = by_link(site, portal, director, contract)
    page = browser.get(f"/contracts/{contract.id}/sign").text
    visits.press(browser, site.appliance, director.subject, visits.sheet_form(page), reason="只属于对方")
    know_officer(site.appliance)
    officer = signed_in(portal, site.appliance, OFFICER, [AccountRole.OFFICER])
    for address in ("/seals/uses", "/seals/uses.csv"):
        assert "只属于对方" not in officer.get(address).text
    assert browser.get("/seals/uses").status_code in (303, 403, 404)
