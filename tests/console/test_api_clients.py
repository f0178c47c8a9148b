"""``/clients``: what each client may do in words, when it was used, and what can be asked for about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance.model.api_clients import SCOPE_TITLES, ApiClient, ClientState, Scope
from tests.console.conftest import Console

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


@pytest.fixture(autouse=True)
def published(console: Console) -> None:
    console.site.administration.api_clients.publish([ERP, OA])


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


def test_what_is_gone_is_not_shown_any_more(console: Console) -> None:
    console.site.administration.api_clients.publish([])
    assert "There is no API client" in console.browser("sun").get("/clients").text


def test_every_scope_has_words() -> None:
    assert set(SCOPE_TITLES) == set(Scope)
