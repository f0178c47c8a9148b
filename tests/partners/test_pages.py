"""The pages: a company is registered, its representative comes in by one link and signs; the second contract takes
no code and no invitation."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import OFFICER, ZHANG
from appliance.model.accounts import AccountState
from appliance.model.contract import Contract, Placement, SigningOrder
from appliance.model.partners import VouchingMeans
from appliance.wiring import Appliance
from tests.partners.conftest import Company, code_of, company, enrol, invited, open_account
from tests.portal import signing_visits as visits
from tests.portal import test_setting_up as setting_up
from tests.portal.estate import once
from tests.portal.office_visits import signed_in, token_in
from tests.world import sample_document

PASSWORD = "vier-worte-und-ein-siegel"


def posted(browser: FlaskClient, page: str, address: str = "", **fields: object) -> TestResponse:
    """The form at *page* with *fields*, sent to *address*."""
    token = token_in(browser.get(page).text)
    return browser.post(address or page, data={"form_token": token, "once": once(), **fields})


def browser_of(portal: Flask, appliance: Appliance, subject: str) -> FlaskClient:
    return signed_in(portal, appliance, subject)


def sent_to(
    appliance: Appliance,
    *subjects: str,
    title: str = "采购合同",
    order: SigningOrder = SigningOrder.SEQUENTIAL,
) -> Contract:
    terms = DraftTerms(title, "采购", "示例", ZHANG.subject, order=order)
    draft = appliance.drafting.draft(sample_document(1), terms)
    for number, subject in enumerate(subjects):
        party = appliance.drafting.add_person(draft.id, subject=subject, placement=None, by=ZHANG.subject)
        place = Placement(0, 10, 10 + 20 * number, 30, 10)
        appliance.drafting.place(draft.id, party.id, [place], by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


def test_from_the_register_to_the_first_sign_in(appliance: Appliance, portal: Flask) -> None:
    initiator = browser_of(portal, appliance, ZHANG.subject)
    details = {"name": "庚方示例有限公司", "code": code_of(950), "means": "licence", "note": "原件"}
    refused = posted(initiator, "/partners/new", **{**details, "code": code_of(950)[:-1] + "0"})
    assert refused.status_code == 422
    assert "check digit" in refused.text
    made = posted(initiator, "/partners/new", **details)
    page = urlsplit(made.headers["Location"]).path
    whom = {"name": "庚经办", "email": "geng@partner.example", "language": "zh", "zone": "Asia/Shanghai"}
    done = posted(initiator, f"{page}/representatives/new", **whom)
    shown = initiator.get(done.headers["Location"]).text
    [link] = set(re.findall(r"http\S+(/welcome/[\w-]+)", shown))
    assert "<svg" in shown, "the link as a picture"
    newcomer = portal.test_client()
    newcomer.environ_base["HTTP_ACCEPT"] = "text/html"
    to_passkey = posted(newcomer, link, password=PASSWORD, again=PASSWORD, passkey="1")
    assert to_passkey.headers["Location"].startswith(appliance.settings.activation.origin)
    partner = appliance.partners.partner(page.rpartition("/")[2])
    assert partner.vouchings[0].means is VouchingMeans.LICENCE
    assert link not in initiator.get(page).text, "shown once"
    visits.set_up(newcomer, appliance, to_passkey, visits.new_device(appliance))
    assert partner.name in newcomer.get(page).text, "signed in by the passkey that was made just now"
    [here] = appliance.representatives.of_partner(partner.id)
    assert (here.administrator, here.state, here.waiting) == (True, AccountState.ACTIVE, True)
    officer = browser_of(portal, appliance, OFFICER)
    request = setting_up.waiting(appliance, here.subject)
    assert page in officer.get(f"/office/requests/{request}").text, "officers see for whom, and who vouched"
    setting_up.activated(appliance, officer, setting_up.prepared(appliance, officer, request))
    [here] = appliance.representatives.of_partner(partner.id)
    assert (here.enrolled, here.waiting) == (True, False)


def test_company_and_people_in_one_form(appliance: Appliance, portal: Flask, gamma: Company) -> None:
    """Both links are shown where no mail goes out; what is wrong about one of them is said at that field."""
    initiator = browser_of(portal, appliance, ZHANG.subject)
    company = {"name": "辛方示例有限公司", "code": code_of(960), "means": "licence", "language": "en"}
    company |= {"zone": "Asia/Shanghai"}
    keeper = {"colleague-name": "辛保管", "colleague-email": "keeper@xin.example"}
    head = {"administrator-name": "辛经办", "administrator-email": "head@xin.example"}
    taken = {"administrator-name": "辛经办", "administrator-email": ZHANG.email}
    twice = head | {"colleague-name": "辛保管", "colleague-email": "Head@xin.example"}
    for page in ("/partners/new", f"/partners/{gamma.partner.id}/edit"):
        fields = re.findall(r"<input[^>]*type=\"(?:text|tel)\"[^>]*", initiator.get(page).text)
        assert fields and not any("maxlength" in each for each in fields), "browsers cut what is pasted, silently"
    for wrong, place in (
        (keeper, "administrator-name"),
        (head | {"colleague-name": "辛保管"}, "colleague-email"),
        (taken, "administrator-email"),
        (twice, "colleague-email"),
    ):
        refused = posted(initiator, "/partners/new", **company, **wrong)
        assert refused.status_code in (409, 422)
        assert f'id="field-{place}-problem"' in refused.text
        assert appliance.partners.page(company["name"]) == []
    made = posted(initiator, "/partners/new", **company, **head, **keeper)
    shown = initiator.get(made.headers["Location"]).text
    assert len(set(re.findall(r"http\S+(/welcome/[\w-]+)", shown))) == 2
    partner = urlsplit(made.headers["Location"]).path.rpartition("/")[2]
    first, second = appliance.representatives.of_partner(partner)
    assert (first.administrator, second.administrator) == (True, False)
    assert appliance.registry.person(second.subject).language.value == "en"


def test_the_company_page_is_its_own(appliance: Appliance, portal: Flask, gamma: Company, other: Company) -> None:
    own = f"/partners/{gamma.partner.id}"
    for subject in (gamma.administrator, gamma.second):
        browser = browser_of(portal, appliance, subject)
        assert browser.get("/company").headers["Location"] == own
        text = browser.get(own).text
        assert gamma.partner.name in text
        assert "营业执照原件" not in text, "notes of the house"
        assert appliance.registry.person(ZHANG.subject).name not in text
        for address in (f"/partners/{other.partner.id}", "/partners/none"):
            assert browser.get(address).status_code == 404
        assert browser.get("/partners").status_code == 403
    house = browser_of(portal, appliance, ZHANG.subject).get(own).text
    assert "营业执照原件" in house


def test_the_administrator_looks_after_the_people(appliance: Appliance, portal: Flask, gamma: Company) -> None:
    own = f"/partners/{gamma.partner.id}"
    leaver = invited(appliance, gamma.partner, by=gamma.administrator)
    link = appliance.representatives.invite_again(gamma.partner.id, leaver, by=gamma.administrator).token
    act = f"{own}/representatives/{leaver}/leave"
    for stranger, status in ((gamma.second, 403), (ZHANG.subject, 409)):
        answer = posted(browser_of(portal, appliance, stranger), own, act)
        assert answer.status_code == status, stranger
    answer = posted(browser_of(portal, appliance, gamma.administrator), own, act)
    assert answer.status_code == 303
    assert appliance.accounts.administration.account(leaver).state is AccountState.LEFT
    told = portal.test_client().get(f"/welcome/{link}", headers={"Accept-Language": "en"})
    assert told.status_code == 409
    assert "The account of this link is closed" in told.text
    assert "left-" not in browser_of(portal, appliance, OFFICER).get(f"/office/people/{leaver}").text


def test_the_second_contract_takes_no_code_and_no_invitation(
    appliance: Appliance, portal: Flask, gamma: Company
) -> None:
    sent_to(appliance, gamma.second, title="第一份")
    second = sent_to(appliance, gamma.second, title="第二份")
    with appliance.database.reading() as tx:
        rows = tx.execute(
            "SELECT kind FROM outbox WHERE contract = ? AND recipient = ?", (second.id, gamma.second)
        )
        assert [kind for (kind,) in rows] == ["your-turn"]
        assert not tx.execute("SELECT 1 FROM guest_invitations WHERE person = ?", (gamma.second,)).fetchall()
    browser = browser_of(portal, appliance, gamma.second)
    home = browser.get("/").text
    assert {"第一份", "第二份"} <= set(re.findall("第.份", home))
    assert browser.get(f"/contracts/{second.id}/sign").status_code in (200, 303)
    text = browser_of(portal, appliance, ZHANG.subject).get(f"/contracts/{second.id}").text
    assert "/guests/" not in text, "there is no code to tell"
    assert f"/contracts/{second.id}/sign" in text, "no mail goes out here: the link to pass on"
    assert "<svg role" in text


def test_a_representative_is_found_and_chosen_as_a_party(
    appliance: Appliance, portal: Flask, gamma: Company
) -> None:
    draft = appliance.drafting.draft(sample_document(1), DraftTerms("草稿", "采购", "示例", ZHANG.subject))
    browser, page = browser_of(portal, appliance, ZHANG.subject), f"/contracts/{draft.id}/draft/parties"
    found = browser.get(page, query_string={"query": gamma.partner.name}).text
    for subject in (gamma.administrator, gamma.second):
        assert f'value="person:{subject}"' in found
    version, token = token_in(found, "seen"), token_in(found)
    fields = {"order": "parallel", "date": "2035-01-01", "time": "18:00", "zone": "Asia/Shanghai"}
    fields |= {"act": f"person:{gamma.second}", "seen": version, "form_token": token}
    assert browser.post(page, data=fields).status_code == 303
    [party] = appliance.contracts.read_contract(draft.id, ZHANG.subject).parties
    assert (party.subject, party.partner, party.guest) == (gamma.second, gamma.partner.id, False)


def test_who_reads_what_of_a_partners_contract(
    appliance: Appliance, portal: Flask, gamma: Company, other: Company
) -> None:
    """The administrator reads what was sent; a colleague without a part, and another partner, learn nothing."""
    contract = sent_to(appliance, gamma.second, title="只给一个人")
    draft = appliance.drafting.draft(sample_document(1), DraftTerms("未发出", "采购", "示例", ZHANG.subject))
    appliance.drafting.add_person(draft.id, subject=gamma.second, by=ZHANG.subject)
    third = invited(appliance, gamma.partner, by=gamma.administrator)
    open_account(appliance, third)
    expected = {
        gamma.second: 200,
        gamma.administrator: 200,
        third: 404,
        other.administrator: 404,
        other.second: 404,
    }
    for subject, status in expected.items():
        browser = browser_of(portal, appliance, subject)
        for page in ("", "/document.pdf", "/pages/1.png", "/revisions"):
            assert browser.get(f"/contracts/{contract.id}{page}").status_code == status, (subject, page)
        assert browser.get(f"/contracts/{draft.id}").status_code == 404
        listed = browser.get("/partners/" + (appliance.partners.partner_of(subject) or "")).text
        assert ("只给一个人" in listed) is (status == 200), subject
    administrator = browser_of(portal, appliance, gamma.administrator)
    for act in ("decline", "hand-over", "void", "recall", "extend"):
        answer = posted(administrator, f"/contracts/{contract.id}", f"/contracts/{contract.id}/{act}", reason="x")
        assert answer.status_code in (400, 403, 404, 409, 422), act
    page = administrator.get(f"/contracts/{contract.id}").text
    assert not re.findall(rf"/contracts/{contract.id}/(?:sign|decline|hand-over|evidence)", page)


def test_a_part_goes_to_a_colleague_of_the_same_partner(
    appliance: Appliance, portal: Flask, gamma: Company, other: Company
) -> None:
    contract = sent_to(appliance, gamma.second)
    browser, address = browser_of(portal, appliance, gamma.second), f"/contracts/{contract.id}/hand-over"
    offered = browser.get(address).text
    assert gamma.administrator in offered
    assert other.administrator not in offered
    assert ZHANG.subject not in offered
    fields = {"reason": "出差", "seen": str(contract.version), "party": contract.parties[0].id}
    for to in (other.second, ZHANG.subject):
        assert posted(browser, address, **fields, to=to).status_code == 422
    assert posted(browser, address, **fields, to=gamma.administrator).status_code == 303
    now = appliance.contracts.read_contract(contract.id, gamma.administrator)
    assert now.parties[0].subject == gamma.administrator


def test_a_link_is_handed_on_to_the_namesake_of_who_left(appliance: Appliance, portal: Flask) -> None:
    """Two representatives with one name of 80 letters, both on turn: the one who is there still gets the link."""
    delta, name = company(appliance), "甲" * 80
    twins = [invited(appliance, delta.partner, by=delta.administrator, name=name) for _ in range(2)]
    for twin in twins:
        open_account(appliance, twin)
        enrol(appliance, twin)
    contract = sent_to(appliance, *twins, order=SigningOrder.PARALLEL)
    initiator, sign = browser_of(portal, appliance, ZHANG.subject), f"/contracts/{contract.id}/sign"
    assert sign in initiator.get(f"/contracts/{contract.id}").text
    for twin, handed_on in zip(twins, (True, False), strict=True):
        appliance.representatives.deactivate(delta.partner.id, twin, by=delta.administrator)
        assert (sign in initiator.get(f"/contracts/{contract.id}").text) is handed_on


def test_the_administrator_names_a_colleague_for_who_left(appliance: Appliance, portal: Flask) -> None:
    delta = company(appliance)
    contract = sent_to(appliance, delta.second)
    initiator, sign = browser_of(portal, appliance, ZHANG.subject), f"/contracts/{contract.id}/sign"
    assert sign in initiator.get(f"/contracts/{contract.id}").text, "without mail, the link is handed on"
    appliance.representatives.deactivate(delta.partner.id, delta.second, by=delta.administrator)
    assert sign not in initiator.get(f"/contracts/{contract.id}").text
    own, page = (
        f"/partners/{delta.partner.id}",
        f"/partners/{delta.partner.id}/representatives/{delta.second}/contracts",
    )
    browser = browser_of(portal, appliance, delta.administrator)
    assert page in browser.get(own).text
    assert f'href="{own}"' in browser.get(page).text, "there is a way back"
    stranger = company(appliance)
    for subject in (stranger.administrator, ZHANG.subject):
        assert browser_of(portal, appliance, subject).get(page).status_code == 404
    fields = {
        "contract": contract.id,
        "party": contract.parties[0].id,
        "to": delta.administrator,
        "reason": "离任",
    }
    assert posted(browser, page, **fields).status_code == 303
    now = appliance.contracts.read_contract(contract.id, delta.administrator)
    assert now.parties[0].subject == delta.administrator
    assert page not in browser.get(own).text


def test_officers_see_whose_request_it_is(appliance: Appliance, portal: Flask, gamma: Company) -> None:
    page = browser_of(portal, appliance, OFFICER).get(f"/office/people/{gamma.second}")
    assert f"/partners/{gamma.partner.id}" in page.text
    assert html.escape(gamma.partner.name) in page.text
