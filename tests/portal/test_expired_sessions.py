"""A form that is sent after the session has ended: nothing that was typed is lost, and nobody else gets it."""

from __future__ import annotations

import base64
import html
import re
import secrets

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from appliance.accounts import passwords
from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.model.accounts import PEOPLES_ROLES
from appliance.store import accounts
from appliance.wiring import Appliance
from hsm.activation.credentials import code_at, step_of
from tests.portal.conftest import form_token
from tests.portal.visitors import signed_in
from webui.portal.drafting.field_rows import MOST_ROWS

PASSWORD = "朱砂 蜡 雨 四更 钟楼"
QUOTES = '甲方“<b>”说："𠮷野" & \\ 行\n'
ROW = (("party", "x" * 24), ("pages", "1-3, 5"), ("x", "12.25"), ("y", "80"), ("width", "25"), ("height", "8"))

FORMS = {
    "/settings/profile": [("name", "<b>𠮷野"), ("language", "en"), ("zone", "Asia/Tokyo")],
    "/contracts/aaaa/recall": [("seen", "3"), ("reason", QUOTES * 60)],
    "/contracts/aaaa/draft/document": [("title", QUOTES), ("kind", "采购"), ("purpose", QUOTES * 100)],
    "/contracts/aaaa/draft/parties": [("guest-name", "𠮷野"), ("guest-email", "x@y.example"), ("act", "guest")],
    "/contracts/aaaa/draft/fields": [*ROW * MOST_ROWS, ("seen", "3"), ("cross", "a"), ("cross", "b")],
    "/writing/aaaa": [("seen", "7"), ("plain", QUOTES * 2500)],
    "/templates/aaaa/use": [(f"f-项目{number}", QUOTES * 5) for number in range(100)],
    "/signatures/drawn": [("strokes", str([[[x, 200] for x in range(1000)]] * 6))],
    "/office/people/new": [("role", "signer"), ("role", "initiator"), ("name", "<b>")],
}
"""Address → what was typed, as much of it as the form takes and more."""


def ended(portal: Flask, appliance: Appliance, subject: str) -> FlaskClient:
    """A browser whose session is over."""
    client = signed_in(portal, appliance, subject, PEOPLES_ROLES)
    with appliance.database.transaction() as tx:
        appliance.sessions.end_all_sessions(tx, subject, by=subject)
    return client


def factors_of(appliance: Appliance, subject: str) -> tuple[str, str]:
    """Gives *subject* password and login code; their login and the code of now."""
    draft = appliance.accounts.codes.draft_secret(subject, subject)
    with appliance.database.transaction() as tx:
        accounts.set_password(tx, subject, passwords.hash_password(PASSWORD))
        accounts.set_code_secret(tx, subject, bytes.fromhex(draft.sealed), step=1)
        tx.execute("DELETE FROM throttle")
        login = accounts.account(tx, subject).login
    return login, code_at(base64.b32decode(draft.secret), step_of(appliance.now()))


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return html.unescape(found[1])


def signed_in_again(client: FlaskClient, appliance: Appliance, page: str, subject: str) -> str:
    """The page after the two steps of signing in, from the *page* that asked for it."""
    (login, code), carried = factors_of(appliance, subject), hidden(page, "carried")
    first = {"form_token": form_token(client), "login": login, "password": PASSWORD, "carried": carried}
    second = client.post("/login", data=first).text
    kept = {name: hidden(second, name) for name in ("form_token", "ticket", "carried")}
    return client.post("/login/code", data={**kept, "code": code}).text


@pytest.mark.parametrize("address", FORMS)
def test_what_was_typed_is_there_after_signing_in_again(portal: Flask, appliance: Appliance, address: str) -> None:
    client = ended(portal, appliance, ZHANG.subject)
    typed = [(name, value.replace("\n", "\r\n")) for name, value in FORMS[address]]
    answer = client.post(address, data=MultiDict([*typed, ("form_token", form_token(client)), ("pin", "123456")]))
    assert answer.status_code == 401
    assert "还在" in answer.text or "保留" in answer.text
    resumed = signed_in_again(client, appliance, answer.text, ZHANG.subject)
    form = resumed[resumed.index(f'action="{address}"') :]
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    back = MultiDict((html.unescape(name), html.unescape(value)) for name, value in fields)
    back.pop("form_token")
    assert back == MultiDict(typed)


def test_secrets_do_not_travel(portal: Flask, appliance: Appliance) -> None:
    client = ended(portal, appliance, ZHANG.subject)
    secret = secrets.token_hex(8)
    data = {"form_token": form_token(client), "old": secret, "password": secret, "again": secret, "pin": secret}
    page = client.post("/settings/password", data=data).text
    decoded = base64.urlsafe_b64decode(hidden(page, "carried").partition(".")[0])
    assert secret.encode() not in decoded


def test_what_is_done_in_a_live_view_does_not_travel(portal: Flask, appliance: Appliance) -> None:
    client = ended(portal, appliance, ZHANG.subject)
    secret = secrets.token_hex(8)
    data = {"form_token": form_token(client), "actions": f'[["typedtext", {{"text": "{secret}"}}]]'}
    page = client.post(f"/captures/{'0' * 24}/live", data=data)
    assert page.status_code == 401 and secret not in page.text
    decoded = base64.urlsafe_b64decode(hidden(page.text, "carried").partition(".")[0])
    assert b"/live" in decoded and secret.encode() not in decoded


def test_somebody_else_who_signs_in_does_not_get_it(portal: Flask, appliance: Appliance) -> None:
    client = ended(portal, appliance, ZHANG.subject)
    signed_in(portal, appliance, LI.subject)
    page = client.post("/settings/profile", data={"form_token": form_token(client), "name": "张的秘密"}).text
    assert "张的秘密" not in signed_in_again(client, appliance, page, LI.subject)


@pytest.mark.parametrize("spoil", [lambda ticket: ticket[:-1], lambda ticket: ticket[:-1] + "x", lambda _: "x.y"])
def test_a_form_that_was_tampered_with_is_not_sent(portal: Flask, appliance: Appliance, spoil) -> None:  # type: ignore[no-untyped-def]
    client = ended(portal, appliance, CUSTODIAN.subject)
    page = client.post("/settings/profile", data={"form_token": form_token(client), "name": "赵"}).text
    ticket = hidden(page, "carried")
    page = signed_in_again(client, appliance, page.replace(ticket, spoil(ticket)), CUSTODIAN.subject)
    assert "/settings/profile" not in page


def test_programs_are_told_and_keep_what_they_have(portal: Flask, appliance: Appliance) -> None:
    client = ended(portal, appliance, ZHANG.subject)
    data = {"form_token": form_token(client), "seen": "1", "plain": "x"}
    answer = client.post("/writing/aaaa", data=data, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (401, "signed-out")


def test_who_only_looks_is_led_to_sign_in_and_back(portal: Flask, appliance: Appliance) -> None:
    answer = ended(portal, appliance, ZHANG.subject).get("/contracts/aaaa/sign?party=b")
    assert answer.headers["Location"] == "/login?next=%2Fcontracts%2Faaaa%2Fsign%3Fparty%3Db"


@pytest.mark.parametrize(
    ("address", "referrer", "back"),
    [
        ("/contracts/aaaa/recall", "http://localhost/contracts/aaaa?show=all", "/contracts/aaaa?show=all"),
        ("/settings/password", "http://localhost/settings", "/settings"),
        ("/contracts/aaaa/recall", "", "/contracts/aaaa/recall"),
        ("/signatures/remove", "https://elsewhere.example/contracts/aaaa", "/signatures"),
        ("/settings/profile", "http://localhost//elsewhere.example", "/settings"),
    ],
)
def test_signing_in_again_leads_back_to_where_one_was(
    portal: Flask, appliance: Appliance, address: str, referrer: str, back: str
) -> None:
    """When the form cannot be carried, too; never to another site."""
    client = portal.test_client()
    page = client.post(address, data={"form_token": form_token(client)}, headers={"Referer": referrer}).text
    assert hidden(page, "next") == back
