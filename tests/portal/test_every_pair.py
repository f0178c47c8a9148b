"""Every act in every state of a contract, asked for in a browser by everybody that a contract can know.

The workflows are tried alike in tests/appliance/contracts; here it is that the portal offers what is allowed, and
answers what is not with its reason.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.accounts.sessions import ClientInfo
from appliance.contracts.permissions import Permission, refusal_for
from appliance.language import Language, translator
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.contract import Contract, ContractState
from appliance.wiring import Appliance
from tests.appliance.contracts.cast import PARTNERS, ROLES, SUBJECTS, expected, second_for, who
from tests.appliance.contracts.stage import SPARE, Stage, set_up, stored, traces
from tests.portal.conftest import form_token, portal_of
from tests.portal.estate import once
from tests.portal.visitors import signed_in
from tests.sweeps import one_in
from tests.world import shared_world

OFFERED = (
    Permission.DECLINE,
    Permission.HAND_OVER,
    Permission.EXTEND,
    Permission.REMIND,
    Permission.RECALL,
    Permission.CORRECT,
    Permission.VOID,
    Permission.DISCARD,
)
"""Acts with a link or a button on the contract's page."""

Try = Callable[[FlaskClient, str], TestResponse]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with shared_world() as world, world.opened() as appliance:
        yield set_up(appliance)


@pytest.fixture(scope="module")
def pages(stage: Stage) -> Flask:
    return portal_of(stage.appliance, stage.appliance.authority)


def browser_of(pages: Flask, appliance: Appliance, role: str, contract: Contract) -> FlaskClient:
    subject = SUBJECTS[role]
    if role == "auditor":  # the cast's auditor is named like a person, whom the accounts refuse that role
        return signed_in(pages, appliance, subject, [AccountRole.SIGNER])
    if role in PARTNERS:
        return signed_in(pages, appliance, subject, [AccountRole.REPRESENTATIVE])
    if role != "guest":
        return signed_in(pages, appliance, subject, PEOPLES_ROLES)
    party = next((one.id for one in contract.parties if one.subject == subject), contract.parties[1].id)
    until = appliance.now() + timedelta(hours=1)
    where = ClientInfo("192.0.2.7")
    with appliance.database.transaction() as tx:
        opened = appliance.sessions.open_guest_session(
            tx, subject, guest_of=(contract.id, party), where=where, until=until
        )
    client = pages.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.set_cookie("session", opened.secret)
    return client


def tries(contract: Contract, later: str) -> dict[Permission, Try]:
    """How each act is asked for."""
    at, version = f"/contracts/{contract.id}", str(contract.version)
    typed = {"seen": version, "reason": "示例", "to": SPARE, "deadline": later, "title": "另一标题", "act": "send"}

    def posted(path: str) -> Try:
        return lambda client, token: client.post(at + path, data={**typed, "form_token": token, "once": once()})

    def got(path: str) -> Try:
        return lambda client, _token: client.get(at + path)

    return {
        Permission.READ: got(""),
        Permission.EDIT: posted("/draft/document"),
        Permission.SEND: posted("/draft/check"),
        Permission.AGREE_TO_VOID: got("/void/answer"),
        Permission.REFUSE_TO_VOID: posted("/void/refuse"),
        Permission.EXPORT: got("/evidence.zip"),
        **{act: posted(f"/{act}") for act in OFFERED},
    }


@pytest.mark.parametrize("state", one_in(3, [*ContractState, "voiding"]))
def test_what_is_not_allowed_is_refused_in_the_browser_with_its_reason(
    stage: Stage, pages: Flask, state: ContractState | str
) -> None:
    appliance, voiding = stage.appliance, state == "voiding"
    real = ContractState.COMPLETED if voiding else ContractState(state)
    say = translator(Language.CHINESE)
    for role in (each for each in ROLES if each != "auditor"):
        contract = stored(stage, real, second=second_for(role), voiding=voiding)
        client = browser_of(pages, appliance, role, contract)
        token, before = form_token(client), traces(stage, contract)
        later = (appliance.now() + timedelta(days=30)).strftime("%Y-%m-%dT18:00")
        for act, ask in tries(contract, later).items():
            if role in expected(real, act, voiding=voiding):
                continue
            asked = (
                Permission.EDIT if act is Permission.SEND else act
            )  # who cannot open the draft hears that first
            answer, refusal = ask(client, token), refusal_for(contract, asked, who(role), appliance.now())
            assert answer.status_code in (403, 404, 409), (role, act)
            assert refusal is not None
            if answer.status_code == 409:
                said = say(refusal.template, **refusal.values) in html.unescape(answer.text)
                assert said, (role, act)
            else:
                draft = act in (Permission.EDIT, Permission.SEND)
                assert draft or role not in expected(real, Permission.READ, voiding=voiding), (role, act)
            assert traces(stage, contract) == before, (role, act)


@pytest.mark.parametrize("state", [*ContractState, "voiding"])
def test_the_page_offers_what_is_allowed_and_nothing_else(
    stage: Stage, pages: Flask, state: ContractState | str
) -> None:
    voiding = state == "voiding"
    real = ContractState.COMPLETED if voiding else ContractState(state)
    for role in expected(real, Permission.READ, voiding=voiding) - {"auditor"}:
        contract = stored(stage, real, second=second_for(role), voiding=voiding)
        client = browser_of(pages, stage.appliance, role, contract)
        page = client.get(f"/contracts/{contract.id}").text
        offered = {act for act in OFFERED if f'"/contracts/{contract.id}/{act}"' in page}
        allowed = {act for act in OFFERED if role in expected(real, act, voiding=voiding)}
        if role == "guest" and not any(one.subject == SUBJECTS[role] for one in contract.parties):
            continue
        assert offered == allowed, role
        for act in allowed - {Permission.CORRECT}:  # a button, without a page of its own
            assert client.get(f"/contracts/{contract.id}/{act}").status_code == 200, (role, act)
