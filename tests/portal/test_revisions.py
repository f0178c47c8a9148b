"""``/contracts/ID/revisions``: what each revision changed for the eye."""

from __future__ import annotations

import re

from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import LI, ZHANG
from appliance.model.accounts import AccountRole
from appliance.wiring import Appliance
from tests.portal.visitors import known_person, signed_in
from tests.world import confirm, sample_document, send


def pictures(page: str) -> list[str]:
    return re.findall(r'<img src="[^"]*/pages/(\d+)\.png\?revision=(\d+)', page)


def test_a_signature_shows_on_its_page_alone(portal: Flask, appliance: Appliance) -> None:
    contract = send(appliance, sample_document(3))
    prepared = appliance.cycle.prepare(contract.id, contract.parties[0].id)
    confirm(appliance, prepared.intent)
    appliance.cycle.sign(prepared.id)
    signed = appliance.cycle.complete(prepared.id)
    zhang: FlaskClient = signed_in(portal, appliance, ZHANG.subject)

    page = zhang.get(f"/contracts/{contract.id}/revisions").text
    place = signed.parties[0].placement
    assert place is not None
    number = str(place.page + 1)
    assert pictures(page) == [(number, str(signed.current.number - 1)), (number, str(signed.current.number))]
    assert signed.current.digest in page

    fields = zhang.get(f"/contracts/{contract.id}/revisions/1").text
    assert pictures(fields) == []
    assert "没有变化" in fields
    original = zhang.get(f"/contracts/{contract.id}/revisions/0")
    assert original.status_code == 200 and pictures(original.text) == []


def test_strangers_and_unknown_revisions_find_nothing(portal: Flask, appliance: Appliance) -> None:
    contract = send(appliance, sample_document(1))
    known_person(appliance, "person-stranger", "孙路人")
    stranger = signed_in(portal, appliance, "person-stranger")
    assert stranger.get(f"/contracts/{contract.id}/revisions").status_code == 404
    li = signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER])
    assert li.get(f"/contracts/{contract.id}/revisions/7").status_code == 404
    assert li.get(f"/contracts/{contract.id}/revisions/-1").status_code == 404
