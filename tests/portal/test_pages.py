"""The pages as a browser gets them: languages, headers, the verification centre, errors."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.accounts.sessions import ClientInfo
from appliance.language import Language, instants
from appliance.model.accounts import Strength
from appliance.store import people
from appliance.wiring import Appliance
from hsm.errors import Sentence
from hsm.operation_types import ClockReport
from tests.portal.conftest import form_token
from tests.portal.estate import Estate
from tests.portal.visitors import known_person, signed_in
from tests.world import sample_document
from webui.portal import access
from webui.shared import clock

PAGES = ("/", "/verify", "/nothing-here")


def switched(browser: FlaskClient, language: str, back: str = "/") -> TestResponse:
    return browser.post(f"/language/{language}", data={"form_token": form_token(browser), "back": back})


def test_pages_are_chinese_until_the_reader_chooses(browser: FlaskClient) -> None:
    assert '<html lang="zh-CN">' in browser.get("/").text
    answer = switched(browser, "en", "/verify")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/verify")
    page = browser.get("/verify").text
    assert '<html lang="en">' in page
    assert "Verification centre" in page


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        ("en-GB,en;q=0.9", "en"),
        ("en;q=0.5, zh-Hans;q=0.9", "zh-CN"),
        ("zh-TW", "zh-CN"),
        ("de, en;q=0.7, *;q=0.5", "en"),
        ("zh;q=0, en", "en"),
        ("de-DE,fr;q=0.8", "zh-CN"),
        ("*", "zh-CN"),
        ("*, en;q=0.8", "zh-CN"),
        ("EN", "en"),
        ("en;q=nonsense, zh;q=0.1", "zh-CN"),
        (";;,=,q", "zh-CN"),
    ],
)
def test_the_browser_is_asked_before_the_house(browser: FlaskClient, wanted: str, tag: str) -> None:
    answer = browser.get("/verify", headers={"Accept-Language": wanted})
    assert f'<html lang="{tag}">' in answer.text
    assert answer.headers["Content-Language"] == tag
    assert {"Accept-Language", "Cookie"} <= set(answer.vary)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_choice_goes_before_what_the_browser_asks_for(browser: FlaskClient) -> None:
    switched(browser, "zh")
    assert '<html lang="zh-CN">' in browser.get("/verify", headers={"Accept-Language": "en"}).text


def test_the_choice_of_somebody_signed_in_is_kept_in_the_account(portal: Flask, appliance: Appliance) -> None:
    reader = known_person(appliance, "person-switching", "换语言者")
    browser = signed_in(portal, appliance, reader.subject)
    assert '<html lang="zh-CN">' in browser.get("/", headers={"Accept-Language": "en"}).text
    switched(browser, "en", "/settings")
    assert appliance.registry.person(reader.subject).language is Language.ENGLISH
    elsewhere = signed_in(portal, appliance, reader.subject)
    assert '<html lang="en">' in elsewhere.get("/settings", headers={"Accept-Language": "zh"}).text


def test_a_language_that_was_chosen_at_the_door_is_kept_by_signing_in(portal: Flask, appliance: Appliance) -> None:
    reader = known_person(appliance, "person-at-the-door", "门前选择者")
    signed_in(portal, appliance, reader.subject)
    with appliance.database.transaction() as tx:
        opened = appliance.sessions.open_session(tx, reader.subject, Strength.PASSKEY, ClientInfo("192.0.2.7"))
    with portal.test_request_context(headers={"Cookie": "language=en"}):
        portal.preprocess_request()
        answer = access.start_session(Response(), opened)
    assert appliance.registry.person(reader.subject).language is Language.ENGLISH
    assert any(each.startswith("language=;") for each in answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "", "javascript:x"])
def test_switching_never_leaves_the_site(browser: FlaskClient, back: str) -> None:
    assert switched(browser, "en", back).headers["Location"] == "/"


def test_there_is_no_third_language(browser: FlaskClient) -> None:
    assert switched(browser, "fr").status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_protected(browser: FlaskClient, page: str) -> None:
    answer = browser.get(page)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_inline_script_or_style_or_loads_from_elsewhere(browser: FlaskClient, page: str) -> None:
    text = browser.get(page).text
    assert not re.search(r"<script>|<style|\sstyle=|\son[a-z]+=", text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    assert len(text.encode()) < 150_000


def test_every_page_shows_the_clock_with_its_offset_and_a_remark_while_nobody_vouches(
    browser: FlaskClient,
) -> None:
    text = browser.get("/").text
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\+08:00", text)
    assert "时间由人工设定，未经核验" in text
    assert "标准时间" not in text


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "Europe/Berlin"])
def test_the_clock_runs_on_in_the_zone_that_it_began_in(portal: Flask, appliance: Appliance, zone: str) -> None:
    """The script adds the offset and keeps the text's end, so the two have to be of one zone: the reader's."""
    reader = known_person(appliance, "person-far-away", "远方读者")
    with appliance.database.transaction() as tx:
        people.update_profile(tx, replace(reader, zone=zone))
    text = signed_in(portal, appliance, reader.subject).get("/").text
    found = re.search(r'<time datetime="([^"]+)" data-text="([^"]+)" data-offset="(-?\d+)">([^<]+)</time>', text)
    assert found is not None
    at, minutes = datetime.fromisoformat(found[1]), int(found[3])
    assert f"{at + timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}" == found[2][:19]
    assert at.astimezone(ZoneInfo(zone)).utcoffset() == timedelta(minutes=minutes)
    assert found[2] == found[4] == instants.second(at, zone)


def test_a_clock_that_is_vouched_for_needs_no_remark(portal: Flask) -> None:
    with portal.test_request_context():
        assert clock._remark(ClockReport("kernel", True, Sentence("Synchronised by NTP."))) == ""
        assert clock._remark(ClockReport("kernel", False, Sentence("Not synchronised.")))
        assert clock._remark(ClockReport("declared", True, Sentence("Clock set manually; not verified.")))
        assert clock._remark(None)


def test_a_file_gets_its_verdict_and_is_not_kept(browser: FlaskClient) -> None:
    answer = browser.post(
        "/verify",
        data={"form_token": form_token(browser), "file": (io.BytesIO(sample_document()), "合同 <b>.pdf")},
    )
    assert answer.status_code == 200
    assert "合同 &lt;b&gt;.pdf" in answer.text
    assert "<b>.pdf" not in answer.text


def test_the_report_brings_exactly_one_style_sheet(browser: FlaskClient) -> None:
    answer = browser.post("/verify", data={"form_token": form_token(browser), "file": (io.BytesIO(b"x"), "x.pdf")})
    [style] = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]


def test_no_file_is_told_at_the_place(browser: FlaskClient) -> None:
    answer = browser.post("/verify", data={"form_token": form_token(browser)})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("token", [None, "", "0" * 64])
def test_a_foreign_form_is_refused(browser: FlaskClient, token: str | None) -> None:
    browser.get("/verify")
    data = {"file": (io.BytesIO(b"x"), "x.pdf")} | ({} if token is None else {"form_token": token})
    assert browser.post("/verify", data=data).status_code == 403


def test_another_sites_page_cannot_send_the_form(browser: FlaskClient) -> None:
    data = {"form_token": form_token(browser), "file": (io.BytesIO(b"x"), "x.pdf")}
    assert browser.post("/verify", data=data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_too_large_is_refused_in_the_readers_language(browser: FlaskClient, portal) -> None:  # type: ignore[no-untyped-def]
    limit = portal.config["MAX_CONTENT_LENGTH"]
    browser.get("/verify")
    claimed = {"CONTENT_TYPE": "multipart/form-data; boundary=x", "CONTENT_LENGTH": str(limit + 1)}
    answer = browser.post("/verify", environ_overrides=claimed)
    assert answer.status_code == 413
    assert "大小" in answer.text


def test_programs_get_json_and_browsers_a_page(portal) -> None:  # type: ignore[no-untyped-def]
    client = portal.test_client()
    assert client.get("/nothing").json["status"] == 404
    assert "<h1>" in client.get("/nothing", headers={"Accept": "text/html"}).text
    assert client.post("/livez").status_code in (403, 405)


@pytest.mark.parametrize("visitor", ["nobody", "stranger"])
def test_a_request_for_a_seal_that_is_not_theirs_looks_like_one_that_is_not(estate: Estate, visitor: str) -> None:
    names = (estate.names["seal_request"], "0" * 24)
    client = (
        signed_in(estate.portal, estate.appliance, known_person(estate.appliance, "person-qian", "钱示例").subject)
        if visitor == "stranger"
        else estate.browser(visitor)
    )
    there, missing = (client.get(f"/seals/requests/{name}") for name in names)
    assert there.status_code == missing.status_code == (404 if visitor == "stranger" else 303)
    assert there.text.replace(names[0], names[1]) == missing.text
