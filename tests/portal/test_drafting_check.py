"""Step 4: everything in one view, what is missing with its place, and sending once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import CONTRACT_SEAL, LI, ZHANG
from appliance.model.contract import ContractState
from appliance.wiring import Appliance
from tests.portal.conftest import portal_of
from tests.portal.drafts import Wizard, begun
from tests.portal.visitors import signed_in
from tests.world import World, contract_now


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def wizard(zhang: FlaskClient) -> Wizard:
    return begun(zhang)


@pytest.fixture
def ready(wizard: Wizard) -> Wizard:
    """A draft that Zhang, Li and the seal sign, with nothing missing."""
    wizard.save("document", title="采购 <b>示例</b>", kind="采购", purpose="采购示例设备")
    for act in (f"person:{LI.subject}", "myself"):
        wizard.save("parties", act=act)
    wizard.save("parties", act="seal", seal=CONTRACT_SEAL.subject, requester=ZHANG.subject)
    wizard.save("fields", act="usual")
    return wizard


def test_what_is_missing_is_linked_to_its_place_and_nothing_can_be_sent(
    wizard: Wizard, appliance: Appliance
) -> None:
    page = wizard.step("check")
    places = set(re.findall(rf'href="/contracts/{wizard.contract}/draft/([a-z]+)', page))
    assert places == {"document", "parties"}
    assert 'value="send"' not in page
    answer = wizard.send("check", wizard.form("check"), act="send")
    assert answer.status_code == 422
    assert contract_now(appliance, wizard.contract).state is ContractState.DRAFT


def test_a_party_without_a_field_is_named(ready: Wizard, appliance: Appliance) -> None:
    ready.save("fields", act="remove:0")
    page = ready.step("check")
    assert f"{ZHANG.name}还没有签署区" in page
    assert f"/contracts/{ready.contract}/draft/fields" in page


def test_everything_is_seen_before_it_is_sent(ready: Wizard) -> None:
    page = ready.step("check")
    for shown in (
        "采购 &lt;b&gt;示例&lt;/b&gt;",
        ZHANG.name,
        LI.name,
        "UTC+08:00 (Asia/Shanghai)",
        'value="send"',
    ):
        assert shown in page
    for colour in ("c1", "c2", "c3"):
        assert f'<rect class="{colour}"' in page
    assert page.count('class="tick"') == 4


def test_who_signs_first_goes_straight_to_signing_and_a_second_press_too(
    ready: Wizard, appliance: Appliance
) -> None:
    form = ready.form("check")
    answers = [ready.send("check", form, act="send") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert {answer.headers["Location"] for answer in answers} == {f"/contracts/{ready.contract}/sign"}
    assert contract_now(appliance, ready.contract).state is ContractState.SENT


def test_who_does_not_sign_goes_to_the_contract(wizard: Wizard) -> None:
    wizard.save("document", kind="采购", purpose="采购示例设备")
    wizard.save("parties", act=f"person:{LI.subject}")
    wizard.save("fields", act="usual")
    answer = wizard.send("check", wizard.form("check"), act="send")
    assert answer.headers["Location"] == f"/contracts/{wizard.contract}"


def test_what_changed_since_the_page_was_shown_is_not_sent(ready: Wizard, appliance: Appliance) -> None:
    old = ready.form("check")
    ready.save("document", purpose="etwas anderes")
    answer = ready.send("check", old, act="send")
    assert answer.status_code == 409
    assert "etwas anderes" in answer.text
    assert contract_now(appliance, ready.contract).state is ContractState.DRAFT


def test_a_deadline_that_passed_in_the_meantime_is_refused(ready: Wizard, world: World) -> None:
    with world.opened(ahead=timedelta(days=20)) as later:
        portal = portal_of(later, later.authority)
        late = Wizard(signed_in(portal, later, ZHANG.subject), ready.contract)
        page = late.step("check")
        assert f"/contracts/{ready.contract}/draft/parties#field-deadline" in page
        assert late.send("check", late.form("check"), act="send").status_code == 422


@pytest.mark.parametrize("step", ["document", "parties", "fields", "check"])
def test_a_sent_contract_is_no_draft_any_more(ready: Wizard, step: str) -> None:
    form = ready.form(step)
    ready.send("check", ready.form("check"), act="send")
    back = ready.client.get(f"/contracts/{ready.contract}/draft/{step}")
    form["once"] = "another-form-than-before"
    for answer in (back, ready.send(step, form, act="send"), ready.send(step, form, act="save")):
        assert answer.status_code == 409
        assert "已发出" in answer.text
        assert f'<a class="button" href="/contracts/{ready.contract}">' in answer.text
    assert ready.send(step, form, json=True, act="save").json["code"] == "state-refused"


def test_going_back_from_the_check_sends_nothing(ready: Wizard, appliance: Appliance) -> None:
    answer = ready.save("check", go="parties")
    assert answer.headers["Location"].endswith("/draft/parties")
    assert contract_now(appliance, ready.contract).state is ContractState.DRAFT
