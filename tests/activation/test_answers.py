"""What every answer of the service says to browsers, from whom it takes forms, and where it sends people."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from flask.testing import FlaskClient

from appliance.demonstration.participants import ZHANG
from tests.activation.conftest import ORIGIN, PORTAL, Desk
from tests.pure import ROOT


def test_there_is_nothing_here_but_acts_and_registrations(desk: Desk) -> None:
    """No list, no session, no upload."""
    rules = {
        (rule.rule, tuple(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})))
        for rule in desk.service.url_map.iter_rules()
    }
    assert rules == {
        ("/livez", ("GET",)),
        ("/act/<ticket>", ("GET",)),
        ("/act/<ticket>", ("POST",)),
        ("/register/<ticket>", ("GET",)),
        ("/register/<ticket>", ("POST",)),
        ("/act/<ticket>/<seen>", ("GET",)),
        ("/act/<ticket>/<seen>/<int:number>.png", ("GET",)),
        ("/act/<ticket>/<seen>/large/<int:number>.png", ("GET",)),
        ("/act/<ticket>/<seen>/seal.png", ("GET",)),
        ("/batch/<ticket>", ("GET",)),
        ("/batch/<ticket>", ("POST",)),
        ("/static/<filename>", ("GET",)),
        ("/static/<asked>/<filename>", ("GET",)),
    }


def test_the_service_loads_nothing_of_the_portal_and_of_what_it_does() -> None:
    code = (
        "import sys, webui.activation.process\n"
        "others = ('webui.portal', 'webui.console', 'webui.tsa', 'appliance.wiring', 'appliance.contracts',"
        " 'appliance.office', 'appliance.store.contracts', 'appliance.store.accounts', 'hsm.store',"
        " 'hsm.operations', 'PyKCS11', 'pkcs11')\n"
        "print(*(name for name in sys.modules if name.startswith(others)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_service_is_read_through_at_one_sitting() -> None:
    """Reviewers read all of it: what would make it longer belongs into the packages below, or nowhere. The last
    171 lines are the codes of outside signers (decision 62), which nobody but this service may know, the uses of
    seals in a batch (decision 65), and what is signed for other software (decision 77)."""
    own = sorted((ROOT / "webui/activation").glob("*.py"))
    assert 0 < sum(len(each.read_text("utf-8").splitlines()) for each in own) <= 1476


def test_headers_of_every_kind_of_answer(desk: Desk) -> None:
    request = desk.document()
    path = desk.put(request)
    page = desk.get(path)
    form = desk.form(path)
    paths = [path, "/", "/livez", "/act/none", *re.findall(r'(?:src|href)="(/[^"]+)"', page.text)]
    answers = [desk.get(each) for each in paths]
    answers += [desk.send(form, credential=""), desk.send(form, credential=desk.answer(ZHANG.subject, form))]
    answers.append(desk.browser.post(path, base_url=ORIGIN, headers={"Origin": PORTAL}))
    assert {answer.status_code for answer in answers} >= {200, 303, 403, 404, 409}
    for answer in answers:
        headers = answer.headers
        policy = headers["Content-Security-Policy"].split("; ")
        assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy
        assert "script-src 'self'" in policy and f"form-action 'self' {PORTAL}" in policy
        assert "base-uri 'none'" in policy
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        # With no-referrer browsers would send forms with "Origin: null" (Fetch, "append a request Origin header").
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Document-Policy"] == "force-load-at-top"
        assert "Set-Cookie" not in headers
        assert "Access-Control-Allow-Origin" not in headers
    assert page.headers["Cache-Control"] == "no-store"


def test_a_page_has_scripts_of_ours_and_no_other(desk: Desk) -> None:
    """That which takes no press too early comes before the passkey's, and both before there is a form."""
    page = desk.page(desk.document())
    scripts = re.findall(r'<script\b src="/static/[0-9a-f]{16}/([a-z.]+)"></script>', page)
    assert scripts == ["settled.js", "passkey.js"]
    assert page.count("<script") == len(scripts) and page.index("passkey.js") < page.index("<form")
    assert not re.search(r"\son\w+=|\sstyle=|javascript:", page)
    assert set(re.findall(r'(?:href|action)="(https?://[^/"]+)', page)) == {PORTAL}


@pytest.mark.parametrize("name", ["signing.js", "design.css", "passkey.py", "..%2fapplication.py", "console.css"])
def test_only_what_the_pages_need_is_served(desk: Desk, name: str) -> None:
    assert desk.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": PORTAL},
        {"Origin": "https://evil.example"},
        {"Origin": f"{ORIGIN}.evil.example"},
        {"Origin": f"{ORIGIN}/"},
        {"Origin": f"{ORIGIN}, {ORIGIN}"},
        {"Origin": "http://LOCALHOST:8083"},
        {"Origin": "https://localhost:8083"},
        {"Referer": f"{ORIGIN}/act/x"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": "none"},
        {"Origin": ORIGIN, "Sec-Fetch-Site": ""},
    ],
)
def test_a_form_of_another_page_is_not_taken(desk: Desk, elsewhere: FlaskClient, headers: dict[str, str]) -> None:
    request = desk.document()
    path = desk.put(request)
    form = desk.form(path)
    fields = {**form.fields, "credential": desk.answer(ZHANG.subject, form)}
    for data in (fields, {}):
        assert elsewhere.post(path, base_url=ORIGIN, headers=headers, data=data).status_code == 403
    assert desk.given(request) == ()
    assert elsewhere.post(path, base_url=ORIGIN, headers={"Origin": ORIGIN}, data=fields).status_code == 303


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "PROPFIND"])
def test_no_other_method_does_anything(desk: Desk, elsewhere: FlaskClient, method: str) -> None:
    path = desk.put(desk.document())
    for headers in ({}, {"Origin": ORIGIN}):
        answer = elsewhere.open(path, method=method, base_url=ORIGIN, headers=headers)
        assert answer.status_code in (403, 405)


def test_cookies_are_no_authority_here(desk: Desk, elsewhere: FlaskClient) -> None:
    """They are shared between the ports of a host."""
    path = desk.put(desk.document())
    plain = elsewhere.get(path, base_url=ORIGIN).text
    for name in ("session", "form", "console"):
        elsewhere.set_cookie(name, "x" * 40, domain="localhost")
    assert elsewhere.get(path, base_url=ORIGIN).text == plain


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/a\r\nX: y",
        "/a\tb",
        "javascript:alert(1)",
        "evil.example",
        "@evil.example",
        ".evil.example",
        ":1/",
        "",
        "/\u202e",
    ],
)
def test_a_way_back_that_leads_elsewhere_leads_to_the_portals_first_page(desk: Desk, back: str) -> None:
    path = desk.put(desk.document(back=back))
    page = desk.get(path).text
    assert f'href="{PORTAL}/"' in page and "evil" not in page
    answer = desk.confirm(ZHANG.subject, path)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PORTAL}/")


def test_what_is_larger_than_a_form_is_not_read(desk: Desk) -> None:
    form = desk.form(desk.put(desk.document()))
    assert desk.send(form, credential="x" * 70_000).status_code == 413


def test_words_of_the_portal_stay_words(desk: Desk) -> None:
    hostile = '"><script>alert(1)</script>{{ 7*7 }}'
    words = {"title": hostile, "parties": (hostile,), "reason": hostile}
    page = desk.page(desk.document(words, text=hostile))
    assert "<script>alert" not in page and "{{ 7*7 }}" in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_it_is_in_the_language_that_its_reader_chose(desk: Desk) -> None:
    for language, tag in (("zh", "zh-CN"), ("en", "en")):
        answer = desk.get(desk.put(desk.document(language=language)))
        assert answer.headers["Content-Language"] == tag and f'<html lang="{tag}">' in answer.text
