"""The portal is the attacker's, and the person's browser is a real one: what can a page of that origin do with the
activation service's?"""

from __future__ import annotations

import json
import re
import secrets
import time
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import expect
from webauthn.helpers import base64url_to_bytes

from appliance.activation_requests import ActivationRequest, RegistrationPurpose, RegistrationRequest
from appliance.demonstration.participants import ALPHA, ZHANG
from tests.activation.test_remote import signing_remotely
from tests.activation_service import hidden
from tests.sweeps import first_of
from tests.takeover.origins import REFUSED, TAKEN, Scene, posted_by_form
from tests.takeover.portal_origin import CONFIRM, GONE, confirm, is_at


@pytest.fixture(params=first_of(["contract", "remote"]))
def request_(stage: Scene, request: pytest.FixtureRequest) -> ActivationRequest:
    """A contract's signature, or one of a document that other software has handed in."""
    return stage.desk.document() if request.param == "contract" else signing_remotely(stage.desk)


def origin_of(answer: str) -> str:
    """That of the page on which a passkey gave *answer*."""
    return str(json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"]))["origin"])


# Activating.


@pytest.mark.parametrize("request_", ["contract", "remote"], indirect=True)
def test_what_a_passkey_says_on_the_portals_page_activates_nothing(
    stage: Scene, request_: ActivationRequest, path: str
) -> None:
    form, page_of = stage.form(path), f"{stage.service}{path}"
    with stage.at(ZHANG.subject) as zhang:
        page = stage.hostile_page(zhang)
        stolen = page.evaluate("(options) => get(options)", form.options)
        assert origin_of(stolen) == stage.portal
        fields = {**form.fields, "credential": stolen}
        for mode in ("no-cors", "cors"):
            page.evaluate(SENT_BY_SCRIPT, [page_of, fields, mode])
        answer = posted_by_form(page, page_of, fields)
        assert answer.status == REFUSED and stage.desk.given(request_) == ()
        said = stage.program("POST", path, fields)
        assert said.status == REFUSED and "Nothing is signed." in said.text
        assert stage.asked.count(f"POST {path}") == 4, "each of them arrived"
        assert stage.desk.given(request_) == ()

        confirm(stage.open(zhang, path))
        is_at(stage, page)
    assert stage.desk.given(request_) == (ZHANG.subject,)


SENT_BY_SCRIPT = """async ([address, fields, mode]) => {
    const body = new URLSearchParams(fields);
    try { await fetch(address, { method: "POST", body, mode, credentials: "include" }); } catch { return; }
}"""


@pytest.mark.parametrize("request_", ["contract", "remote"], indirect=True)
def test_a_genuine_answer_is_not_taken_from_the_portals_page(
    stage: Scene, request_: ActivationRequest, path: str
) -> None:
    """Not even one that the person gave on the service's own page, with what that page had seen."""
    form = stage.form(path)
    fields = {**form.fields, "credential": stage.desk.answer(ZHANG.subject, form)}
    with stage.at() as visitor:
        page = stage.hostile_page(visitor)
        assert posted_by_form(page, f"{stage.service}{path}", fields).status == REFUSED
        page = stage.hostile_page(visitor)
        for mode in ("no-cors", "cors"):
            page.evaluate(SENT_BY_SCRIPT, [f"{stage.service}{path}", fields, mode])
        before = stage.asked.count(f"POST {path}")
        page.evaluate(SENT_FROM_SANDBOX, [f"{stage.service}{path}", fields])
        wait_until_asked(stage, f"POST {path}", before + 1)
        for policy in ("no-referrer", "unsafe-url"):
            page.goto(f"{stage.portal}/hostile")
            page.evaluate(
                "(policy) => { document.head.innerHTML += `<meta name=referrer content=${policy}>` }", policy
            )
            assert posted_by_form(page, f"{stage.service}{path}", fields).status == REFUSED
    assert stage.desk.given(request_) == ()
    assert stage.program("POST", path, fields).status == TAKEN, "it was genuine"


SENT_FROM_SANDBOX = """([address, fields]) => {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts allow-forms";
    const inputs = Object.entries(fields).map(([name, value]) => {
        const input = document.createElement("input");
        input.setAttribute("name", name);
        input.setAttribute("value", value);
        return input.outerHTML;
    });
    frame.srcdoc = `<form method="post" action="${address}">${inputs.join("")}</form>
        <script>document.forms[0].submit()</script>`;
    document.body.append(frame);
}"""


def wait_until_asked(stage: Scene, what: str, times: int) -> None:
    deadline = time.monotonic() + 60
    while stage.asked.count(what) < times:
        assert time.monotonic() < deadline, (what, stage.asked)
        time.sleep(0.02)


# Looking at the act from another origin.


@pytest.mark.parametrize("request_", ["contract", "remote"], indirect=True)
def test_no_page_frames_an_act(stage: Scene, request_: ActivationRequest, path: str) -> None:
    with stage.at(ZHANG.subject) as zhang:
        page = stage.hostile_page(zhang)
        before = stage.asked.count(f"GET {path}")
        for number, how in enumerate(FRAMES, start=1):
            page.evaluate(
                "(html) => document.body.insertAdjacentHTML('beforeend', html)",
                how.format(page=f"{stage.service}{path}"),
            )
            wait_until_asked(stage, f"GET {path}", before + number)
        page.wait_for_load_state("networkidle")
        frames = [each for each in page.frames if each != page.main_frame]
        assert len(frames) == len(FRAMES)
        for frame in frames:
            assert not frame.url.startswith(stage.service)
            assert CONFIRM not in frame.evaluate("document.documentElement.innerText")


FRAMES = (
    '<iframe src="{page}" allow="publickey-credentials-get *"></iframe>',
    '<iframe src="{page}" sandbox="allow-scripts allow-forms allow-same-origin allow-popups"></iframe>',
    '<iframe srcdoc="&lt;iframe src=&quot;{page}&quot;&gt;&lt;/iframe&gt;"></iframe>',
    '<embed src="{page}" type="text/html">',
    '<object data="{page}" type="text/html"></object>',
)


def test_no_page_reads_an_act(stage: Scene, request_: ActivationRequest, path: str) -> None:
    seen = stage.form(path).fields["seen"]
    addresses = [f"{stage.service}{each}" for each in (path, f"{path}/{seen}/1.png")]
    with stage.at(ZHANG.subject) as zhang:
        own = stage.open(zhang, path)
        assert own.evaluate(READ, addresses), "its own page does"
        page = stage.hostile_page(zhang)
        assert page.evaluate(READ, addresses) == []


READ = """async (addresses) => {
    const found = [];
    const loaded = (tag, field, address) => new Promise((done) => {
        const element = document.createElement(tag);
        if (tag === "link") element.rel = "stylesheet";
        element.onload = () => { found.push(`${tag} ${address}`); done(); };
        element.onerror = () => done();
        element[field] = address;
        document.head.append(element);
    });
    for (const address of addresses) {
        for (const mode of ["cors", "no-cors"])
            for (const credentials of ["omit", "include"])
                try {
                    const answer = await fetch(address, { mode, credentials });
                    found.push(`${mode} ${answer.type} ${(await answer.text()).length}`);
                } catch {}
        await loaded("img", "src", address);
        await loaded("script", "src", address);
        await loaded("link", "href", address);
    }
    return found;
}"""


@pytest.mark.long
def test_a_window_that_was_opened_is_out_of_reach(stage: Scene, request_: ActivationRequest, path: str) -> None:
    with stage.at(ZHANG.subject) as zhang:
        for before in ("", f"{stage.portal}/hostile"):
            page = stage.hostile_page(zhang)
            with page.expect_popup() as opening:
                page.evaluate(OPEN, [before, f"{stage.service}{path}"])
            act = opening.value
            act.wait_for_url(f"{stage.service}{path}")
            page.wait_for_function("() => opened.closed")
            act.evaluate(
                "() => { window.heard = []; addEventListener('message', (each) => heard.push(each.data)); }"
            )
            assert page.evaluate(REACH) == []
            page.evaluate("() => { opened.location = '/hostile'; window.open('/hostile', 'act'); }")
            assert act.evaluate("[window.opener, window.parent === window, heard.length]") == [None, True, 0]
            assert act.url == f"{stage.service}{path}"
            expect(act.get_by_role("button", name=CONFIRM)).to_be_visible()
            for each in zhang.context.pages:
                if each != zhang.page:
                    each.close()
    assert stage.desk.given(request_) == ()


OPEN = """async ([before, address]) => {
    window.opened = window.open(before || address, "act");
    if (!before) return;
    await new Promise((done) => setTimeout(done, 300));
    opened.location = address;
}"""

REACH = """async () => {
    const found = [];
    document.domain = "localhost";
    for (const reach of [
        () => opened.document.title,
        () => opened.location.href,
        () => opened.frames[0].location.href,
        () => opened.document.forms[0].requestSubmit(),
    ])
        try { found.push(String(reach())); } catch {}
    for (let number = 0; number < 5; number += 1) {
        opened.postMessage("press the button", "*");
        await new Promise((done) => setTimeout(done, 20));
    }
    return found;
}"""


# Registering.


@pytest.fixture
def newcomer(stage: Scene) -> RegistrationRequest:
    subject = f"person-{secrets.token_hex(6)}"
    here = "/settings/signing/registered"
    return RegistrationRequest(
        subject,
        RegistrationPurpose.SIGNING,
        here,
        "en",
        "Asia/Shanghai",
        "sun",
        "孙示例",
        ALPHA,
        secrets.token_bytes(16),
    )


def waiting(stage: Scene, asked: RegistrationRequest) -> list[str]:
    """The fingerprints that wait for officers."""
    return [each.fingerprint for each in stage.desk.appliance.authority.pending_credentials(asked.subject)]


def put(stage: Scene, asked: RegistrationRequest) -> str:
    return f"/register/{stage.desk.appliance.activation_requests.add(asked)}"


def test_what_is_registered_on_the_portals_page_is_not_taken(stage: Scene, newcomer: RegistrationRequest) -> None:
    path = put(stage, newcomer)
    form = stage.form(path, "create")
    with stage.at() as visitor:
        page = stage.hostile_page(visitor)
        made = page.evaluate("(options) => create(options)", form.options)
        assert origin_of(made) == stage.portal
        fields = {**form.fields, "credential": made}
        assert posted_by_form(page, f"{stage.service}{path}", fields).status == REFUSED
    assert stage.program("POST", path, fields).status == REFUSED
    assert waiting(stage, newcomer) == []


def test_a_registration_counts_once_and_for_its_owner(stage: Scene, newcomer: RegistrationRequest) -> None:
    path, other = put(stage, newcomer), replace(newcomer, subject=f"person-{secrets.token_hex(6)}")
    with stage.at() as visitor:
        page = stage.open(visitor, path)
        with page.expect_request(lambda each: each.method == "POST") as sent:
            page.get_by_role("button", name="Set up a passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Read this to the officer")
        [fingerprint] = waiting(stage, newcomer)
        expect(page.locator("code.digest")).to_have_text(fingerprint)
    replayed = dict(parse_qsl(sent.value.post_data or "", keep_blank_values=True))
    assert origin_of(replayed["credential"]) == stage.service
    for asked, sentence in ((newcomer, USED_UP), (replace(newcomer, language="zh"), USED_UP_ZH), (other, USED_UP)):
        again = put(stage, asked)
        seen = {"seen": hidden(stage.program("GET", again).text)["seen"]}
        said = stage.program("POST", again, replayed | seen)
        assert said.status == REFUSED and alerts_in(said.text) == [sentence]
    assert stage.program("POST", path, replayed).status == REFUSED
    assert waiting(stage, newcomer) == [fingerprint] and waiting(stage, other) == []


USED_UP = "This registration was used already, is too old, or was made for somebody else. Begin again."
USED_UP_ZH = "本次设置已使用过、已过期，或不是为您发起的，请重新开始。"


def alerts_in(page: str) -> list[str]:
    """What a page says in alarm."""
    return re.findall(r'role="alert"[^>]*><p>([^<]+)</p>', page)


# Addresses.


def test_the_way_back_leads_to_the_portal_alone(stage: Scene) -> None:
    """As a browser reads addresses."""
    with stage.at(ZHANG.subject) as zhang:
        for back in ("//evil.example/", "/\t/evil.example", "@evil.example/", "/\\evil.example/"):
            page = stage.open(zhang, stage.desk.put(stage.desk.document(back=back)))
            leads = page.evaluate("() => [...document.links].map((each) => each.origin)")
            assert stage.portal in leads and set(leads) == {stage.portal, stage.service}
        confirm(page)
        expect(page).to_have_url(f"{stage.portal}/")


@pytest.mark.long
def test_a_forged_address_shows_nothing(stage: Scene) -> None:
    with stage.at() as visitor:
        for ticket in ("x" * 32, "x", "%2e%2e%2factivation", "x" * 31 + "%0a"):
            page = stage.open(visitor, f"/act/{ticket}")
            expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(f"{GONE}|There is no such page."))
            assert page.locator("form").count() == 0
