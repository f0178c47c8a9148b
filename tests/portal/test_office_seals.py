"""``/office/seals``: officers make seals, suspend and resume them, and see a picture before it is used."""

from __future__ import annotations

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration import participants
from appliance.model.accounts import AccountRole
from appliance.office import members
from appliance.wiring import Appliance
from tests.portal import visitors
from tests.portal.office_visits import act_of, activated, posted, token_in
from tests.seals.pictures import as_png, print_of


def test_a_seal_is_made_once(appliance: Appliance, officer: FlaskClient) -> None:
    shown = officer.get("/office/seals/new").text
    form = {
        "form_token": token_in(shown),
        "once": token_in(shown, "once"),
        "organisation": participants.ALPHA,
        "kind": "FINANCE",
        "width": "38",
        "custodian": [participants.CUSTODIAN.subject],
    }
    first, second = officer.post("/office/seals/new", data=form), officer.post("/office/seals/new", data=form)
    act = act_of(appliance, first)
    assert act == act_of(appliance, second)

    activated(appliance, officer, act)
    third = officer.post("/office/seals/new", data=form)
    assert (third.status_code, third.headers["Location"]) == (303, act), "what became of it"

    made = [seal for seal in appliance.registry.seals() if seal.kind.name == "FINANCE"]
    assert len(made) == 1
    page = f"/office/seals/{made[0].subject}"
    assert posted(officer, page, f"{page}/suspend", reason="").status_code == 409
    assert posted(officer, page, f"{page}/suspend", reason="遗失").status_code == 303
    assert "suspended" in officer.get(page).text
    resumed = posted(officer, page, f"{page}/resume", reason="找回")
    assert "suspended" in officer.get(page).text
    activated(appliance, officer, act_of(appliance, resumed))
    assert "suspended" not in officer.get(page).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"width": "wide"}, "number of millimetres"),
        ({"width": "600"}, "10 to 60 mm"),
        ({"kind": "GREAT"}, "kind of the seal"),
        ({"custodian": []}, "at least one custodian"),
        ({"custodian": [participants.LI.subject]}, "Custodians are enrolled people"),
        ({"organisation": "<script>"}, "&lt;script&gt;"),
    ],
)
def test_what_no_seal_can_be(officer: FlaskClient, changes: dict[str, object], said: str) -> None:
    shown = officer.get("/office/seals/new").text
    form = {
        "form_token": token_in(shown),
        "once": token_in(shown, "once"),
        "organisation": participants.ALPHA,
        "kind": "COMPANY",
        "width": "42",
        "custodian": [participants.CUSTODIAN.subject],
        **changes,
    }
    answer = officer.post("/office/seals/new", data=form)
    assert answer.status_code in (409, 422) and said in answer.text and "<script>" not in answer.text


def test_an_officer_looks_custodians_up_and_keeps_those_that_are_ticked(
    portal: Flask, appliance: Appliance, officer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "/office/seals/new"
    visitors.signed_in(portal, appliance, participants.ZHANG.subject, [AccountRole.SIGNER, AccountRole.CUSTODIAN])
    assert 'name="find"' not in officer.get(address).text
    monkeypatch.setattr(members, "PAGE", 1)
    shown = officer.get(address).text
    assert 'name="find"' in shown
    form = {"form_token": token_in(shown), "act": "search", "width": "38"}
    found = officer.post(address, data={**form, "find": participants.CUSTODIAN.name}).text
    assert f'id="custodian-{participants.CUSTODIAN.subject}"' in found
    assert f'id="custodian-{participants.ZHANG.subject}"' not in found
    kept = officer.post(address, data={**form, "find": "%", "custodian": participants.CUSTODIAN.subject}).text
    assert f'id="custodian-{participants.CUSTODIAN.subject}" type="checkbox" name="custodian"' in kept


def test_a_picture_of_a_seal_is_seen_before_it_is_used(appliance: Appliance, officer: FlaskClient) -> None:
    seal = f"/office/seals/{participants.CONTRACT_SEAL.subject}"

    def upload(data: bytes) -> TestResponse:
        form = {"form_token": token_in(officer.get(seal).text), "picture": (io.BytesIO(data), "seal.png")}
        return officer.post(f"{seal}/picture", data=form, content_type="multipart/form-data")

    coarse = upload(as_png(print_of(200)))
    assert coarse.status_code == 422 and "needs 473" in coarse.text
    act = upload(as_png(print_of(ink="#1240c8"))).headers["Location"]
    page = officer.get(act).text
    look = re.search(r'class="sealpreview" src="([^"]+)"', page)
    assert look and officer.get(look[1].replace("&amp;", "&")).data.startswith(b"\x89PNG")
    assert "not red" in page and "dpi at the size" in page
    activated(appliance, officer, act)
    assert "An uploaded picture" in officer.get(seal).text
    drawn = posted(officer, seal, f"{seal}/picture/drawn").headers["Location"]
    activated(appliance, officer, drawn)
    assert "Drawn by the appliance" in officer.get(seal).text


def test_only_people_with_the_custodians_role_are_offered_a_seal(
    portal: Flask, appliance: Appliance, officer: FlaskClient
) -> None:
    tick = f'id="custodian-{participants.ZHANG.subject}"'
    visitors.signed_in(portal, appliance, participants.ZHANG.subject, [AccountRole.SIGNER])
    assert tick not in officer.get("/office/seals/new").text
    visitors.signed_in(portal, appliance, participants.ZHANG.subject, [AccountRole.SIGNER, AccountRole.CUSTODIAN])
    assert tick in officer.get("/office/seals/new").text
