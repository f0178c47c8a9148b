"""``/office/retention``: who may, what is refused at its place, and a hold from placing to lifting."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration import participants
from appliance.model.accounts import AccountRole
from appliance.wiring import Appliance
from tests.captures.made import captured
from tests.portal.office_visits import account_of, signed_in, token_in
from tests.world import sample_document, send

AUDITOR = "auditor-retention"
PAGE = "/office/retention"


@pytest.fixture
def officer(portal: Flask, appliance: Appliance) -> FlaskClient:
    account_of(appliance, participants.OFFICER, frozenset({AccountRole.OFFICER}))
    return signed_in(portal, appliance, participants.OFFICER)


def posted(browser: FlaskClient, what: str, **fields: str) -> tuple[int, str]:
    token = token_in(browser.get(PAGE).text)
    answer = browser.post(f"{PAGE}/{what}", data={"form_token": token, **fields})
    return answer.status_code, answer.text


def test_auditors_read_and_change_nothing(portal: Flask, appliance: Appliance, officer: FlaskClient) -> None:
    account_of(appliance, AUDITOR, frozenset({AccountRole.AUDITOR}))
    auditor = signed_in(portal, appliance, AUDITOR)
    assert "Legal holds" in auditor.get(PAGE).text
    token = token_in(auditor.get("/verify").text)
    for what in ("hold", "lift", "propose", "confirm", "refuse"):
        data = {"form_token": token, "contract": "x", "reason": "x"}
        assert auditor.post(f"{PAGE}/{what}", data=data).status_code == 403
    assert auditor.get(f"/office/people/{participants.LI.subject}/erase").status_code == 403
    assert officer.get(PAGE + "/else").status_code == 404


@pytest.mark.parametrize(
    ("contract", "reason", "status", "said"),
    [
        ("nobody", "诉讼", 422, "There is no contract nobody."),
        ("<b>", "诉讼", 422, "There is no contract &lt;b&gt;."),
        ("", "", 409, "Give a reason"),
    ],
)
def test_what_is_wrong_is_told_at_the_field(
    officer: FlaskClient, contract: str, reason: str, status: int, said: str
) -> None:
    answered, page = posted(officer, "hold", contract=contract, reason=reason)
    assert answered == status
    assert said in page and 'id="field-contract-problem"' in page


def test_a_hold_is_placed_and_lifted(appliance: Appliance, officer: FlaskClient) -> None:
    contract = send(appliance, sample_document(1))
    assert posted(officer, "hold", contract=contract.id, reason="<b>诉讼</b>")[0] == 303
    page = officer.get(PAGE).text
    assert contract.id in page and "&lt;b&gt;诉讼" in page and contract.title not in page
    assert posted(officer, "hold", contract=contract.id, reason="再次")[0] == 409
    assert posted(officer, "propose", contract=contract.id, reason="期满")[0] == 409
    assert posted(officer, "lift", contract=contract.id, reason="结案")[0] == 303
    assert posted(officer, "lift", contract=contract.id, reason="结案")[0] == 409


def test_captures_are_held_on_the_same_page(appliance: Appliance, officer: FlaskClient) -> None:
    by = "person-investigating"  # an account that another test opened keeps the roles that it had
    account_of(appliance, by, frozenset({AccountRole.INVESTIGATOR}))
    capture = captured(appliance, by)
    assert posted(officer, "hold", contract=capture.id, reason="诉讼")[0] == 303
    page = officer.get(PAGE).text
    assert capture.id in page and capture.address not in page
    assert appliance.capture_retention.is_held(capture.id)
    status, said = posted(officer, "propose", contract=capture.id, reason="期满")
    assert status == 409 and "under a legal hold" in said
    assert posted(officer, "lift", contract=capture.id, reason="结案")[0] == 303
    assert posted(officer, "hold", contract="0" * 24, reason="诉讼")[0] == 422


def test_erasing_says_what_stays(appliance: Appliance, officer: FlaskClient) -> None:
    send(appliance, sample_document(1))
    address = f"/office/people/{participants.LI.subject}/erase"
    page = officer.get(address).text
    assert "in which the person still acts: " in page
    data = {"form_token": token_in(page), "reason": "本人要求"}
    refused = officer.post(address, data=data)
    assert refused.status_code == 409 and 'id="field-reason-problem"' in refused.text
    assert officer.get("/office/people/person-nobody/erase").status_code == 404
