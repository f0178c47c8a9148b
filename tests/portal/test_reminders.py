"""Notices, wishes, dates, mail and calendars, as people meet them in the portal."""

from __future__ import annotations

import re
from datetime import timedelta

import icalendar
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.contracts.draft_rules import DraftTerms
from appliance.demonstration.participants import LI, ZHANG
from appliance.model.contract import Contract, Deadline, SigningOrder
from appliance.model.notice import Notice, NoticeKind
from appliance.store import outbox
from appliance.wiring import Appliance
from tests.portal.estate import once
from tests.portal.visitors import signed_in
from tests.world import contract_now, sample_document, send


@pytest.fixture(scope="module")
def sent(appliance: Appliance) -> Contract:
    return send(appliance, sample_document(1))


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject)


@pytest.fixture
def li(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, LI.subject)


def post(client: FlaskClient, page: str, address: str, **fields: str) -> TestResponse:
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', client.get(page).text)
    assert token is not None
    return client.post(address, data={"form_token": token[1], **fields})


def test_the_bell_counts_what_is_new_until_it_is_read(
    zhang: FlaskClient, appliance: Appliance, sent: Contract
) -> None:
    with appliance.database.transaction() as tx:
        outbox.enqueue(tx, Notice(sent.id, ZHANG.subject, NoticeKind.PARTY_SIGNED, appliance.now()))
    before = unread(zhang)
    assert before >= 1
    page = zhang.get("/notices").text
    assert sent.title in page and "未读" in page
    until = re.search(r'name="until" value="([^"]+)"', page)
    assert until is not None
    assert post(zhang, "/notices", "/notices/seen", until=until[1]).status_code == 303
    after = unread(zhang)
    assert after < before, "what is due in days to come, of other tests, stays unread"
    assert ("全部标为已读" in zhang.get("/notices").text) == (after > 0)


def unread(client: FlaskClient) -> int:
    """What the bell counts."""
    label = re.search(r'class="tool bell"[^>]*aria-label="通知(?:，(\d+) 条未读)?"', client.get("/").text)
    assert label is not None
    return int(label[1] or 0)


def test_strangers_are_led_to_sign_in(browser: FlaskClient) -> None:
    for page in ("/notices", "/settings/reminders"):
        assert "/login" in browser.get(page).headers["Location"]


def test_wishes_are_kept_and_impossible_ones_refused(zhang: FlaskClient) -> None:
    page = "/settings/reminders"
    assert post(zhang, page, page, quiet_start="22:00", quiet_until="08:00", daily="09:30").status_code == 303
    shown = zhang.get(page).text
    assert all(f'value="{each}"' in shown for each in ("22:00", "08:00", "09:30"))
    refused = post(zhang, page, page, quiet_start="22:00", quiet_until="", daily="")
    assert (refused.status_code, "须同时填写" in refused.text) == (422, True)
    refused = post(zhang, page, page, quiet_start="25:00", quiet_until="08:00", daily="")
    assert (refused.status_code, "不是有效的时间" in refused.text) == (422, True)
    assert post(zhang, page, page, quiet_start="", quiet_until="", daily="").status_code == 303


def test_a_calendar_has_an_address_that_its_owner_can_end(
    zhang: FlaskClient, browser: FlaskClient, sent: Contract
) -> None:
    page = "/settings/reminders"
    made = post(zhang, page, f"{page}/calendar").text
    found = re.search(r"/calendar/[A-Za-z0-9_-]{43}\.ics", made)
    assert found is not None
    assert found[0] not in zhang.get(page).text
    answer = browser.get(found[0])
    assert answer.content_type == "text/calendar; charset=utf-8"
    titles = [str(event["SUMMARY"]) for event in icalendar.Calendar.from_ical(answer.data).walk("VEVENT")]
    assert f"签署截止：{sent.title}" in titles
    assert post(zhang, page, f"{page}/calendar/end").status_code == 303
    assert browser.get(found[0]).status_code == 404


def test_the_initiator_keeps_the_dates(zhang: FlaskClient, li: FlaskClient, sent: Contract) -> None:
    page = f"/contracts/{sent.id}/dates"
    days = {"effective": "2027-01-01", "renewal": "2027-11-30", "expiry": "2027-12-31"}
    assert post(zhang, page, page, **days).headers["Location"] == f"/contracts/{sent.id}"
    shown = zhang.get(f"/contracts/{sent.id}").text
    assert all(day in shown for day in days.values())
    refused = post(zhang, page, page, **{**days, "expiry": "2026-01-01"})
    assert (refused.status_code, "到期日不能早于生效日" in refused.text) == (422, True)
    assert post(zhang, page, page, **{**days, "expiry": "soon"}).status_code == 422
    assert li.get(page).status_code == 403
    assert "2027-12-31" not in li.get(f"/contracts/{sent.id}").text, "a note of the initiator's organisation"


def test_mail_whose_arrival_is_unknown_says_so_and_its_initiator_sends_it_again(
    zhang: FlaskClient, li: FlaskClient, appliance: Appliance, sent: Contract
) -> None:
    page = f"/contracts/{sent.id}/mail"
    with appliance.database.transaction() as tx:
        outbox.enqueue(tx, Notice(sent.id, LI.subject, NoticeKind.EXTENDED, appliance.now()))
        tx.execute(
            "UPDATE outbox SET state = 'unknown', reason = 'connection lost' WHERE contract = ?", (sent.id,)
        )
        number = tx.execute("SELECT max(id) FROM outbox WHERE contract = ?", (sent.id,)).fetchone()[0]
    shown = zhang.get(page).text
    assert "是否送达不明" in shown and "connection lost" in shown
    assert li.get(page).status_code == 404
    assert post(zhang, page, f"{page}/resend", message=str(number)).status_code == 303
    assert "等待发送" in zhang.get(page).text
    assert "重新发送邮件" in zhang.get(f"/contracts/{sent.id}").text
    assert post(zhang, page, f"{page}/resend", message=str(number)).status_code == 409
    assert post(zhang, page, f"{page}/resend", message="999999").status_code == 404
    assert post(zhang, page, f"{page}/resend", message="-1").status_code == 400
    assert post(li, "/verify", f"{page}/resend", message=str(number)).status_code in (403, 404, 409, 422)


def test_the_initiator_has_those_on_turn_reminded_at_once_and_not_again_for_hours(
    zhang: FlaskClient, li: FlaskClient, appliance: Appliance
) -> None:
    deadline = Deadline(appliance.now() + timedelta(days=3), "Asia/Shanghai")
    terms = DraftTerms("催办示例", "采购", "催办", ZHANG.subject, deadline, SigningOrder.SEQUENTIAL)
    draft = appliance.drafting.draft(sample_document(1), terms)
    appliance.drafting.add_person(draft.id, subject=LI.subject, by=ZHANG.subject)
    sent = appliance.sending.send(draft.id, by=ZHANG.subject)
    page = f"/contracts/{sent.id}"
    assert f"{page}/remind" not in li.get(page).text, "only the initiator"
    before = zhang.get(f"{page}/remind").text
    assert LI.name in before and "没有账号的，请您再次转交链接" in before, "no mail server is set here"
    answered = post(zhang, f"{page}/remind", f"{page}/remind", seen=str(sent.version), once=once())
    assert answered.status_code == 303 and "done=remind" in answered.location
    assert "催办提醒已在系统内发出，未发送邮件" in zhang.get(answered.location).text
    with appliance.database.reading() as tx:
        since = appliance.now() - timedelta(minutes=5)
        assert outbox.made_since(tx, LI.subject, (NoticeKind.REMINDED,), since=since, about=sent.id) == 1
    assert "催办：“催办示例”待您处理" in li.get("/notices").text
    assert "发起人催办" in zhang.get(page).text
    assert contract_now(appliance, sent.id).version == sent.version, "nobody who signs is interrupted"
    again = post(zhang, f"{page}/remind", f"{page}/remind", seen=str(sent.version), once=once())
    assert again.status_code == 409 and "4 小时内均已收到催办" in again.text
