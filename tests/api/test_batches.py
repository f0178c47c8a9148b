"""A program has a contract made for each row of a list, and reads what becomes of each."""

from __future__ import annotations

import base64
import csv
import io
import json
from datetime import datetime
from typing import Any, get_args

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.demonstration.participants import LI, ZHANG
from appliance.model.mail_merge import FaultMode, MergeStage, RowState
from appliance.model.writing import Template
from appliance.wiring import Appliance
from appliance.workbooks import MOST_ROWS
from tests.api.conftest import program
from tests.api.contracts_made import key
from tests.api.programs import BETAS, ERP, PURCHASE, READER, Programs
from tests.api.templates_made import BATCHES, SELLER, TEMPLATES, batch, create, created, offered, row, seller
from tests.batches.stock import published
from webui.api.batches import ModeWord, RowWord, StageWord
from webui.api.operations import XLSX
from webui.api.request_content import ROOM_FOR_ROWS


@pytest.fixture(scope="module")
def template(appliance: Appliance) -> Template:
    return offered(appliance)


def run(appliance: Appliance) -> None:
    while appliance.merge_rounds.run_round():
        pass


def rows_of(program: FlaskClient, batch_id: str, **asked: Any) -> list[dict[str, Any]]:
    answer = program.get(f"{BATCHES}/{batch_id}/rows", query_string=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.data)["rows"]
    return found


def own(number: int) -> dict[str, Any]:
    """A row that is refused only when it is made: nobody from outside is of the house."""
    return {**row(number), "parties": {SELLER: seller(number, organisation=ZHANG.organisation)}}


def test_a_batch_from_its_fault_to_the_results_of_its_rows(
    erp: FlaskClient, reader: FlaskClient, appliance: Appliance, template: Template
) -> None:
    once, rows = key(), [row(number) for number in range(4)]
    wrong, before = [*rows[:2], row(2, 价格="much"), *rows[3:]], erp.get(BATCHES).json
    refused = create(erp, batch(template, wrong, send=True), once)
    assert (refused.status_code, refused.json["code"]) == (422, "list-refused"), refused.text
    [fault] = refused.json["errors"]
    assert (fault["row"], fault["pointer"], fault["code"]) == (3, "/rows/2/fields/价格", "invalid")
    assert "in digits" in fault["detail"] and refused.json["errors_total"] == 1
    assert erp.get(BATCHES).json == before, "nothing is kept"

    mended = batch(template, [*rows, own(9)], send=True)
    made, again = create(erp, mended, once), create(erp, mended, once)
    assert made.status_code == 201 and again.data == made.data, made.text
    assert again.headers["Idempotency-Replayed"] == "true"
    address = made.headers["Location"]
    assert address == f"{BATCHES}/{made.json['id']}"
    assert made.json["busy"] and made.json["total"] == made.json["counts"]["waiting"] == 5

    run(appliance)
    now = reader.get(address)
    assert now.status_code == 404, "another client's"
    now = erp.get(address).json
    assert now["counts"] | {"sent": 4, "failed": 1} == now["counts"] and not now["busy"]
    first = erp.get(f"{address}/rows", query_string={"limit": 2}).json
    rest = erp.get(f"{address}/rows", query_string={"after": first["next"]}).json
    found = [*first["rows"], *rest["rows"]]
    assert [each["number"] for each in found] == [1, 2, 3, 4, 5] and rest["next"] is None
    assert [each["reference"] for each in found] == ["PO-0", "PO-1", "PO-2", "PO-3", "PO-9"]
    for each in found[:4]:
        contract = erp.get(f"/api/v1/contracts/{each['contract']}").json
        assert (contract["state"], contract["title"]) == ("sent", each["title"])
    [failed] = rows_of(erp, now["id"], state="failed")
    assert failed == found[4] and failed["contract"] is None
    assert failed["problem"]["code"] == "precondition-refused" and "outside" in failed["problem"]["detail"]

    tried = erp.post(f"{address}/retry")
    assert tried.status_code == 200 and tried.json["rows"] == 1 and tried.json["batch"]["busy"], tried.text
    run(appliance)
    assert erp.get(address).json["counts"]["sent"] == 4


def test_drafts_are_sent_when_all_are_there(erp: FlaskClient, appliance: Appliance, template: Template) -> None:
    made = created(erp, batch(template, [row(number) for number in range(2)]))
    address = f"{BATCHES}/{made['id']}"
    early = erp.post(f"{address}/send")
    assert (early.status_code, early.json["code"]) == (409, "state-refused")
    run(appliance)
    assert erp.get(address).json["counts"]["draft"] == 2
    sent = erp.post(f"{address}/send")
    assert sent.status_code == 200 and sent.json["stage"] == "sending", sent.text
    assert erp.post(f"{address}/send").status_code == 200, "once more, it changes nothing"
    run(appliance)
    assert {each["state"] for each in rows_of(erp, made["id"])} == {"sent"}


def test_what_waits_is_cancelled(erp: FlaskClient, appliance: Appliance, template: Template) -> None:
    made = created(erp, batch(template, [row(number) for number in range(3)], send=True))
    cancelled = erp.post(f"{BATCHES}/{made['id']}/cancel")
    assert cancelled.json["rows"] == 3 and not cancelled.json["batch"]["busy"], cancelled.text
    run(appliance)
    assert [(each["state"], each["contract"]) for each in rows_of(erp, made["id"])] == [("cancelled", None)] * 3


def test_another_client_does_not_see_a_batch(
    erp: FlaskClient, portal: Flask, known: Programs, template: Template
) -> None:
    made = created(erp, batch(template, [row(1)]))["id"]
    for client in (PURCHASE, BETAS):
        other = program(portal, known, client)
        assert made not in {each["id"] for each in other.get(BATCHES).json["batches"]}
        for method, what in (("GET", ""), ("GET", "/rows"), ("GET", "/faults"), *WRITES):
            answer = other.open(f"{BATCHES}/{made}{what}", method=method)
            assert (answer.status_code, answer.json["code"]) == (404, "not-found"), what
    assert erp.get(f"{BATCHES}/{made}").json["counts"]["waiting"] == 1
    assert create(program(portal, known, READER), batch(template, [row(1)])).json["code"] == "scope-missing"
    erp.post(f"{BATCHES}/{made}/cancel")


WRITES = (("POST", "/send"), ("POST", "/retry"), ("POST", "/cancel"))


@pytest.mark.parametrize(
    ("client", "initiator", "status", "code"),
    [
        (ERP, "nobody@alpha.example", 422, "unknown-person"),
        (ERP, "person-zhao", 422, "cannot-initiate"),
        (BETAS, LI.email, 404, "not-found"),
        (BETAS, ZHANG.email, 422, "unknown-person"),
    ],
)
def test_a_client_makes_batches_within_its_reach(
    portal: Flask, known: Programs, template: Template, *, client: str, initiator: str, status: int, code: str
) -> None:
    refused = create(program(portal, known, client), batch(template, [row(1)], initiator=initiator))
    assert (refused.status_code, refused.json["code"]) == (status, code), refused.text


def test_three_hundred_rows_with_a_fault_in_each_hundred(erp: FlaskClient, template: Template) -> None:
    rows = [row(number, **({"价格": "?"} if number % 100 == 57 else {})) for number in range(300)]
    refused = create(erp, batch(template, rows))
    assert refused.json["errors_total"] == 3, refused.text
    assert [each["row"] for each in refused.json["errors"]] == [58, 158, 258]

    made = created(erp, batch(template, rows, mode="good-rows"))
    assert (made["total"], made["rejected"]) == (297, 3)
    faults = erp.get(f"{BATCHES}/{made['id']}/faults").json
    assert [each["pointer"] for each in faults["faults"]] == [
        f"/rows/{number}/fields/价格" for number in (57, 157, 257)
    ]
    assert faults["next"] is None
    erp.post(f"{BATCHES}/{made['id']}/cancel")


def test_ten_thousand_rows_fit_and_a_thousand_faults_are_told(erp: FlaskClient, template: Template) -> None:
    rows = [row(number, 价格="?" * 2_000) for number in range(MOST_ROWS)]
    content = json.dumps(batch(template, rows)).encode()
    assert 20 * 1024 * 1024 < len(content) < ROOM_FOR_ROWS
    headers = {"Idempotency-Key": key()}
    refused = erp.post(BATCHES, data=content, content_type="application/json", headers=headers)
    assert (refused.status_code, refused.json["errors_total"]) == (422, MOST_ROWS)
    assert len(refused.json["errors"]) == 1_000


def document(*rows: tuple[str, ...]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows([("Name", "Organisation", "E-mail", "价格", "是否含税", "Reference"), *rows])
    return base64.b64encode(file.getvalue().encode()).decode()


def test_a_batch_may_be_a_document(erp: FlaskClient, appliance: Appliance, template: Template) -> None:
    good = ("钱一", "丙公司", "q@c.example", "5", "yes", "A-1")
    bad = ("钱二", "", "nobody", "5", "", "A-2")
    sent = {"template": template.id, "initiator": ZHANG.subject}
    refused = create(erp, {**sent, "document": document(good, bad)})
    [fault] = refused.json["errors"]
    assert (fault["row"], fault["cell"], fault["pointer"]) == (3, "C3", "/document")
    assert fault["column"] == "E-mail"
    made = created(erp, {**sent, "document": document(good)})
    run(appliance)
    assert [(each["reference"], each["state"]) for each in rows_of(erp, made["id"])] == [("A-1", "draft")]
    for wrong in ({}, {"rows": [row(1)], "document": document(good)}):
        assert create(erp, {**sent, **wrong}).json["code"] == "invalid-body"


def test_the_workbook_of_a_template_is_taken_when_it_is_filled_in(
    erp: FlaskClient, appliance: Appliance, template: Template
) -> None:
    asked, headers = {"initiator": ZHANG.email}, {"Accept-Language": "en"}
    given = erp.get(f"{TEMPLATES}/{template.id}/list.xlsx", query_string=asked, headers=headers)
    assert given.status_code == 200 and given.content_type == XLSX, given.text
    book = openpyxl.load_workbook(io.BytesIO(given.data))
    sheet = book.worksheets[0]
    head = [cell.value for cell in sheet[1]]
    values = {"Name": "钱一", "Organisation": "丙公司", "E-mail": "q@c.example", "价格": 5, "是否含税": "是"}
    assert set(values) <= set(head), head
    sheet.cell(1, len(head) + 1, "Reference")
    for place, heading in enumerate([*head, "Reference"], 1):
        sheet.cell(2, place, {**values, "Reference": "A-1"}.get(heading))
    file = io.BytesIO()
    book.save(file)
    sent = {"template": template.id, **asked, "document": base64.b64encode(file.getvalue()).decode()}
    made = created(erp, sent)
    run(appliance)
    assert [(each["reference"], each["state"]) for each in rows_of(erp, made["id"])] == [("A-1", "draft")]
    other = erp.get(f"{TEMPLATES}/{template.id}/list.xlsx", query_string={"initiator": LI.email})
    assert other.status_code in (404, 422), "another organisation's"


def test_a_template_without_roles_has_a_guest(erp: FlaskClient, appliance: Appliance) -> None:
    guest = {**row(1), "parties": {"guest": seller()}}
    made = created(erp, batch(published(appliance), [guest]))
    run(appliance)
    [found] = rows_of(erp, made["id"])
    contract = erp.get(f"/api/v1/contracts/{found['contract']}").json
    assert [each["name"] for each in contract["parties"]] == [ZHANG.name, "钱1号"]
    nobody = create(erp, batch(published(appliance), [guest], side={"initiator_signs": False}))
    assert (nobody.status_code, nobody.json["pointer"]) == (422, "/side")


def test_batches_are_listed_page_by_page(erp: FlaskClient, template: Template) -> None:
    made = [created(erp, batch(template, [row(number)]))["id"] for number in range(3)]
    for each in made:
        erp.post(f"{BATCHES}/{each}/cancel")
    found: list[dict[str, Any]] = []
    after = ""
    while after is not None:
        page = erp.get(BATCHES, query_string={"limit": 2, "after": after}).json
        assert 1 <= len(page["batches"]) <= 2
        found += page["batches"]
        after = page["next"]
    ids = [each["id"] for each in found]
    assert set(made) <= set(ids) and len(ids) == len(set(ids))
    times = [datetime.fromisoformat(each["created"]) for each in found]
    assert times == sorted(times, reverse=True), "the newest first"
    wrong = erp.get(BATCHES, query_string={"after": "nowhere"})
    assert (wrong.status_code, wrong.json["pointer"]) == (422, "/after")


def test_faults_are_told_in_the_callers_language(erp: FlaskClient, template: Template) -> None:
    sent = batch(template, [row(1), row(1)])
    headers = {"Idempotency-Key": key(), "Accept-Language": "zh"}
    [fault] = erp.post(BATCHES, json=sent, headers=headers).json["errors"]
    assert (fault["code"], fault["pointer"]) == ("repeated", "/rows/1/reference")
    assert "1" in fault["detail"] and not fault["detail"].isascii()


@pytest.mark.parametrize(("words", "model"), [(RowWord, RowState), (StageWord, MergeStage), (ModeWord, FaultMode)])
def test_the_words_of_batches_are_those_of_the_model(words: Any, model: Any) -> None:
    assert set(get_args(words)) == {each.value for each in model}
