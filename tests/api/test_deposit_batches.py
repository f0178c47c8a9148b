"""A program deposits many digests at once: checked whole, made one by one, and each read by its row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import CUSTODIAN, LI, ZHANG
from appliance.language import Language
from appliance.model.accounts import AccountState
from appliance.model.deposits import BatchedState
from appliance.ownership.batches import MOST_QUEUED
from appliance.ownership.orders import MOST_AT_ONCE
from appliance.store import accounts
from appliance.store.database import Transaction
from appliance.verification import Indication
from appliance.wiring import Appliance
from tests.api.conftest import program
from tests.api.contracts_made import key
from tests.api.programs import BETAS, ERP, Programs
from tests.api.test_deposits import DECLARED, DEPOSITS, NOBODY
from tests.portal import visitors
from webui.api.deposit_batches import BatchedWord

BATCHES = "/api/v1/deposit-batches"


@pytest.fixture(scope="module", autouse=True)
def colleague(portal: Flask, appliance: Appliance) -> None:
    """Whoever declares has an account."""
    visitors.signed_in(portal, appliance, CUSTODIAN.subject)


@pytest.fixture(autouse=True)
def nothing_waits(appliance: Appliance) -> Iterator[None]:
    """What a test leaves waiting holds up no other."""
    yield
    while appliance.deposit_batches.run_round():
        pass


def row(content: bytes, **changed: Any) -> dict[str, Any]:
    file = {"sha256": hashlib.sha256(content).hexdigest(), "name": f"目录/{content.decode()}.jpg"}
    return {
        "file": file,
        "kind": "photograph",
        "creation": "original",
        "holder": {"kind": "depositor"},
        "completed": "2026-11-01",
        **changed,
    }


def order(*rows: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {"depositor": ZHANG.email, "declaration": DECLARED, "rows": list(rows), **changed}


def post(client: FlaskClient, body: dict[str, Any], once: str = "") -> TestResponse:
    return client.post(BATCHES, json=body, headers={"Idempotency-Key": once or key()})


def created(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = post(client, body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    assert answer.headers["Location"] == f"{BATCHES}/{found['id']}"
    return found


def rows_of(client: FlaskClient, batch: str, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{BATCHES}/{batch}/rows", query_string=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["rows"]
    return found


def test_each_row_becomes_a_deposit_with_a_certificate_and_people_are_told_once(
    erp: FlaskClient, appliance: Appliance, portal: Flask
) -> None:
    body = order(row(b"batch one"), row(b"batch two", title="第二幅", description="说明"), row(b"batch three"))
    found = created(erp, body)
    assert (found["depositor"], found["total"], found["busy"]) == (ZHANG.subject, 3, True)
    assert found["declaration"]["by"] == CUSTODIAN.subject
    assert {each["state"] for each in rows_of(erp, found["id"])} == {"waiting"}
    appliance.deposit_batches.run_round()
    done = erp.get(f"{BATCHES}/{found['id']}").json
    assert (done["busy"], done["counts"]) == (False, {"waiting": 0, "made": 3, "failed": 0})
    rows = rows_of(erp, found["id"])
    assert [each["title"] for each in rows] == ["batch one.jpg", "第二幅", "batch three.jpg"]
    assert [each["file"]["sha256"] for each in rows] == [each["file"]["sha256"] for each in body["rows"]]
    deposits = [erp.get(f"{DEPOSITS}/{each['deposit']}").json for each in rows]
    assert [each["digest"] for each in deposits] == [each["file"]["sha256"] for each in rows]
    assert all(each["declaration"]["by"] == CUSTODIAN.subject for each in deposits)
    assert appliance.ownership.get(deposits[0]["id"], by=ZHANG.subject).client == ERP
    certificate = erp.get(f"{DEPOSITS}/{deposits[1]['id']}/certificate").data
    assert appliance.verifier.verify_pdf(certificate).indication is Indication.PASSED
    for person in (ZHANG, CUSTODIAN):
        titles = [each.title for each in appliance.reminders.inbox.list_entries(person.subject, Language.CHINESE)]
        assert titles[0] == "程序已提交一批存证，所附声明署您的姓名"
        assert "第二幅" not in "".join(titles)
        page = visitors.signed_in(portal, appliance, person.subject).get(f"/ownership/batches/{found['id']}")
        assert "提交程序" in page.text and "第二幅" in page.text


def test_every_fault_is_told_with_its_row_and_nothing_is_kept(erp: FlaskClient, appliance: Appliance) -> None:
    before = erp.get(BATCHES).json["batches"]
    wrong = order(
        row(b"good"),
        row(b"good"),
        row(b"no holder", holder={"kind": "organisation"}),
        row(b"later", completed="9999-12-31"),
        row(b"blank", title=" \u2003"),
        row(b"follows nothing", predecessor=NOBODY),
        row(b"sized", title="无", file={"sha256": "0" * 64, "size": 0}),
        row(b"nameless", file={"sha256": "1" * 64}),
    )
    refused = post(erp, wrong)
    assert (refused.status_code, refused.json["code"]) == (422, "list-refused"), refused.text
    told = [(each["row"], each["pointer"], each["code"]) for each in refused.json["errors"]]
    assert told == [
        (2, "/rows/1/file", "repeated"),
        (3, "/rows/2/holder", "invalid"),
        (4, "/rows/3/completed", "invalid"),
        (5, "/rows/4/title", "invalid"),
        (6, "/rows/5/predecessor", "invalid"),
        (7, "/rows/6/file", "invalid"),
        (8, "/rows/7/title", "invalid"),
    ]
    assert refused.json["errors_total"] == len(told)
    assert erp.get(BATCHES).json["batches"] == before
    assert appliance.ownership.of_digest(wrong["rows"][0]["file"]["sha256"]) == []


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"rows": []}, "/rows"),
        ({"rows": [row(b"many")] * (MOST_AT_ONCE + 1)}, "/rows"),
        ({"rows": [row(b"wrong", file={"sha256": "0" * 63})]}, "/rows/0/file/sha256"),
        ({"rows": [row(b"wrong", kind="nothing")]}, "/rows/0/kind"),
        ({"declaration": DECLARED | {"version": "0"}}, "/declaration/version"),
        ({"declaration": DECLARED | {"by": LI.email}}, "/declaration/by"),
        ({"declaration": DECLARED | {"obtained": "9999-12-31"}}, "/declaration/obtained"),
        ({"depositor": LI.email}, "/depositor"),
    ],
)
def test_what_does_not_fit_is_pointed_at(erp: FlaskClient, changed: dict[str, Any], pointer: str) -> None:
    answer = post(erp, order(row(b"never made")) | changed)
    assert (answer.status_code, answer.json["pointer"]) == (422, pointer), answer.text


def test_the_same_key_makes_one_batch(erp: FlaskClient, appliance: Appliance) -> None:
    body, once = order(row(b"once")), key()
    first, again = post(erp, body, once), post(erp, body, once)
    assert again.json == first.json and again.headers["Idempotency-Replayed"] == "true"
    appliance.deposit_batches.run_round()
    [deposit] = [each["deposit"] for each in rows_of(erp, first.json["id"])]
    other = created(erp, body)
    appliance.deposit_batches.run_round()
    assert [each["deposit"] for each in rows_of(erp, other["id"])] == [deposit]


def test_what_came_between_is_told_with_its_code_and_tried_again(erp: FlaskClient, appliance: Appliance) -> None:
    first, second = (created(erp, order(row(b"between", title=title), row(title.encode()))) for title in "甲乙")
    appliance.deposit_batches.run_round()
    assert erp.get(f"{BATCHES}/{first['id']}").json["counts"]["made"] == 2
    [failed] = rows_of(erp, second["id"], state="failed")
    assert (failed["number"], failed["deposit"]) == (1, None)
    assert failed["problem"]["code"] == "precondition-refused" and failed["problem"]["detail"]
    tried = erp.post(f"{BATCHES}/{second['id']}/retry")
    assert (tried.status_code, tried.json["rows"], tried.json["batch"]["busy"]) == (200, 1, True)
    appliance.deposit_batches.run_round()
    assert erp.get(f"{BATCHES}/{second['id']}").json["counts"] == {"waiting": 0, "made": 1, "failed": 1}
    assert len(rows_of(erp, second["id"], state="made")) == 1


def test_a_client_that_has_many_waiting_is_asked_to_come_later(erp: FlaskClient, appliance: Appliance) -> None:
    for number in range(MOST_QUEUED):
        created(erp, order(row(b"queued %d" % number)))
    refused = post(erp, order(row(b"one more")))
    assert (refused.status_code, refused.json["code"]) == (409, "state-refused"), refused.text
    assert str(MOST_QUEUED) in refused.json["detail"]
    appliance.deposit_batches.run_round()
    assert created(erp, order(row(b"one more")))["busy"]


def test_batches_that_rest_keep_no_others_out(erp: FlaskClient, appliance: Appliance) -> None:
    """Of somebody whose account was closed meanwhile: they may wait for good."""
    for number in range(MOST_QUEUED):
        created(erp, order(row(b"resting %d" % number)))
    before = appliance.database.query(accounts.find_account, ZHANG.subject)
    if before is None:
        now = appliance.now()
        appliance.database.commit(accounts.insert_account, ZHANG.subject, "zhang", handle=bytes(16), now=now)
    appliance.database.commit(accounts.set_state, ZHANG.subject, AccountState.SUSPENDED)
    try:
        assert created(erp, order(row(b"of a colleague"), depositor=CUSTODIAN.subject))["busy"]
    finally:
        state = AccountState.INVITED if before is None else before.state
        appliance.database.commit(accounts.set_state, ZHANG.subject, state)


def test_batches_are_the_clients_own_page_by_page(erp: FlaskClient, portal: Flask, known: Programs) -> None:
    made = [created(erp, order(row(b"page %d" % number)))["id"] for number in range(3)]
    found, after = [], ""
    while True:
        page = erp.get(f"{BATCHES}?limit=2&after={after}").json
        found += [each["id"] for each in page["batches"]]
        after = page["next"]
        if after is None:
            break
    assert found[:3] == made[::-1] and len(set(found)) == len(found)
    beta = program(portal, known, BETAS)
    assert beta.get(BATCHES).json == {"batches": [], "next": None}
    for path in (f"/{made[0]}", f"/{made[0]}/rows"):
        assert beta.get(f"{BATCHES}{path}").status_code == 404
    assert beta.post(f"{BATCHES}/{made[0]}/retry").status_code == 404
    wrong = beta.get(f"{BATCHES}?after={made[0]}")
    assert (wrong.status_code, wrong.json["pointer"]) == (422, "/after")


def test_rows_are_read_page_by_page(erp: FlaskClient) -> None:
    made = created(erp, order(*(row(b"rows %d" % number) for number in range(5))))
    found, after = [], 0
    while after is not None:
        page = erp.get(f"{BATCHES}/{made['id']}/rows?limit=2&after={after}").json
        found += [each["number"] for each in page["rows"]]
        after = page["next"]
    assert found == [1, 2, 3, 4, 5]


def test_a_batch_rests_while_its_client_is_suspended(
    erp: FlaskClient, appliance: Appliance, known: Programs
) -> None:
    made = created(erp, order(row(b"suspended")))
    known.register.suspend(ERP, by="root")
    assert appliance.deposit_batches.run_round() == 0
    known.register.resume(ERP, by="root")
    assert appliance.deposit_batches.run_round() == 1
    assert program_again(erp, known).get(f"{BATCHES}/{made['id']}").json["counts"]["made"] == 1


def program_again(client: FlaskClient, known: Programs) -> FlaskClient:
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {known.token(ERP)}"
    return client


def test_whoever_went_to_another_organisation_gets_no_deposit(erp: FlaskClient, appliance: Appliance) -> None:
    made = created(erp, order(row(b"moved")))

    def move(tx: Transaction, organisation: str) -> None:
        tx.update("people", {"organisation": organisation}, subject=ZHANG.subject)

    with appliance.database.transaction() as tx:
        move(tx, LI.organisation)
    appliance.deposit_batches.run_round()
    with appliance.database.transaction() as tx:
        move(tx, ZHANG.organisation)
    [failed] = rows_of(erp, made["id"])
    assert failed["state"] == "failed" and ZHANG.name in failed["problem"]["detail"]


def test_the_words_of_rows_are_those_of_the_model() -> None:
    assert set(BatchedWord.__args__) == {each.value for each in BatchedState}  # type: ignore[attr-defined]
