"""Every address of the console by every kind of visitor, and every form with what a hostile browser can send."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import TestResponse

from appliance.language import Language
from appliance.model.administration import AdministratorRole
from tests.administration.conftest import GOOD
from tests.console.conftest import PEOPLE, TOKEN, Console, id_of, post
from tests.console.routes import GET, POST, VISITORS, Row
from tests.console.test_api_clients import ERP, PUBLISHED
from tests.portal.reading import Reader, faults_of_page, written
from tests.sweeps import one_in

OTHER = "九月的桂花落在旧信封上 & 四只白鹭"
CERTIFICATES = [f"朱印示例{each}" for each in ("根", "签发", "事件证书签发", "日志", "时间戳服务", "证据服务")]
"""What the ceremony of the tests called them."""
FOUND = ("The clock is in step.",)
"""What other tests had the health monitor find."""
REASONED = (200, 409, 422)
HOSTILE = {
    "too long": "x" * 20_000,
    "digits without end": "9" * 5_000,
    "NUL": "a\x00b",
    "markup": "<b>x</b>",
    "a line break": "a\r\nX: y",
    "half a surrogate": b"\xed\xa0\x80",
}


@pytest.fixture(scope="module")
def names(console: Console) -> dict[str, str]:
    act = id_of(console.act("sun", "release.rollback"))
    link = console.site.add("newcomer", AdministratorRole.AUDITOR)
    console.site.administration.api_clients.publish([ERP])
    console.site.administration.webhooks.publish([PUBLISHED])
    return {"act": act, "link": link, "password": GOOD, "other": OTHER}


def visit(console: Console, row: Row, names: dict[str, str], visitor: str) -> TestResponse:
    return console.browser("" if visitor == "nobody" else visitor).get(row.path.format(**names), buffered=True)


def send(
    console: Console, row: Row, names: dict[str, str], visitor: str, data: dict[str, object] | None = None
) -> TestResponse:
    form = {name: value.format(**names) for name, value in row.form.items()} if data is None else data
    browser = console.browser("" if visitor == "nobody" else visitor)
    return browser.post(row.path.format(**names), data={**form, "form_token": TOKEN})


def is_turned_away(answer: TestResponse) -> bool:
    """Led to the way to sign in, or told that it is not for them."""
    to_login = answer.status_code == 303 and answer.headers["Location"].startswith("/login?")
    return to_login or answer.status_code in (401, 403)


def says_why(answer: TestResponse) -> bool:
    return 'class="errorcode"' in answer.text or 'role="alert"' in answer.text


def test_the_table_knows_every_route(console: Console) -> None:
    rules = list(console.app.url_map.iter_rules())
    assert set(GET) == {rule.endpoint for rule in rules if "GET" in (rule.methods or ())}
    assert set(POST) == {rule.endpoint for rule in rules if "POST" in (rule.methods or ())}


def test_pages_open_for_those_whom_the_table_names(console: Console, names: dict[str, str]) -> None:
    for endpoint, row in GET.items():
        for visitor in VISITORS:
            answer = visit(console, row, names, visitor)
            assert is_turned_away(answer) is (visitor not in row.let_in), (endpoint, visitor, answer.status_code)
            assert answer.status_code < 500 or endpoint == "probes.readyz", (endpoint, answer.text)


@pytest.mark.parametrize("language", Language)
def test_every_page_speaks_one_language_by_the_clocks_of_the_house(
    console: Console, names: dict[str, str], monkeypatch: pytest.MonkeyPatch, language: Language
) -> None:
    zone, wrong = "America/New_York", []
    monkeypatch.setitem(console.app.config, "LANGUAGE_ZONE", zone)
    known = "\n".join([written(console.database), console.parts.settings.organisation.name, *CERTIFICATES, *FOUND])
    for endpoint, row in GET.items():
        visitor = next(each for each in reversed(VISITORS) if each in row.let_in)
        browser = console.browser(visitor, language=language)
        answer = browser.get(row.path.format(**names), buffered=True)
        if answer.mimetype == "text/html" and answer.status_code < 300:
            found = faults_of_page(answer.text, Reader(language, zone), known, (zone,))
            wrong += [f"{endpoint}: {each}" for each in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("endpoint", POST)
def test_forms_are_taken_from_those_whom_the_table_names(
    console: Console, names: dict[str, str], endpoint: str
) -> None:
    row = POST[endpoint]
    names = {**names, "act": id_of(console.act("sun", "release.rollback"))}
    for visitor in sorted(set(VISITORS) - row.let_in):
        answer = send(console, row, names, visitor)
        assert is_turned_away(answer), (visitor, answer.status_code)
        assert answer.status_code == 303 or says_why(answer)
    visitor = sorted(row.let_in)[0]
    assert not is_turned_away(send(console, row, names, visitor)), visitor


@pytest.mark.parametrize("endpoint", POST)
def test_no_form_is_taken_that_another_site_could_send(
    console: Console, names: dict[str, str], endpoint: str
) -> None:
    row, before = POST[endpoint], console.site.told()
    path = row.path.format(**names)
    for data in ({}, {"form_token": ""}, {"form_token": "0" * 64}):
        assert console.browser("sun").post(path, data=data).status_code == 403
    foreign = console.browser("sun").post(
        path, data={"form_token": TOKEN}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert (foreign.status_code, console.site.told()) == (403, before)


@pytest.mark.parametrize("endpoint", one_in(4, POST))
def test_what_nobody_types_is_refused_with_a_sentence(
    console: Console, names: dict[str, str], endpoint: str
) -> None:
    row = POST[endpoint]
    visitor = sorted(row.let_in & set(PEOPLE))[0]
    for kind, value in {"nothing": None, **HOSTILE}.items():
        data = {} if value is None else dict.fromkeys(row.form, value)
        answer = send(console, row, names, visitor, data)
        assert answer.status_code < 500, kind
        assert answer.status_code < 400 or says_why(answer), (kind, answer.status_code)


def test_every_answer_has_the_headers(console: Console, names: dict[str, str]) -> None:
    for row in GET.values():
        answer = visit(console, row, names, "sun")
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"] or row.path.startswith("/static")


def test_nobody_brings_a_file(console: Console) -> None:
    answer = post(console.browser("sun"), "/operations/service.restart", {"service": "x" * 70_000})
    assert answer.status_code == 413


def test_pages_have_no_script_or_style_of_their_own(console: Console, names: dict[str, str]) -> None:
    for row in GET.values():
        text = visit(console, row, names, "sun").text
        assert "<style" not in text
        assert " style=" not in text
        assert "<script>" not in text
        assert " onclick" not in text


def test_an_object_of_another_owner_is_left_alone(console: Console) -> None:
    """No address names two objects; what forms name besides is the visitor's own, or it is not found."""
    rules = [rule for rule in console.app.url_map.iter_rules() if rule.endpoint != "static"]
    assert [rule.rule for rule in rules if len(rule.arguments) > 1] == []
    console.cookie("wu")
    [theirs, *_], before = console.site.administration.sessions.sessions_of("wu"), console.site.told()
    answer = post(console.browser("sun"), "/settings/sessions/end", {"session": theirs.id})
    assert (answer.status_code, theirs in console.site.administration.sessions.sessions_of("wu")) == (404, True)
    fingerprint = console.site.administration.own.passkeys_of("zhou")[0].fingerprint
    form = {"fingerprint": fingerprint, "old": GOOD}
    assert post(console.browser("sun"), "/settings/passkeys/remove", form).status_code == 404
    assert console.site.told() == before


def test_a_secret_to_scan_is_a_link_as_well(console: Console, names: dict[str, str]) -> None:
    """A phone cannot scan its own screen."""
    page = visit(console, GET["settings.code"], names, "sun").text
    assert len(re.findall(r'href="otpauth://totp/[^"]+secret=[A-Z2-7]{32}', page)) == 1
