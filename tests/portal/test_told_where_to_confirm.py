"""After an upgrade from a release in which the portal asked for the passkey: who could sign then reads once where
that is confirmed now; nobody else does."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pysqlite3 import dbapi2 as sqlite

from appliance.accounts.sessions import ClientInfo
from appliance.config import load
from appliance.language import Language
from appliance.model.accounts import AccountRole, AccountState, NewAccount, Strength
from appliance.store import accounts
from appliance.wiring import Appliance, open_appliance
from hsm import schema
from tests.portal.office_visits import token_in
from tests.sweeps import first_of
from tests.world import copy_home, shared_confinement, template_home
from webui.portal.application import create_app

RELEASED, BEFORE = 29, 36
"""The schemas of an early release and of the last one without the activation service."""

ADDRESS = "http://localhost:8083"
SAID = {
    Language.ENGLISH: f"you confirm signatures and decisions on the confirmation page, {ADDRESS}, with the same",
    Language.CHINESE: f"今后，签署和登记员操作均在确认页面 {ADDRESS} 上确认",
}
ROWS = """
INSERT INTO people (subject, name, organisation, email, language, zone, guest) VALUES
    ('person-zhang', '张示例', '甲公司', 'zhang@alpha.example', 'zh', 'Asia/Shanghai', 0),
    ('officer-wang', '王登记', '甲公司', 'wang@alpha.example', 'en', 'Asia/Shanghai', 0),
    ('auditor-sun', '孙审计', '甲公司', 'sun@alpha.example', 'zh', 'Asia/Shanghai', 0),
    ('person-gone', '李样本', '甲公司', 'li@alpha.example', 'zh', 'Asia/Shanghai', 0);
INSERT INTO accounts (subject, login, state, handle, password, invited) VALUES
    ('person-zhang', 'zhang', 'active', x'01010101010101010101010101010101', '$argon2id$', '2026-11-01T08:00:00Z'),
    ('officer-wang', 'wang', 'active', x'02020202020202020202020202020202', '$argon2id$', '2026-11-01T08:00:00Z'),
    ('auditor-sun', 'sun', 'active', x'03030303030303030303030303030303', '$argon2id$', '2026-11-01T08:00:00Z'),
    ('person-gone', 'li', 'left', x'04040404040404040404040404040404', '$argon2id$', '2026-11-01T08:00:00Z');
INSERT INTO account_roles VALUES
    ('person-zhang', 'signer'), ('officer-wang', 'officer'), ('auditor-sun', 'auditor');
INSERT INTO passkeys (credential, subject, public_key, sign_count, label, added) VALUES
    (x'01', 'person-zhang', x'02', 0, '手机', '2026-11-01T08:00:00Z'),
    (x'02', 'officer-wang', x'02', 0, 'Telephone', '2026-11-01T08:00:00Z');
"""


@pytest.fixture(params=first_of((BEFORE, RELEASED)))
def appliance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Appliance]:
    """Opened by this release for the first time; its authority does not run."""
    home = copy_home(template_home(), tmp_path)
    for file in home.state.glob("vermilion.db*"):
        file.unlink()
    with closing(sqlite.connect(home.database, isolation_level=None)) as connection:
        for number, script in sorted(schema._steps("appliance.store")):
            if number <= request.param:
                schema._apply(connection, script, number)
        connection.executescript(ROWS)
    home.database.chmod(0o600)
    with open_appliance(load(home), confinement=shared_confinement()) as opened:
        yield opened


@pytest.fixture
def portal(appliance: Appliance) -> Flask:
    return create_app(appliance, form_key=bytes(range(32)))


def signed_in(appliance: Appliance, portal: Flask, subject: str) -> FlaskClient:
    with appliance.database.transaction() as tx:
        opened = appliance.sessions.open_session(tx, subject, Strength.PASSKEY, ClientInfo("192.0.2.7", "test"))
    browser = portal.test_client()
    browser.environ_base["HTTP_ACCEPT"] = "text/html"
    browser.set_cookie("session", opened.secret)
    return browser


@pytest.mark.parametrize("language", Language)
def test_who_could_sign_before_reads_it_on_every_page_until_it_is_read(
    appliance: Appliance, portal: Flask, language: Language
) -> None:
    appliance.accounts.own.prefer("person-zhang", language)
    browser = signed_in(appliance, portal, "person-zhang")
    for page in ("/", "/settings", "/notices", "/there-is-no-such-page"):
        assert browser.get(page).text.count(SAID[language]) == 1, page
    shown = browser.get("/notices").text
    assert '<input type="hidden" name="back" value="/notices"><button class="quiet small">' in shown
    read = browser.post("/settings/told", data={"form_token": token_in(shown), "back": "/notices"})
    assert (read.status_code, read.headers["Location"]) == (303, "/notices")

    again = signed_in(appliance, portal, "person-zhang")
    for page in ("/", "/settings", "/notices"):
        assert "/settings/told" not in again.get(page).text, page


def test_officers_read_it_and_who_confirms_nothing_does_not(appliance: Appliance, portal: Flask) -> None:
    assert SAID[Language.ENGLISH] in signed_in(appliance, portal, "officer-wang").get("/settings").text
    assert "/settings/told" not in signed_in(appliance, portal, "auditor-sun").get("/settings").text
    assert "/settings/told" not in portal.test_client().get("/login").text


def test_a_new_account_knows_nothing_else_and_reads_nothing(appliance: Appliance, portal: Flask) -> None:
    roles = frozenset({AccountRole.SIGNER})
    new = NewAccount("person", "new", "周示例", "甲公司", "zhou@alpha.example", roles)
    subject = appliance.accounts.administration.invite(new, by="officer-wang").subject
    with appliance.database.transaction() as tx:
        accounts.set_password(tx, subject, f"$argon2id${secrets.token_hex(4)}")
        accounts.set_state(tx, subject, AccountState.ACTIVE)
    assert "/settings/told" not in signed_in(appliance, portal, subject).get("/settings").text
