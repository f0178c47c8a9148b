"""The counterparty's way: by link and code to the document, and back with the signed file; and the office's way
to an approved authority."""

from __future__ import annotations

import io
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.config import MailSettings, Security
from appliance.demonstration.participants import LI, OFFICER, ZHANG
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, PartyState, SigningOrder
from appliance.notices.delivery import OutboxDelivery
from appliance.notices.mail import MailClient
from appliance.wiring import Appliance
from tests.appliance.notices.smtp import post_office
from tests.own_certificate.counterparty import Holder, authority, signed_with_pyhanko
from tests.own_certificate.house import BY, outside, sent, sign_here
from tests.portal import office_visits
from tests.portal.conftest import portal_of
from tests.portal.office_visits import token_in
from tests.portal.test_guest_code import link_of
from tests.portal.visitors import signed_in
from tests.world import confirm_by, contract_now


@pytest.fixture(scope="module")
def portal(appliance: Appliance) -> Flask:
    return portal_of(appliance, appliance.authority)


def come_in(portal: Flask, appliance: Appliance, contract: Contract) -> tuple[FlaskClient, str]:
    """The guest's browser, let in by link and code, and where it was led."""
    party, client = outside(contract), portal.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    link, code = link_of(appliance, party), appliance.guests.code(contract.id, party.id, by=BY)
    entered = client.post(link, data={"form_token": token_in(client.get(link).text), "code": code})
    assert entered.status_code == 303, entered.text
    return client, entered.location


def test_the_invitation_says_what_is_needed_and_nothing_of_passkeys(portal: Flask, appliance: Appliance) -> None:
    contract = sign_here(appliance, sent(appliance))
    party = outside(contract)
    with post_office() as post:
        mail = MailClient(
            MailSettings(host="127.0.0.1", port=post.port, security=Security.NONE, sender="a@a.example"), None
        )
        mails, addresses = appliance.reminders.mails, appliance.addresses
        out = OutboxDelivery(
            appliance.database,
            mail,
            mails,
            addresses=addresses,
            issuer="甲",
            now=appliance.now,
        )
        while out.deliver_due():
            pass
        told = next(each for each in post.messages if "自有证书签署" in each["Subject"])
    body = told.get_body(("plain",))
    assert body is not None
    for words in ("UKey", "下载文件", "验证码"):
        assert words in body.get_content()
    entry = portal.test_client().get(link_of(appliance, party), headers={"User-Agent": "MicroMessenger"}).text
    assert "UKey" in entry and "通行密钥" not in entry
    zhang, page = signed_in(portal, appliance, ZHANG.subject), f"/contracts/{contract.id}/guests/{party.id}"
    shown = zhang.post(f"{page}/show", data={"form_token": token_in(zhang.get(page).text)}, follow_redirects=True)
    assert "签署后上传" in shown.text and "通行密钥" not in shown.text


def upload(client: FlaskClient, page: str, content: bytes, **more: object) -> tuple[int, str]:
    shown = client.get(page).text
    data = {
        "form_token": token_in(shown),
        "document": (io.BytesIO(content), "signed.pdf"),
        "accepts": "1",
        **more,
    }
    answer = client.post(page, data=data, content_type="multipart/form-data")
    return answer.status_code, answer.location or answer.text


def test_from_the_link_to_the_signature(portal: Flask, appliance: Appliance, zheng: Holder) -> None:
    contract = sign_here(appliance, sent(appliance, order=SigningOrder.PARALLEL, later=(LI.subject,)))
    client, led = come_in(portal, appliance, contract)
    assert led.endswith(f"/contracts/{contract.id}/sign"), "no passkey is set up"
    page = f"/contracts/{contract.id}/own"
    assert client.get(led).location.endswith(page)
    shown = client.get(page).text
    assert outside(contract).field in shown and contract.current.digest in shown
    assert "其他签署方可能同时签署" in shown
    document = client.get(f"{page}/document.pdf").data
    assert document == appliance.contracts.document(contract)
    signed = signed_with_pyhanko(document, zheng, outside(contract).field)
    assert upload(client, page, signed, accepts="")[0] == 422
    status, where = upload(client, page, signed + b"\n")
    assert status == 422 and "文件末尾" in where
    status, where = upload(client, page, signed)
    assert status == 303, where
    assert outside(contract_now(appliance, contract.id)).state is PartyState.SIGNED
    assert client.get(where).status_code == 200
    zhang = signed_in(portal, appliance, ZHANG.subject)
    told = zhang.get(f"/contracts/{contract.id}").text
    assert "外部签署人 · 自有证书" in told and "Gamma Trust Services" in told
    assert "收到已签文件时加盖时间戳" in zhang.get(f"/contracts/{contract.id}/revisions").text
    sign_here(appliance, contract_now(appliance, contract.id), 2)
    appliance.finalisation.finalise(contract.id)
    told = client.get(f"/contracts/{contract.id}").text
    assert "不能在此声明作废" in told and ZHANG.name in told and "解除协议" in told
    assert "不能在此声明作废" not in zhang.get(f"/contracts/{contract.id}").text


def test_nobody_else_finds_the_page(portal: Flask, appliance: Appliance, zheng: Holder) -> None:
    contract = sign_here(appliance, sent(appliance))
    other, _ = come_in(portal, appliance, sign_here(appliance, sent(appliance)))
    for client in (other, signed_in(portal, appliance, ZHANG.subject), signed_in(portal, appliance, LI.subject)):
        assert client.get(f"/contracts/{contract.id}/own").status_code == 404
        assert client.get(f"/contracts/{contract.id}/own/document.pdf").status_code == 404


def test_a_stale_file_gets_a_sentence_and_the_new_one(portal: Flask, appliance: Appliance, zheng: Holder) -> None:
    contract = sign_here(appliance, sent(appliance, order=SigningOrder.PARALLEL, later=(LI.subject,)))
    client, _ = come_in(portal, appliance, contract)
    page = f"/contracts/{contract.id}/own"
    stale = signed_with_pyhanko(client.get(f"{page}/document.pdf").data, zheng, outside(contract).field)
    now = sign_here(appliance, contract, 2)
    status, said = upload(client, page, stale)
    assert status == 409 and LI.name in said and now.current.digest in said


def test_an_officer_registers_approves_and_ends(portal: Flask, appliance: Appliance) -> None:
    office_visits.account_of(appliance, OFFICER, frozenset({AccountRole.OFFICER}))
    officer, root = office_visits.signed_in(portal, appliance, OFFICER, language="zh"), authority("Delta Root")
    page = officer.get("/office/authorities").text
    fields = {"form_token": token_in(page), "once": token_in(page, "once"), "organisation": "庚公司示例有限公司"}
    bad = {**fields, "reason": "电话核对", "certificate": (io.BytesIO(b"x"), "x.pem")}
    assert officer.post("/office/authorities", data=bad).status_code == 409
    good = {**fields, "reason": "电话核对", "certificate": (io.BytesIO(root.pem), "root.pem")}
    where = officer.post("/office/authorities", data=good).location
    shown = officer.get(where).text
    [digest] = re.findall(r"(?:[0-9a-f]{4} ){15}[0-9a-f]{4}", shown)
    led = officer.post(f"{where}/approve", data={"form_token": token_in(shown)}).location
    assert led.startswith(appliance.settings.activation.origin)
    [act] = [each for each in appliance.office.decisions.waiting_decisions() if each.subject in where]
    assert act.details["certificate"] == digest.replace(" ", "")
    confirm_by(appliance, OFFICER, appliance.office.decisions.to_activate(act))
    officer.get(f"/office/acts/{act.id}/activated")
    assert "已批准" in officer.get(where).text
    ended = officer.post(
        f"{where}/end", data={"form_token": token_in(officer.get(where).text), "ended_because": "停用"}
    )
    assert ended.status_code == 303 and "已停用" in officer.get(where).text


def test_people_who_are_no_officers_register_nothing(portal: Flask, appliance: Appliance) -> None:
    zhang = signed_in(portal, appliance, ZHANG.subject)
    assert zhang.get("/office/authorities").status_code == 403
