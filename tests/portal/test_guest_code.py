"""A guest's code: the initiator is led to it, and whom link and code let in needs them once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.accounts.sessions import ClientInfo
from appliance.accounts.tickets import LinkTokens
from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import LI, ZHANG, ZONE
from appliance.errors import StateRefused
from appliance.language import Language
from appliance.model.accounts import AccountRole, LinkPurpose
from appliance.model.contract import Contract, Deadline, GuestDetails, Party, Placement, SigningOrder
from appliance.wiring import LINKS_KEY, Appliance
from tests.portal.office_visits import token_in
from tests.portal.visitors import signed_in
from tests.world import sample_document


@pytest.fixture(scope="module")
def invited(appliance: Appliance) -> Contract:
    """Out to a guest and to Li at the same time."""
    deadline = Deadline(appliance.now() + timedelta(days=3), ZONE)
    terms = DraftTerms("咨询合同", "服务", "示例", ZHANG.subject, deadline, SigningOrder.PARALLEL)
    draft = appliance.drafting.draft(sample_document(1), terms)
    guest = GuestDetails("郑示例", "丙公司", "zheng@gamma.example", "+86 138 0000 0000")
    party = appliance.drafting.add_guest(draft.id, guest, by=ZHANG.subject)
    appliance.drafting.place(draft.id, party.id, [Placement(0, 10, 80, 25, 8)], by=ZHANG.subject)
    appliance.drafting.add_person(draft.id, subject=LI.subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


@pytest.fixture
def party(invited: Contract) -> Party:
    return next(each for each in invited.parties if each.guest)


def link_of(appliance: Appliance, party: Party) -> str:
    """The address in the guest's letter, without the host."""
    links = LinkTokens(appliance.settings.home.secret(LINKS_KEY, {}))
    return f"/guest/{links.token_of(LinkPurpose.GUEST, appliance.guests.of_party(party.id).id)}"


def test_others_are_not_led_to_the_code(
    portal: Flask, appliance: Appliance, invited: Contract, party: Party
) -> None:
    li = signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER])
    assert "/guests/" not in li.get(f"/contracts/{invited.id}").text
    assert li.get(f"/contracts/{invited.id}/guests/{party.id}").status_code == 404


def test_from_the_contract_to_the_code_and_in(
    portal: Flask, appliance: Appliance, browser: FlaskClient, invited: Contract, party: Party
) -> None:
    zhang = signed_in(portal, appliance, ZHANG.subject)
    asked = "请将验证码告知郑示例"
    page = zhang.get(f"/contracts/{invited.id}").text
    assert asked in page
    [address] = set(re.findall(r'href="(/contracts/\w+/guests/\w+)"', page))
    shown = re.search(r'class="callnumber">([\d ]+)<', zhang.get(address).text)
    assert shown is not None

    link, inbox = link_of(appliance, party), appliance.reminders.inbox
    before, waits = inbox.count_unseen(ZHANG.subject), f"{party.name}（丙公司）已打开"
    waiting = zhang.get("/notices").text.count(waits)
    door = browser.get(link)
    assert 'name="code"' in door.text
    assert zhang.get("/notices").text.count(waits) == waiting + 1
    assert inbox.count_unseen(ZHANG.subject) == before + 1
    entered = browser.post(link, data={"form_token": token_in(door.text), "code": shown[1]})
    assert entered.headers["Location"].startswith(f"{appliance.settings.activation.origin}/register/")

    # Later letters bring the same link: who is in already is not asked again; for everybody else it was used.
    assert browser.get(link).headers["Location"].endswith(f"/contracts/{invited.id}/sign")
    assert 'name="code"' not in portal.test_client().get(link).text
    page = zhang.get(f"/contracts/{invited.id}").text
    assert asked not in page
    assert address in page
    assert zhang.get("/notices").text.count(waits) == waiting
    assert inbox.count_unseen(ZHANG.subject) == before


def test_a_code_lets_in_once_by_each_link(appliance: Appliance, invited: Contract, party: Party) -> None:
    link, code = link_of(appliance, party), appliance.guests.code(invited.id, party.id, by=ZHANG.subject)
    with pytest.raises(StateRefused, match="was used already"):
        appliance.entering.admit(link.rsplit("/", 1)[-1], code, ClientInfo("192.0.2.7"))


def test_the_initiator_is_asked_six_times_a_day_by_whatever_links(
    appliance: Appliance, invited: Contract, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    entering, began = appliance.entering, appliance.now()
    old = link_of(appliance, party).rsplit("/", 1)[-1]
    for number in range(6):
        monkeypatch.setattr(entering, "_now", lambda number=number: began + number * timedelta(minutes=11))
        entering.ask_for_code(old)
        appliance.guests.invite_again(invited.id, party.id, by=ZHANG.subject)
        with pytest.raises(StateRefused, match="just now"):
            entering.ask_for_code(old)
    monkeypatch.setattr(entering, "_now", lambda: began + timedelta(hours=23))
    with pytest.raises(StateRefused, match="several times today"):
        entering.ask_for_code(old)
    told = appliance.reminders.inbox.list_entries(ZHANG.subject, Language.ENGLISH)
    assert sum("asks for a new link and code" in each.title for each in told) == 6, "who asks is not in yet"
    monkeypatch.setattr(entering, "_now", lambda: began + timedelta(hours=25))
    entering.ask_for_code(old)


def test_a_link_that_the_initiator_sends_has_another_code(
    appliance: Appliance, invited: Contract, party: Party
) -> None:
    code = appliance.guests.code(invited.id, party.id, by=ZHANG.subject)
    appliance.guests.invite_again(invited.id, party.id, by=ZHANG.subject)
    assert appliance.guests.code(invited.id, party.id, by=ZHANG.subject) != code
