"""Somebody is away: the deputy is told, takes over what cannot wait, and nothing else; handing over everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.contracts import handing_over
from appliance.contracts.draft_rules import DraftTerms
from appliance.demonstration.participants import CUSTODIAN, LI, OFFICER, ZHANG
from appliance.errors import StateRefused
from appliance.ledger.disclosure import Audience
from appliance.model.accounts import AccountRole
from appliance.model.contract import Contract, Deadline, SigningOrder
from appliance.model.notice import NoticeKind
from appliance.store import accounts, members, people
from appliance.wiring import Appliance
from tests.office.conftest import enter as open_account
from tests.office.conftest import newcomer
from tests.portal.conftest import form_token
from tests.portal.visitors import signed_in
from tests.world import contract_now, sample_document

ROLES = [AccountRole.INITIATOR, AccountRole.SIGNER]


@pytest.fixture
def zhang(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, ZHANG.subject, ROLES)


@pytest.fixture
def deputy(portal: Flask, appliance: Appliance) -> FlaskClient:
    return signed_in(portal, appliance, CUSTODIAN.subject, ROLES)


@pytest.fixture(autouse=True)
def _back_afterwards(appliance: Appliance) -> Iterator[None]:
    yield
    if appliance.accounts.absences.absence_of(ZHANG.subject) is not None:
        appliance.accounts.absences.end_absence(ZHANG.subject)


def post(client: FlaskClient, address: str, **fields: str) -> TestResponse:
    return client.post(address, data={"form_token": form_token(client), **fields})


def enter(
    zhang: FlaskClient, appliance: Appliance, deputy: str, *, begins: int = -1, ends: int = 3
) -> TestResponse:
    since, until = (f"{appliance.now() + timedelta(days=day):%Y-%m-%d}" for day in (begins, ends))
    return post(zhang, "/settings/absence", deputy=deputy, since=since, until=until)


def waits_for_zhang(appliance: Appliance) -> Contract:
    """Started by Zhang, to be signed by Zhang."""
    deadline = Deadline(appliance.now() + timedelta(days=3), "Asia/Shanghai")
    terms = DraftTerms("代理示例", "采购", "请假", ZHANG.subject, deadline, SigningOrder.SEQUENTIAL)
    draft = appliance.drafting.draft(sample_document(1), terms)
    appliance.drafting.add_person(draft.id, subject=ZHANG.subject, by=ZHANG.subject)
    return appliance.sending.send(draft.id, by=ZHANG.subject)


def told(appliance: Appliance, kind: NoticeKind, recipient: str, contract: Contract) -> bool:
    with appliance.database.reading() as tx:
        query = "SELECT 1 FROM outbox WHERE kind = ? AND recipient = ? AND contract = ?"
        return tx.exists(query, (kind, recipient, contract.id))


def test_the_deputy_takes_over_what_waits_and_signs_as_themself(
    zhang: FlaskClient, deputy: FlaskClient, appliance: Appliance
) -> None:
    contract = waits_for_zhang(appliance)
    page = f"/deputy/{ZHANG.subject}"
    assert deputy.get(page).status_code == 403, "nobody is away yet"
    assert enter(zhang, appliance, deputy=CUSTODIAN.subject).status_code == 303
    assert "代理人" in deputy.get("/settings/absence").text
    shown = deputy.get(page)
    assert contract.title in shown.text and f"代{ZHANG.name}处理" in shown.text
    part = contract.parties[0]
    taken = post(deputy, page, contract=contract.id, party=part.id)
    assert taken.status_code == 303
    after = contract_now(appliance, contract.id)
    assert (after.parties[0].subject, after.initiator) == (CUSTODIAN.subject, ZHANG.subject)
    assert told(appliance, NoticeKind.YOUR_TURN, CUSTODIAN.subject, contract)
    assert post(deputy, page, contract=contract.id, party="").status_code == 303
    assert contract_now(appliance, contract.id).initiator == CUSTODIAN.subject


def test_the_deputy_is_told_what_becomes_due_and_gives_nothing_to_others(
    zhang: FlaskClient, deputy: FlaskClient, appliance: Appliance
) -> None:
    assert enter(zhang, appliance, deputy=CUSTODIAN.subject).status_code == 303
    contract = waits_for_zhang(appliance)
    by = CUSTODIAN.subject
    appliance.handing_over.take_over(contract.id, to=by, reason="代理", by=by)
    appliance.reminders.on_demand.remind_now(contract.id, by=by)
    assert told(appliance, NoticeKind.DEPUTY_ASKED, CUSTODIAN.subject, contract)
    for who, own in ((ZHANG, True), (LI, False)):
        audience = Audience.of_person(who)
        shown = appliance.disclosing.mail_shown(contract, NoticeKind.DEPUTY_ASKED, CUSTODIAN.subject, audience)
        assert shown is own, "who stands in is nobody else's business"
    part = contract.parties[0].id
    with pytest.raises(StateRefused, match="still here"):
        appliance.handing_over.reassign(contract.id, part, to=LI.subject, reason="代理", by=CUSTODIAN.subject)
    with pytest.raises(StateRefused, match="still here"):
        appliance.handing_over.reassign(contract.id, part, to=CUSTODIAN.subject, reason="代理", by=OFFICER)
    assert post(zhang, "/settings/absence/end").status_code == 303
    with pytest.raises(StateRefused, match="still here"):
        appliance.handing_over.reassign(contract.id, part, to=by, reason="代理", by=by)
    assert post(zhang, "/settings/absence/end").status_code == 409


@pytest.mark.parametrize(
    ("begins", "ends", "deputy", "sentence"),
    [
        (3, 1, CUSTODIAN.subject, "结束日期不能早于开始日期"),
        (-9, -3, CUSTODIAN.subject, "该时间段已经过去"),
        (0, 500, CUSTODIAN.subject, "请假最长一年"),
        (0, 3, LI.subject, "请从列表中选择代理人"),
        (0, 3, ZHANG.subject, "请从列表中选择代理人"),
        (0, 3, "person-nobody", "请从列表中选择代理人"),
        (0, 3, "officer-deputy", "请从列表中选择代理人"),
    ],
)
def test_an_absence_that_cannot_be_is_refused_at_its_field(
    zhang: FlaskClient, appliance: Appliance, begins: int, ends: int, deputy: str, sentence: str
) -> None:
    with appliance.database.transaction() as tx:
        if not tx.exists("SELECT 1 FROM people WHERE subject = 'officer-deputy'"):
            officer = replace(ZHANG, subject="officer-deputy", email="officer-deputy@alpha.example")
            people.insert_person(tx, officer, None)
    refused = enter(zhang, appliance, begins=begins, ends=ends, deputy=deputy)
    assert refused.status_code == 422 and sentence in refused.text
    assert appliance.accounts.absences.absence_of(ZHANG.subject) is None
    wrong = post(zhang, "/settings/absence", since="明天", until="", deputy=CUSTODIAN.subject)
    assert wrong.status_code == 422 and "请选择日期" in wrong.text


def test_a_deputy_is_found_by_name_where_the_list_is_long(
    zhang: FlaskClient, deputy: FlaskClient, appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deputy.get("/settings/absence").status_code == 200, "there is a colleague"
    monkeypatch.setattr("appliance.accounts.absences.MOST_DEPUTIES", 0)
    for page in ("/settings/absence", "/settings/hand-over"):
        waits_for_zhang(appliance)
        hidden = f'value="{CUSTODIAN.subject}"'
        shown = zhang.get(page).text
        assert "未列出全部人员" in shown, page
        assert hidden not in shown, page
        monkeypatch.setattr("appliance.accounts.absences.MOST_DEPUTIES", 1)
        found = post(zhang, page, act="search", find=CUSTODIAN.email, since="2030-01-01", reason="调岗").text
        assert hidden in found and ("2030-01-01" in found or "调岗" in found)
        assert hidden not in post(zhang, page, act="search", find="nobody-of-this-name").text
        monkeypatch.setattr("appliance.accounts.absences.MOST_DEPUTIES", 0)
    assert enter(zhang, appliance, deputy=CUSTODIAN.subject).status_code == 303


def test_the_deputy_of_somebody_who_leaves_sees_nothing_more(deputy: FlaskClient, appliance: Appliance) -> None:
    away = newcomer(appliance, name="离职示例")
    open_account(appliance, away.subject, AccountRole.INITIATOR, AccountRole.SIGNER)
    now = appliance.now()
    absences = appliance.accounts.absences
    absences.enter_absence(away.subject, CUSTODIAN.subject, since=now, until=now + timedelta(days=3))
    appliance.drafting.draft(sample_document(1), DraftTerms("离职前的合同", "采购", "请假", away.subject))
    page = f"/deputy/{away.subject}"
    assert "离职前的合同" in deputy.get(page).text
    with appliance.database.transaction() as tx:
        accounts.close_account(tx, away.subject)
    assert deputy.get(page).status_code == 403
    assert away.name not in deputy.get("/settings/absence").text


def test_a_day_that_no_calendar_has_is_said_at_its_field(zhang: FlaskClient) -> None:
    for since, until in (("0001-01-01", "2030-01-01"), ("2030-01-01", "0001-01-01"), ("9999-12-31", "9999-12-31")):
        refused = post(zhang, "/settings/absence", deputy=CUSTODIAN.subject, since=since, until=until)
        assert refused.status_code == 422 and "2026-12-31" in refused.text


def test_everything_open_goes_to_a_colleague_and_what_cannot_go_says_why(
    zhang: FlaskClient, deputy: FlaskClient, appliance: Appliance
) -> None:
    contract = waits_for_zhang(appliance)
    page = "/settings/hand-over"
    assert contract.title in zhang.get(page).text
    nobody = post(zhang, page, to=LI.subject, reason="调岗")
    assert nobody.status_code == 422 and "请从列表中选择同事" in nobody.text
    done = post(zhang, page, to=CUSTODIAN.subject, reason="调岗")
    assert done.status_code == 200 and "已移交" in done.text
    after = contract_now(appliance, contract.id)
    assert (after.initiator, after.parties[0].subject) == (CUSTODIAN.subject, CUSTODIAN.subject)
    assert f"/contracts/{contract.id}" not in zhang.get(page).text
    signer = post(deputy, page, to=ZHANG.subject, reason="归还")
    assert "已移交" in signer.text and contract_now(appliance, contract.id).initiator == ZHANG.subject


def test_a_deputy_takes_over_however_many_colleagues_come_first(
    zhang: FlaskClient, deputy: FlaskClient, appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists of candidates end somewhere; who may act does not depend on where the own name stands in them."""
    monkeypatch.setattr(handing_over, "MOST_CANDIDATES", 0)
    monkeypatch.setattr(handing_over, "MOST_STARTERS", 0)
    contract = waits_for_zhang(appliance)
    assert enter(zhang, appliance, CUSTODIAN.subject).status_code == 303
    page = f"/deputy/{ZHANG.subject}"
    assert deputy.get(page).text.count(f'name="contract" value="{contract.id}"') == 2
    for party in (contract.parties[0].id, ""):
        assert post(deputy, page, contract=contract.id, party=party).status_code == 303
    after = contract_now(appliance, contract.id)
    assert (after.initiator, after.parties[0].subject) == (CUSTODIAN.subject, CUSTODIAN.subject)


def test_everything_is_more_than_one_list_has(
    zhang: FlaskClient, deputy: FlaskClient, appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "MOST_OPEN", 1)
    made = [waits_for_zhang(appliance) for _ in range(2)]
    assert post(zhang, "/settings/hand-over", to=CUSTODIAN.subject, reason="调岗").status_code == 200
    assert {contract_now(appliance, each.id).initiator for each in made} == {CUSTODIAN.subject}
    post(deputy, "/settings/hand-over", to=ZHANG.subject, reason="归还")
