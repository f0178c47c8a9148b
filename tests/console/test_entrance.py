"""Signing in and out, and the one-time way in for a new administrator."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

from flask.testing import FlaskClient

from appliance.config import ConsoleSettings
from appliance.model.administration import AdministratorRole
from hsm.activation.credentials import code_at, step_of
from tests.administration.conftest import GOOD
from tests.console.conftest import Console, post
from webui.console.application import create_app

OTHER = "九月的桂花落在旧信封上 & 四只白鹭"


def hidden(text: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found is not None, text
    return found[1]


def sign_in(console: Console, browser: FlaskClient, login: str, password: str = GOOD, to: str = "/") -> str:
    """Both steps; the address that they lead to."""
    console.site.later(seconds=30)
    first = post(browser, "/login", {"login": login, "password": password, "next": to})
    given = {"ticket": hidden(first.text, "ticket"), "code": console.site.code(login), "next": to}
    second = post(browser, "/login/code", given)
    assert second.status_code == 303, second.text
    return second.headers["Location"]


def test_password_and_code_lead_to_where_one_wanted_to_go(console: Console) -> None:
    browser = console.browser()
    led = browser.get("/history?span=week")
    assert led.headers["Location"] == "/login?next=%2Fhistory%3Fspan%3Dweek"
    assert sign_in(console, browser, "sun", to="/history?span=week") == "/history?span=week"
    cookie = browser.get_cookie("console")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site, cookie.path) == (True, "Strict", "/")
    assert browser.get("/login").headers["Location"] == "/"
    assert post(browser, "/logout").status_code == 303
    assert browser.get("/").status_code == 303


def test_nobody_is_led_away_from_here(console: Console) -> None:
    assert sign_in(console, console.browser(), "sun", to="//evil.example/") == "/"
    assert sign_in(console, console.browser(), "sun", to="/logout") == "/"


def test_wrong_and_unknown_say_the_same_and_waits_begin(console: Console) -> None:
    answers = [
        post(console.browser(), "/login", {"login": login, "password": "wrong"}) for login in ("wu", "nobody-here")
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert all("Login or password are wrong" in answer.text for answer in answers)
    for _ in range(5):
        last = post(console.browser(), "/login", {"login": "wu", "password": "wrong"})
    assert last.status_code == 429
    assert "Too many failed attempts" in last.text
    console.site.later(hours=1)


def test_a_code_counts_once(console: Console) -> None:
    console.site.later(seconds=30)
    first = post(console.browser(), "/login", {"login": "zhou", "password": GOOD})
    again = post(console.browser(), "/login", {"login": "zhou", "password": GOOD})
    code = console.site.code("zhou")
    answers = [
        post(console.browser(), "/login/code", {"ticket": hidden(page.text, "ticket"), "code": code})
        for page in (first, again)
    ]
    assert [answer.status_code for answer in answers] == [303, 422]
    assert "was used before" in answers[1].text


def test_a_new_administrator_sets_the_account_up_once(console: Console) -> None:
    token = console.site.add("qian", AdministratorRole.SYSTEM)
    browser = console.browser()
    led = post(browser, "/welcome", {"token": f"http://localhost:8082/welcome/{token}"})
    assert led.headers["Location"] == f"/welcome/{token}"
    assert "System administrator" in browser.get(f"/welcome/{token}").text
    weak = post(browser, f"/welcome/{token}", {"password": "short", "again": "short"})
    differ = post(browser, f"/welcome/{token}", {"password": GOOD, "again": OTHER})
    assert (weak.status_code, differ.status_code) == (422, 422)
    assert post(browser, f"/welcome/{token}", {"password": GOOD, "again": GOOD}).status_code == 303
    page = browser.get(f"/welcome/{token}").text
    wrong = post(browser, f"/welcome/{token}/code", {"sealed": hidden(page, "sealed"), "code": "000000"})
    assert wrong.status_code == 422
    secret = "".join(re.findall(r"<code>([A-Z2-7 ]{20,})</code>", wrong.text)[0].split())
    code = code_at(base64.b32decode(secret), step_of(console.site.at))
    done = post(browser, f"/welcome/{token}/code", {"sealed": hidden(wrong.text, "sealed"), "code": code})
    assert (done.status_code, done.headers["Location"]) == (303, "/")
    assert "qian" in browser.get("/settings").text
    assert console.browser().get(f"/welcome/{token}").status_code == 409
    assert post(console.browser(), "/welcome", {"token": "never-made"}).status_code == 422


def test_a_passkey_is_offered_to_whoever_proved_the_password_and_nobody_else(console: Console) -> None:
    """Whoever finds a session open has neither the password nor an offer of the owner's."""
    others = post(console.browser("zhou"), "/settings/passkeys/new", {"old": GOOD})
    ticket, browser = hidden(others.text, "ticket"), console.browser("sun")
    for given in ({}, {"label": "key"}, {"ticket": ticket}, {"ticket": ticket, "label": "key"}):
        answer = post(browser, "/settings/passkeys", given)
        assert (answer.status_code, "data-passkey" in answer.text) == (409, False), given


def test_a_changed_password_ends_all_other_sessions(console: Console) -> None:
    here, there = console.browser("zheng"), console.browser("zheng")
    wrong = post(here, "/settings/password", {"old": "wrong", "password": OTHER, "again": OTHER})
    assert wrong.status_code == 422
    done = post(here, "/settings/password", {"old": GOOD, "password": OTHER, "again": OTHER})
    assert done.status_code == 303
    assert "all your other sessions have ended" in here.get(done.headers["Location"]).text
    assert there.get("/settings").status_code == 303
    assert sign_in(console, console.browser(), "zheng", OTHER) == "/"


def test_one_ends_a_session_of_ones_own_alone(console: Console) -> None:
    here, there, other = console.browser("sun"), console.browser("sun"), console.browser("zhou")
    sessions = console.site.administration.sessions
    newest = sessions.sessions_of("sun")[0].id
    assert post(other, "/settings/sessions/end", {"session": newest}).status_code == 404
    for session in sessions.sessions_of("sun"):
        if session.id != sessions.find_holder(here.get_cookie("console").value).session.id:  # type: ignore[union-attr]
            post(here, "/settings/sessions/end", {"session": session.id})
    assert (here.get("/settings").status_code, there.get("/settings").status_code) == (200, 303)


def test_over_tls_cookies_belong_to_this_host_alone(console: Console) -> None:
    address = ConsoleSettings(public_url="https://console.enterprise.example:8443")
    parts = replace(console.parts, settings=replace(console.parts.settings, console=address))
    browser = create_app(parts).test_client()
    answer = browser.get("/login", headers={"Accept": "text/html"})
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "__Host-form=" in answer.headers["Set-Cookie"]
    assert "Secure" in answer.headers["Set-Cookie"]
