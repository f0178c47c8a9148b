"""Who comes in by the identity provider's answer, and who does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from pysqlite3 import dbapi2 as sqlite
from werkzeug.test import TestResponse

from appliance.accounts.context import AccountsContext
from appliance.config import OpenIdSettings
from appliance.demonstration.participants import OFFICER
from appliance.model.accounts import AccountState, Strength
from appliance.model.directories import DirectoryProblem
from appliance.store import directories, directory_health
from tests.portal.conftest import form_token
from tests.single_sign_on import people
from tests.single_sign_on.conftest import Site
from tests.single_sign_on.lying import DISCOVERY, KEYS, TOKEN, USER_INFO
from tests.world import know_officer

NOT_BEGUN = "This sign-in was not begun in this browser"
UNKNOWN = "does not have you here yet"
NOT_BELIEVED = "cannot be believed"
NOT_IN_USE = "is not in use"
LOCAL = "is a local one"
UNREACHABLE = "The identity provider cannot be reached now"


@pytest.fixture(scope="package")
def qin(sso_site: Site) -> str:
    """Somebody who signs in so."""
    return people.add_person(sso_site.appliance, "qin")


@pytest.fixture(scope="package")
def shi(sso_site: Site) -> str:
    """Somebody who has not signed in so yet."""
    return people.add_person(sso_site.appliance, "shi")


def require_refused(answer: TestResponse, sentence: str, status: int = 403) -> None:
    assert sentence in answer.text, answer.text
    assert answer.status_code == status
    assert "Local account" in answer.text  # a way to go on
    assert not any("session=" in value for name, value in answer.headers if name == "Set-Cookie")


def test_somebody_of_the_directory_is_in_and_goes_on(site: Site, qin: str) -> None:
    browser = site.browser()
    answer = site.sign_in(browser, "/settings?x=1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings?x=1")
    assert "through the identity provider" in browser.get("/settings").text
    newest, *_ = site.appliance.sessions.sessions_of(qin)
    assert newest.strength is Strength.SINGLE_SIGN_ON


def test_the_first_sign_in_links_and_every_one_is_in_the_log(site: Site) -> None:
    people.add_person(site.appliance, "xu")
    linked, signed = site.told("sign-on-linked"), site.told("signed-in")
    for _ in range(2):
        site.sign_in(site.browser(), sub="sub-of-xu", preferred_username="XU")
    assert (site.told("sign-on-linked") - linked, site.told("signed-in") - signed) == (1, 2)


def test_the_link_outlives_the_name(site: Site, qin: str) -> None:
    """Who was linked once is known by the provider's own name for them alone."""
    site.sign_in(site.browser())
    before = site.sessions_of(qin)
    assert site.sign_in(site.browser(), preferred_username="somebody-else").status_code == 303
    assert site.sessions_of(qin) == before + 1


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example/", "/\\evil.example", "/login", "x", "/" + "y" * 1600]
)
def test_nobody_is_led_to_another_site(site: Site, qin: str, path: str) -> None:
    assert site.sign_in(site.browser(), path).headers["Location"] == "/"


def test_the_provider_is_asked_with_everything_that_binds_the_answer(site: Site) -> None:
    one, other = site.begin(site.browser()), site.begin(site.browser())
    assert one["response_type"] == "code"
    assert one["code_challenge_method"] == "S256"
    assert one["redirect_uri"] == f"{site.appliance.settings.web.public_url}/login/provider/done"
    bound = {"state", "nonce", "code_challenge"}
    assert not {one[name] for name in bound} & {other[name] for name in bound}
    assert len({one[name] for name in bound}) == 3


def test_an_answer_without_the_browser_that_asked_is_refused(site: Site, qin: str) -> None:
    """Nobody is signed in as somebody else by an address that they were sent."""
    asked = site.begin(site.browser())
    site.provider.token = site.provider.signed(site.provider.claims(asked["nonce"]))
    require_refused(site.finish(site.browser(), asked), NOT_BEGUN)
    assert site.provider.asked[TOKEN] == 0


def test_an_answer_to_another_question_is_refused(site: Site, qin: str) -> None:
    browser, asked = site.browser(), site.begin(site.browser())
    site.begin(browser)
    require_refused(site.finish(browser, asked), NOT_BEGUN)
    assert site.provider.asked[TOKEN] == 0


def test_an_answer_counts_once(site: Site, qin: str) -> None:
    browser = site.browser()
    asked = site.begin(browser)
    cookie = browser.get_cookie("sign-on")
    assert cookie is not None
    site.provider.token = site.provider.signed(site.provider.claims(asked["nonce"]))
    assert site.finish(browser, asked).status_code == 303
    other = site.browser()
    other.set_cookie("sign-on", cookie.value)
    require_refused(site.finish(other, asked), NOT_BEGUN)
    assert site.provider.asked[TOKEN] == 1


def test_an_answer_of_another_provider_is_refused(site: Site, qin: str) -> None:
    browser = site.browser()
    asked = site.begin(browser)
    require_refused(site.finish(browser, asked, iss="https://id.other.example"), NOT_BELIEVED)
    assert site.provider.asked[TOKEN] == 0


def test_a_provider_that_names_itself_does_so_each_time(site: Site, qin: str) -> None:
    site.provider.said = {"authorization_response_iss_parameter_supported": True}
    browser = site.browser()
    require_refused(site.finish(browser, site.begin(browser)), NOT_BELIEVED)
    asked = site.begin(browser)
    site.provider.token = site.provider.signed(site.provider.claims(asked["nonce"]))
    assert site.finish(browser, asked, iss=site.provider.issuer).status_code == 303


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ("access_denied", "did not let you in"),
        ("server_error", "could not sign you in"),
        ("<b>", "could not sign you in"),
    ],
)
def test_an_error_of_the_provider_is_said(site: Site, error: str, sentence: str) -> None:
    browser = site.browser()
    asked = site.begin(browser)
    answer = site.finish(browser, asked, error=error, error_description="<b>description</b>", code="")
    require_refused(answer, sentence)
    assert "<b>" not in answer.text


def test_a_code_that_the_provider_does_not_know_is_refused(site: Site, qin: str) -> None:
    site.provider.answers[TOKEN] = 400, b'{"error": "invalid_grant"}'
    browser = site.browser()
    require_refused(site.finish(browser, site.begin(browser)), NOT_BEGUN)


@pytest.mark.parametrize(
    "claims", [{"aud": "another"}, {"nonce": "another"}, {"exp": 1}, {"iss": "https://x.example"}]
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    site: Site, qin: str, claims: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    require_refused(site.sign_in(site.browser(), **claims), NOT_BELIEVED)
    assert site.provider.token not in caplog.text
    assert "a-code-of-the-tests" not in caplog.text
    assert "refused" in caplog.text


def test_what_is_said_about_somebody_else_is_refused(site: Site, qin: str) -> None:
    site.provider.said = {"userinfo_endpoint": f"{site.provider.issuer}{USER_INFO}"}
    site.provider.user_info = {"sub": "sub-of-somebody-else", "name": "x"}
    require_refused(site.sign_in(site.browser()), NOT_BELIEVED)


@pytest.mark.parametrize("value", ['"\\\\ud800"', "[" * 200 + "]" * 200, "9" * 3000])
def test_what_somebody_writes_into_their_own_profile_is_no_fault_of_the_provider(
    site: Site, qin: str, value: str
) -> None:
    site.provider.said = {"userinfo_endpoint": f"{site.provider.issuer}{USER_INFO}"}
    said = f'{{"sub": "sub-of-qin", "nickname": {value}, "name": {value}}}'
    site.provider.answers[USER_INFO] = (200, said.encode())
    assert site.sign_in(site.browser()).status_code == 303


@pytest.mark.parametrize("name", ["shi ", " shi", "\u0161hi", "shi\u200b"])
def test_a_name_that_only_looks_like_somebodys_is_nobodys(site: Site, shi: str, name: str) -> None:
    require_refused(site.sign_in(site.browser(), sub=f"sub-of-{name!r}", preferred_username=name), UNKNOWN)


@pytest.mark.parametrize("code", ["\U00020000" * 4097, "x" * 5000, "a\ncode", "码"])
def test_what_is_no_code_is_not_asked_with(site: Site, qin: str, code: str) -> None:
    """No visitor can have administrators told that the provider is down."""
    browser = site.browser()
    require_refused(site.finish(browser, site.begin(browser), code=code), NOT_BELIEVED)
    assert site.provider.asked[TOKEN] == 0
    assert site.appliance.database.query(directory_health.provider_state, site.provider.issuer).at is None


def test_new_keys_are_looked_for_once(site: Site, qin: str) -> None:
    assert site.sign_in(site.browser()).status_code == 303
    looked = site.provider.asked[KEYS]
    new = RSAKey.generate_key(2048, auto_kid=True)
    for times in (1, 2):
        browser = site.browser()
        asked = site.begin(browser)
        site.provider.token = site.provider.signed(site.provider.claims(asked["nonce"]), key=new)
        require_refused(site.finish(browser, asked), NOT_BELIEVED)
        assert site.provider.asked[KEYS] == looked, times  # it was asked a moment ago


# Who it is


def test_somebody_unknown_is_told_whom_to_ask(site: Site) -> None:
    require_refused(site.sign_in(site.browser(), sub="sub-of-nobody", preferred_username="nobody"), UNKNOWN)
    require_refused(site.sign_in(site.browser(), sub="sub-of-nobody", preferred_username=None), UNKNOWN)
    require_refused(site.sign_in(site.browser(), sub="sub-of-nobody", preferred_username=["qin"]), UNKNOWN)


def test_another_identity_does_not_come_into_a_linked_account(site: Site, qin: str) -> None:
    """Somebody new with the login of somebody who was here before."""
    site.sign_in(site.browser())
    require_refused(site.sign_in(site.browser(), sub="sub-of-the-new-one"), "belongs to somebody else")
    with site.appliance.database.reading() as tx:
        known = directories.user_of(tx, qin)
    assert known is not None
    assert known.problem == DirectoryProblem.OTHER_IDENTITY
    assert site.sign_in(site.browser()).status_code == 303


def test_a_local_account_is_not_opened(site: Site) -> None:
    people.add_person(site.appliance, "lokal", single_sign_on=False)
    require_refused(site.sign_in(site.browser(), sub="sub-of-lokal", preferred_username="lokal"), LOCAL)


@pytest.mark.parametrize("state", [AccountState.SUSPENDED, AccountState.LEFT, AccountState.INVITED])
def test_an_account_that_is_not_in_use_is_not_opened(site: Site, state: AccountState) -> None:
    login = f"was-{state}"
    people.add_person(site.appliance, login, state=state)
    require_refused(site.sign_in(site.browser(), sub=f"sub-of-{login}", preferred_username=login), NOT_IN_USE)


def test_who_is_suspended_later_is_out_and_stays_out(site: Site) -> None:
    subject = people.add_person(site.appliance, "later")
    browser = site.browser()
    site.sign_in(browser, sub="sub-of-later", preferred_username="later")
    site.appliance.accounts.administration.suspend(subject, by=OFFICER)
    assert browser.get("/settings").status_code == 303
    require_refused(site.sign_in(browser, sub="sub-of-later", preferred_username="later"), NOT_IN_USE)


def test_who_does_not_use_single_sign_on_any_more_is_out(site: Site) -> None:
    subject = people.add_person(site.appliance, "umgestellt")
    browser = site.browser()
    site.sign_in(browser, sub="sub-of-umgestellt", preferred_username="umgestellt")
    with site.appliance.database.transaction() as tx:
        tx.execute(
            "UPDATE accounts SET password = '$argon2id$x', single_sign_on = 0 WHERE subject = ?", (subject,)
        )
    assert browser.get("/settings").status_code == 303


@pytest.mark.parametrize("provider", ["", "https://id.other.example"])
def test_a_provider_that_the_settings_name_no_more_keeps_nobody_in(site: Site, qin: str, provider: str) -> None:
    browser = site.browser()
    site.sign_in(browser)
    cookie = browser.get_cookie("session")
    assert cookie is not None
    settings = replace(site.appliance.settings, openid=OpenIdSettings(issuer=provider, client="x"))
    after = AccountsContext(
        settings, site.appliance.database, site.appliance.authority, site.appliance.links, site.appliance.now
    )
    assert site.appliance.sessions.find_holder(cookie.value) is not None
    assert after.sessions.find_holder(cookie.value) is None


@pytest.mark.parametrize(
    "claims",
    [
        {"preferred_username": OFFICER},
        {"preferred_username": "wang"},
        {"preferred_username": "wang@alpha.example"},
        {"email": "wang@alpha.example", "email_verified": True, "groups": ["officers", "officer"]},
    ],
)
def test_no_claim_makes_an_officer(site: Site, claims: dict[str, Any]) -> None:
    know_officer(site.appliance)
    before = site.sessions_of(OFFICER)
    require_refused(
        site.sign_in(site.browser(), sub="sub-of-the-attacker", **({"preferred_username": "x"} | claims)), UNKNOWN
    )
    assert site.sessions_of(OFFICER) == before


def test_the_database_itself_links_nobody_else(site: Site) -> None:
    know_officer(site.appliance)
    row = {"issuer": "i", "sub": "s", "first": "x", "last": "x"}
    for subject in (OFFICER, "person-guest-0"):
        with (
            pytest.raises(sqlite.IntegrityError, match="only people of the house"),
            site.appliance.database.transaction() as tx,
        ):
            tx.insert("sign_on_identities", {**row, "subject": subject})


# What the provider breaks


@pytest.mark.parametrize(
    ("said", "answers"),
    [
        ({"issuer": "https://id.other.example"}, {}),
        ({"token_endpoint": "http://192.0.2.1/token"}, {}),
        ({"jwks_uri": "file:///etc/passwd"}, {}),
        ({"jwks_uri": None}, {}),
        ({}, {DISCOVERY: (500, b"")}),
        ({}, {DISCOVERY: (302, b"")}),
        ({}, {DISCOVERY: (200, b"<html>")}),
        ({}, {DISCOVERY: (200, b"[" * 100_000)}),
        ({}, {KEYS: (200, b'{"keys": "' + b"x" * 300_000 + b'"}')}),
        ({}, {KEYS: (200, b"[]")}),
    ],
    ids=str,
)
def test_a_provider_that_is_not_in_order_lets_nobody_in(
    site: Site, said: dict[str, object], answers: dict[str, tuple[int, bytes]]
) -> None:
    site.provider.said, site.provider.answers = said, answers
    answer = site.browser().get("/login/provider?next=/settings")
    require_refused(answer, UNREACHABLE, 503)
    assert 'value="/settings"' in answer.text  # a local account goes on there


@pytest.mark.parametrize(
    "answer",
    [
        (500, b""),
        (400, b'{"error": "invalid_client"}'),
        (200, b"{}"),
        (200, b'{"id_token": 5, "access_token": "x"}'),
        (200, b'{"id_token": "x", "access_token": "' + b"x" * 300_000 + b'"}'),
    ],
    ids=str,
)
def test_a_token_endpoint_that_is_not_in_order_lets_nobody_in(
    site: Site, qin: str, answer: tuple[int, bytes]
) -> None:
    site.provider.answers[TOKEN] = answer
    browser = site.browser()
    require_refused(site.finish(browser, site.begin(browser)), UNREACHABLE, 503)


def test_a_provider_that_hangs_is_given_up(site: Site) -> None:
    site.provider.seconds = 4
    require_refused(site.browser().get("/login/provider"), UNREACHABLE, 503)
    asked = site.provider.asked.total()
    require_refused(site.browser().get("/login/provider"), UNREACHABLE, 503)
    assert site.provider.asked.total() == asked  # the answer of a moment ago is enough


# What a session by single sign-on may not do


@pytest.fixture
def inside(site: Site, qin: str) -> FlaskClient:
    browser = site.browser()
    site.sign_in(browser)
    return browser


@pytest.mark.parametrize("path", ["/settings/code", "/settings/passkeys/new", "/settings/passkeys/AAAA/remove"])
def test_local_ways_to_sign_in_are_not_shown(inside: FlaskClient, path: str) -> None:
    answer = inside.get(path)
    assert answer.status_code == 403
    assert "You came in through the identity provider" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/settings/password",
        "/settings/code",
        "/settings/passkeys/new",
        "/settings/passkeys",
        "/settings/passkeys/AAAA/remove",
    ],
)
def test_local_ways_to_sign_in_are_not_changed(site: Site, inside: FlaskClient, qin: str, path: str) -> None:
    fields = {
        "password": "三只鹭 & 第七封信",
        "again": "三只鹭 & 第七封信",
        "old": "",
        "form_token": form_token(inside),
    }
    answer = inside.post(path, data=fields)
    assert answer.status_code == 403
    assert "You came in through the identity provider" in answer.text
    account = site.appliance.accounts.administration.account(qin)
    assert (account.has_password, account.has_code, account.passkeys) == (False, False, 0)


def test_the_settings_say_why(inside: FlaskClient) -> None:
    page = inside.get("/settings").text
    assert "How you sign in" in page
    for gone in ("/settings/passkeys/new", "/settings/code", "/settings/password"):
        assert gone not in page


def test_an_officer_who_signs_in_locally_finds_everything_as_it_was(site: Site) -> None:
    page = site.browser().get("/login").text
    assert page.index("示例统一身份认证") < page.index("Local account") < page.index('action="/login"')
