"""The pages of powers and identity checks: registered, confirmed by an officer, revoked; refusals first."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import ALPHA, CUSTODIAN, LI, OFFICER, ZHANG
from appliance.model.accounts import AccountRole
from appliance.model.powers import Power, PowerState
from appliance.wiring import Appliance
from tests.portal import signing_visits as visits
from tests.portal.drafts import hidden
from tests.portal.visitors import signed_in
from tests.world import know_officer, sample_document

INITIATOR, REVIEWER = [AccountRole.INITIATOR, AccountRole.SIGNER], [AccountRole.REVIEWER, AccountRole.SIGNER]


@pytest.fixture
def registrar(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject, INITIATOR)


@pytest.fixture
def reviewer(portal: Flask, appliance: Appliance) -> Iterator[FlaskClient]:
    yield signed_in(portal, appliance, CUSTODIAN.subject, REVIEWER)


@pytest.fixture
def officer(portal: Flask, appliance: Appliance) -> FlaskClient:
    know_officer(appliance)
    return signed_in(portal, appliance, OFFICER, [AccountRole.OFFICER])


def register(client: FlaskClient, *, letter: bytes | None = None, **changes: str) -> TestResponse:
    page = client.get(f"/powers/new?agent={LI.subject}").text
    content = sample_document(1) if letter is None else letter
    data: dict[str, object] = {
        **{name: hidden(page, name) for name in ("form_token", "once", "agent")},
        "basis": "letter",
        "grantor": ALPHA,
        "principal": "钱示例",
        "since": "2026-01-01",
        "until": "2027-12-31",
        "kinds": "采购合同\n采购，租赁",
        "counterparties": "",
        "amount": "壹佰万元整",
        "currency": "CNY",
        "letter": (io.BytesIO(content), "授权委托书.pdf"),
        **changes,
    }
    return client.post("/powers/new", data=data)


def registered(client: FlaskClient, appliance: Appliance) -> Power:
    answer = register(client)
    assert answer.status_code == 303, answer.text
    return appliance.powers.get(answer.headers["Location"].rsplit("/", 1)[1])


def test_a_comma_does_not_divide_the_name_of_a_company(reviewer: FlaskClient, appliance: Appliance) -> None:
    answer = register(reviewer, counterparties="Delta Trading Co., Ltd.\r\n丙公司；Echo, Inc.", amount="1")
    scope = appliance.powers.get(answer.headers["Location"].rsplit("/", 1)[1]).scope
    assert scope.counterparties == ("Delta Trading Co., Ltd.", "丙公司", "Echo, Inc.")
    assert scope.kinds == ("采购合同", "采购", "租赁"), "types of contract may stand on one line"


def decide(client: FlaskClient, power: Power, what: str, reason: str = "") -> TestResponse:
    token = hidden(client.get("/powers").text, "form_token")
    return client.post(f"/powers/{power.id}/{what}", data={"form_token": token, "reason": reason})


def said(answer: TestResponse) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", answer.text))


def test_who_only_signs_sees_no_register(portal: Flask, appliance: Appliance, browser: FlaskClient) -> None:
    signer = signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER])
    assert browser.get("/powers").status_code == 303
    for path in ("/powers", "/powers/new", f"/identity/{ZHANG.subject}"):
        assert signer.get(path).status_code == 403, path


def test_a_letter_is_registered_as_it_was_typed(registrar: FlaskClient, appliance: Appliance) -> None:
    assert LI.name in registrar.get("/powers/new?search=李样本").text
    power = registered(registrar, appliance)
    assert power.scope.kinds == ("采购合同", "采购", "租赁")
    assert str(power.scope.limit) == "CNY 1,000,000.00"
    assert power.until.isoformat() == "2027-12-31T16:00:00+00:00", "the last day is one of it, in Shanghai"
    page = said(registrar.get(f"/powers/{power.id}"))
    assert "待核验" in page
    assert "CNY 1,000,000.00" in page
    assert registrar.get(f"/powers/{power.id}/letter.pdf").data == appliance.powers.letter(power)
    assert power.id in registrar.get("/powers").text
    for shown in (registrar.get("/powers").text, registrar.get(f"/powers/{power.id}").text):
        assert "截止日期（含当日）" in shown and "2027-12-31 UTC+08:00" in shown and "2028-01-01" not in shown


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": "much"}, "请填写金额"),
        ({"until": ""}, "请选择日期"),
        ({"since": "31.12.2026"}, "请选择日期"),
        ({"until": "2025-12-31", "since": "2025-01-01"}, "已经到期"),
        ({"until": "2099-12-31"}, "1096"),
        ({"principal": " "}, "请填写授权单位"),
        ({"basis": "nothing"}, "请选择授权依据"),
        ({"basis": "contract"}, "系统编号"),
    ],
)
def test_what_no_power_can_be_is_said_in_the_form(
    registrar: FlaskClient, changes: dict[str, str], sentence: str
) -> None:
    answer = register(registrar, **changes)
    assert answer.status_code in (403, 409, 422)
    assert sentence in said(answer)
    assert "钱示例" in answer.text or "principal" in changes


def test_what_is_no_pdf_is_refused(registrar: FlaskClient) -> None:
    assert register(registrar, letter=b"no PDF").status_code == 422


def test_an_officer_confirms_and_anybody_responsible_revokes(
    registrar: FlaskClient, reviewer: FlaskClient, officer: FlaskClient, appliance: Appliance
) -> None:
    power = registered(registrar, appliance)
    for other in (registrar, reviewer):
        assert decide(other, power, "verify").status_code == 403
    assert "登记员办理" in said(reviewer.get(f"/powers/{power.id}"))
    asked = decide(officer, power, "verify")
    waiting = officer.get("/office").text
    assert re.search(f"confirms that {LI.name}|确认{LI.name}可按", waiting)
    [act] = {
        each
        for each in re.findall(r'href="(/office/acts/[0-9a-f]+)"', waiting)
        if power.id in officer.get(each).text
    }
    assert f"/powers/{power.id}" in officer.get(act).text
    assert appliance.powers.get(power.id).state is PowerState.REGISTERED, "nothing counts before it is confirmed"
    done = visits.confirm(officer, appliance, OFFICER, asked)
    assert (done.status_code, done.headers["Location"]) == (303, f"/powers/{power.id}")
    assert appliance.powers.get(power.id).state is PowerState.VERIFIED
    page = said(reviewer.get(f"/powers/{power.id}"))
    assert "有效" in page and "签名服务已出具声明" in page
    assert decide(officer, power, "verify").status_code == 409
    late = decide(reviewer, power, "refuse", "签字不清")
    assert late.status_code == 409
    assert "已经处理过" in said(late)
    assert decide(registrar, power, "revoke").status_code == 409, "a reason is asked for"
    assert decide(registrar, power, "revoke", "不再授权").status_code == 303
    assert appliance.powers.get(power.id).state is PowerState.REVOKED
    assert "不再授权" in said(reviewer.get(f"/powers/{power.id}"))


def test_the_agent_reads_the_own_power_and_nobody_elses(
    portal: Flask, registrar: FlaskClient, appliance: Appliance
) -> None:
    power = registered(registrar, appliance)
    agent = signed_in(portal, appliance, LI.subject, [AccountRole.SIGNER])
    assert agent.get(f"/powers/{power.id}").status_code == 200
    stranger = signed_in(portal, appliance, CUSTODIAN.subject, [AccountRole.SIGNER])
    assert stranger.get(f"/powers/{power.id}").status_code == 404
    assert stranger.get(f"/powers/{power.id}/letter.pdf").status_code == 404


# identity


def test_a_check_is_recorded_renewed_and_withdrawn(reviewer: FlaskClient, appliance: Appliance) -> None:
    where = f"/identity/{ZHANG.subject}"
    page = reviewer.get(where).text
    assert "尚未有人核验" in page or "核验记录" in page

    def record(**changes: str) -> TestResponse:
        form = reviewer.get(where).text
        data = {
            **{name: hidden(form, name) for name in ("form_token", "once")},
            "document": "id-card",
            "number": "11010519491231002X",
            "against": "original",
            "expires": "",
            "note": "面签",
        }
        return reviewer.post(where, data={**data, **changes})

    for changes, sentence in (
        ({"number": "110105194912310021"}, "末位校验码"),
        ({"expires": "2020-01-01"}, "过期"),
        ({"document": "none"}, "请选择证件类型"),
    ):
        answer = record(**changes)
        assert answer.status_code in (403, 409, 422)
        assert sentence in said(answer)
    assert record().status_code == 303
    assert record(number="110105 19491231 002x").status_code == 303
    page = reviewer.get(where).text
    assert "…002X" in page
    assert "1949" not in page
    first = appliance.identity.current(ZHANG.subject)
    assert first is not None
    token = hidden(page, "form_token")
    for each in appliance.identity.checks_of(ZHANG.subject):
        done = reviewer.post(f"{where}/{each.id}/withdraw", data={"form_token": token, "reason": "证件有误"})
        assert done.status_code == 303
    assert appliance.identity.current(ZHANG.subject) is None


def test_nobody_records_a_check_of_themselves(reviewer: FlaskClient) -> None:
    page = reviewer.get(f"/identity/{CUSTODIAN.subject}").text
    assert 'name="number"' not in page
