"""Numbers on the page of a draft, where policy lets the initiator enter them, and departments at the office."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import ZHANG
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.wiring import Appliance
from tests.portal.conftest import form_token, portal_of
from tests.portal.estate import drafted
from tests.portal.visitors import known_person, signed_in
from tests.world import World, contract_now


def save(client: FlaskClient, draft: str, number: str) -> int:
    page = client.get(f"/contracts/{draft}/draft/document").text
    fields = dict(re.findall(r'<input[^>]* name="(seen|title|kind|currency)"[^>]* value="([^"]*)"', page))
    fields |= {
        "form_token": form_token(client),
        "title": "编号试验",
        "kind": "采购",
        "purpose": "试验",
        "number": number,
    }
    return client.post(f"/contracts/{draft}/draft/document", data=fields).status_code


def test_a_number_is_entered_on_the_page_of_the_document(world: World) -> None:
    before = world.home.policy.read_text(encoding="utf-8")
    world.home.policy.write_text('[numbers]\nby_hand = "allowed"\n', encoding="utf-8")
    try:
        with world.opened() as appliance:
            client = signed_in(portal_of(appliance, appliance.authority), appliance, ZHANG.subject, PEOPLES_ROLES)
            first, second = drafted(appliance), drafted(appliance)
            assert 'name="number"' in client.get(f"/contracts/{first.id}/draft/document").text
            assert save(client, first.id, " 甲-2026-77 ") == 303
            assert contract_now(appliance, first.id).number == "甲-2026-77"
            assert f'value="{"甲-2026-77"}"' in client.get(f"/contracts/{first.id}/draft/document").text
            assert save(client, first.id, "甲-2026-77") == 303, "saved again as it is"
            assert save(client, second.id, "甲-２０２６-77") == 422, "another contract has it"
            assert save(client, second.id, "x" * 121) == 422
            assert save(client, first.id, "") == 303
            assert contract_now(appliance, first.id).number == ""
    finally:
        world.home.policy.write_text(before, encoding="utf-8")


def test_nothing_is_entered_where_the_appliance_numbers(portal: Flask, appliance: Appliance) -> None:
    client, draft = signed_in(portal, appliance, ZHANG.subject, PEOPLES_ROLES), drafted(appliance)
    assert 'name="number"' not in client.get(f"/contracts/{draft.id}/draft/document").text
    assert save(client, draft.id, "自拟-1") == 422


def test_an_officer_enters_departments(portal: Flask, appliance: Appliance) -> None:
    known_person(appliance, "officer-departments", "登记员")
    known_person(appliance, "person-departed", "部门甲")
    signed_in(portal, appliance, "person-departed")
    officer = signed_in(portal, appliance, "officer-departments", [AccountRole.OFFICER])
    page = "/office/people/person-departed"
    saved = officer.post(f"{page}/department", data={"form_token": form_token(officer), "department": " 法务部 "})
    assert saved.status_code == 303
    assert 'value="法务部"' in officer.get(page).text
    refused = officer.post(f"{page}/department", data={"form_token": form_token(officer), "department": "部" * 41})
    assert refused.status_code == 422 and "部门名称过长" in refused.text
