"""``/clients``: what each client may do in words, when it was used, and what can be asked for about it."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.model.api_clients import SCOPE_TITLES, ApiClient, ClientState, Scope
from appliance.model.webhooks import DisabledBy, PublishedWebhook, WebhookAttempt, WebhookEndpoint, WebhookState
from tests.console.conftest import Console, id_of, post
from webui.console.api_clients import FITTING_WEBHOOK

AT = datetime(2026, 11, 25, 8, 5, tzinfo=UTC)
ERP = ApiClient(
    id="client-0123456789abcdef",
    name="ERP 示例",
    scopes=frozenset({Scope.CONTRACTS_READ, Scope.EVIDENCE_READ}),
    organisations=frozenset({"甲公司示例有限公司"}),
    kinds=frozenset({"采购"}),
    state=ClientState.ACTIVE,
    created=AT,
    last_used=AT,
)
OA = replace(
    ERP,
    id="client-fedcba9876543210",
    name="OA <b>",
    kinds=frozenset[str](),
    state=ClientState.SUSPENDED,
    last_used=None,
)
HR = replace(
    ERP,
    id="client-00000000000000a1",
    name="HR",
    certificate="a1" * 32,
    certificate_expires=datetime(2027, 3, 4, tzinfo=UTC),
)


HOOK = WebhookEndpoint(
    id="webhook-0123456789abcdef",
    client=ERP.id,
    url="https://erp.enterprise.example/hook?a=<b>",
    types=frozenset({"contract.sent"}),
    state=WebhookState.ACTIVE,
    reason=None,
    position=41,
    failures=2,
    failing_since=AT,
    retry_at=AT + timedelta(minutes=7),
    public_key="whpk_AAAA",
    created=AT - timedelta(days=1),
)
ATTEMPTS = (
    WebhookAttempt("evt_42", "contract.sent", AT, 503, 12, "https://erp.enterprise.example answered with 503."),
    WebhookAttempt("evt_test_00", "webhook.test", AT - timedelta(minutes=9), 204, 8, None),
)
PUBLISHED = PublishedWebhook(HOOK, AT - timedelta(minutes=9), ATTEMPTS)


@pytest.fixture(autouse=True)
def published(console: Console) -> None:
    console.site.administration.api_clients.publish([ERP, HR, OA])
    console.site.administration.webhooks.publish([PUBLISHED])


def test_what_was_published_is_what_is_read(console: Console) -> None:
    webhooks = console.site.administration.webhooks
    assert webhooks.all() == [PUBLISHED]
    gone = replace(HOOK, state=WebhookState.DISABLED, reason=DisabledBy.GONE, types=frozenset())
    webhooks.publish([replace(PUBLISHED, webhook=gone, taken=None, attempts=())])
    assert webhooks.all() == [PublishedWebhook(gone, None, ())]


def test_a_webhook_stands_with_its_client_and_has_a_page(console: Console) -> None:
    browser = console.browser("wu")
    assert f'href="/clients/webhooks/{HOOK.id}"' in browser.get("/clients").text
    page = browser.get(f"/clients/webhooks/{HOOK.id}").text
    for said in ("Its receiver takes nothing now", "hook?a=&lt;b&gt;", "contract.sent", "evt_42", "HTTP 503"):
        assert said in page
    assert "2026-11-25" in page and "Next attempt" in page and "answered with 503" in page
    assert "下次尝试" in console.browser("wu", language="zh").get(f"/clients/webhooks/{HOOK.id}").text
    assert browser.get("/clients/webhooks/webhook-ffffffffffffffff").status_code == 404


@pytest.mark.parametrize(("login", "offered"), [("sun", True), ("wu", False)])
def test_an_event_is_replayed_from_the_console(console: Console, login: str, offered: bool) -> None:
    browser = console.browser(login)
    page = browser.get(f"/clients/webhooks/{HOOK.id}").text
    link = f"/operations/webhooks.replay?webhook={HOOK.id}&amp;first=42&amp;last=42"
    assert (link in page) is offered and (f"/operations/webhooks.suspend?webhook={HOOK.id}" in page) is offered
    assert page.count("first=") == offered, "a test is no event"
    assert (f"/operations/webhooks.add?client={ERP.id}" in browser.get("/clients").text) is offered
    if offered:
        form = browser.get(html.unescape(link)).text
        assert form.count('value="42"') == 2 and HOOK.id in form
        asked = id_of(console.act(login, "webhooks.replay", webhook=HOOK.id, first="42", last="42"))
        [act] = [each for each in console.site.administration.requests.under_way() if each.id == asked]
        assert dict(act.arguments) == {"webhook": HOOK.id, "first": "42", "last": "42"}


def test_where_no_webhook_goes_is_said_on_the_form(console: Console) -> None:
    browser, typed = (
        console.browser("sun"),
        {"client": ERP.id, "url": "https://elsewhere.example/hook", "types": ""},
    )
    for sure in ({}, {"sure": "yes"}):
        page = post(browser, "/operations/webhooks.add", {**typed, **sure})
        assert (
            "does not name elsewhere.example:443" in page.text and 'value="https://elsewhere.example' in page.text
        )


@pytest.mark.parametrize("state", WebhookState)
def test_each_state_of_a_webhook_has_what_fits_it(console: Console, state: WebhookState) -> None:
    reason = DisabledBy.ADMINISTRATOR if state is WebhookState.DISABLED else None
    hook = replace(HOOK, state=state, reason=reason, failures=0, failing_since=None, retry_at=None)
    console.site.administration.webhooks.publish([replace(PUBLISHED, webhook=hook)])
    page = console.browser("sun").get(f"/clients/webhooks/{HOOK.id}").text
    for name in ("test", "replay", "suspend", "resume", "remove"):
        assert (f"/operations/webhooks.{name}?webhook={HOOK.id}" in page) is (
            f"webhooks.{name}" in FITTING_WEBHOOK[state]
        )


def test_scopes_are_told_in_words_with_the_last_use(console: Console) -> None:
    page = console.browser("wu").get("/clients").text
    for said in ("ERP 示例", ERP.id, "Read contracts · Fetch evidence packages", "甲公司示例有限公司", "采购"):
        assert said in page
    assert "last used 2026-11-25" in page and "never used" in page
    assert "OA &lt;b&gt;" in page
    assert "查看合同" in console.browser("wu", language="zh").get("/clients").text


@pytest.mark.parametrize(("login", "offered"), [("sun", True), ("zhou", True), ("wu", False)])
def test_who_may_ask_finds_the_actions_that_fit(console: Console, login: str, offered: bool) -> None:
    page = console.browser(login).get("/clients").text
    for name, client in (("suspend_client", ERP), ("rotate_secret", ERP), ("resume_client", OA)):
        assert (f"/operations/api.{name}?client={client.id}" in page) is offered
    assert f"suspend_client?client={OA.id}" not in page and f"resume_client?client={ERP.id}" not in page
    assert ("/operations/api.create_client" in page) is offered


def test_a_certificate_is_shown_with_its_end_and_can_be_changed(console: Console) -> None:
    page = console.browser("sun").get("/clients").text
    shown = page.partition(f"<code>{HR.id}</code>")[2].partition("</li>")[0]
    assert "a1" * 32 in shown and "2027-03-04" in shown
    assert f"/operations/api.change_certificate?client={HR.id}" in shown and "rotate_secret" not in shown
    assert page.count("Certificate (SHA-256)") == 1 == page.count("api.change_certificate")


def test_what_is_gone_is_not_shown_any_more(console: Console) -> None:
    console.site.administration.api_clients.publish([])
    assert "There is no API client" in console.browser("sun").get("/clients").text


def test_every_scope_has_words() -> None:
    assert set(SCOPE_TITLES) == set(Scope)
