"""A program reads the templates that somebody is offered, and drafts contracts from them."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import LI, ZHANG
from appliance.model.contract import ContractState
from appliance.model.template_parties import RoleKind, TemplateParties, TemplateRole
from appliance.model.writing import MergeFieldKind, Template
from appliance.wiring import Appliance
from tests.api.conftest import program
from tests.api.contracts_made import key
from tests.api.programs import BETAS, PURCHASE, READER, Programs
from tests.api.templates_made import SELLER, TEMPLATES, offered, seller
from tests.batches.stock import published
from tests.world import contract_now
from webui.api.templates import FieldKind, RoleWord

ZHANGS = {"initiator": ZHANG.email}
FIELDS = {"价格": "1000000.00", "交货": "2090-12-31", "含税": True}


@pytest.fixture(scope="module")
def template(appliance: Appliance) -> Template:
    return offered(appliance)


def draft(program: FlaskClient, template: Template, *, once: str | None = None, **changes: Any) -> TestResponse:
    sent = {**ZHANGS, "title": "设备采购合同", "fields": FIELDS, "parties": {SELLER: seller()}, **changes}
    address = f"{TEMPLATES}/{template.id}/contracts"
    return program.post(address, json=sent, headers={"Idempotency-Key": once or key()})


def test_a_template_says_what_is_to_be_filled_in(erp: FlaskClient, template: Template) -> None:
    found = erp.get(f"{TEMPLATES}/{template.id}", query_string=ZHANGS)
    assert found.status_code == 200, found.text
    told = found.json
    assert [(each["name"], each["kind"], each["required"]) for each in told["fields"]] == [
        ("价格", "money", True),
        ("交货", "date", False),
        ("含税", "yes-no", True),
    ]
    assert told["fields"][0]["currency"] == "CNY" and told["fields"][1]["currency"] is None
    assert told["fields"][2]["default"] == "yes"
    assert [(each["name"], each["kind"]) for each in told["roles"]] == [("甲方", "sender"), (SELLER, "open")]
    assert told["open_roles"] == [SELLER] and (told["version"], told["order"]) == (2, "sequential")


def test_templates_are_listed_page_by_page(erp: FlaskClient, appliance: Appliance, template: Template) -> None:
    retired = published(appliance)
    appliance.writing.templates.retire(retired.id, by=ZHANG.subject)
    found: list[str] = []
    after = ""
    while after is not None:
        page = erp.get(TEMPLATES, query_string={**ZHANGS, "limit": 1, "after": after}).json
        assert len(page["templates"]) == 1
        found += [each["id"] for each in page["templates"]]
        after = page["next"]
    assert template.id in found and retired.id not in found and len(found) == len(set(found))
    refused = erp.get(f"{TEMPLATES}/{retired.id}", query_string=ZHANGS)
    assert (refused.status_code, refused.json["code"]) == (409, "state-refused")
    wrong = erp.get(TEMPLATES, query_string={**ZHANGS, "after": "nowhere"})
    assert (wrong.status_code, wrong.json["pointer"]) == (422, "/after")
    missing = erp.get(TEMPLATES)
    assert (missing.status_code, missing.json["pointer"]) == (422, "/initiator")


@pytest.mark.parametrize(("client", "initiator"), [(BETAS, LI), (BETAS, ZHANG)])
def test_a_template_of_another_organisation_is_not_there(
    portal: Flask, known: Programs, template: Template, client: str, initiator: Any
) -> None:
    other, asked = program(portal, known, client), {"initiator": initiator.email}
    listed = other.get(TEMPLATES, query_string=asked)
    one = other.get(f"{TEMPLATES}/{template.id}", query_string=asked)
    made = draft(other, template, initiator=initiator.email)
    if initiator is LI:
        assert listed.json["templates"] == []
        assert {(each.status_code, each.json["code"]) for each in (one, made)} == {(404, "not-found")}
    else:
        assert {each.json["code"] for each in (listed, one, made)} == {"unknown-person"}


def test_a_client_sees_templates_of_its_types_alone(
    portal: Flask, known: Programs, appliance: Appliance, template: Template
) -> None:
    name = "client-00000000000000f1"
    known.add(name, kind="租赁")
    other = program(portal, known, name)
    assert other.get(TEMPLATES, query_string=ZHANGS).json["templates"] == []
    assert other.get(f"{TEMPLATES}/{template.id}", query_string=ZHANGS).status_code == 404
    assert draft(other, template).status_code == 404
    assert draft(program(portal, known, PURCHASE), template).status_code == 201


def test_a_contract_has_its_fields_filled_and_its_roles_taken(
    erp: FlaskClient, appliance: Appliance, template: Template
) -> None:
    amount = {"value": "1000000.00", "currency": "CNY"}
    once = key()
    made = draft(erp, template, once=once, amount=amount, version=2)
    assert made.status_code == 201, made.text
    told = made.json
    assert made.headers["Location"] == f"/api/v1/contracts/{told['id']}" and made.headers["ETag"]
    assert (told["kind"], told["title"], told["amount"]) == ("采购", "设备采购合同", amount)
    assert [each["name"] for each in told["parties"]] == [ZHANG.name, "钱1号"]
    contract = contract_now(appliance, told["id"])
    assert contract.state is ContractState.DRAFT and contract.parties[1].places
    again = draft(erp, template, once=once, amount=amount, version=2)
    assert (again.data, again.headers["Idempotency-Replayed"]) == (made.data, "true")
    assert erp.get(f"/api/v1/contracts/{told['id']}").json["id"] == told["id"], "the client made it"


def test_everything_that_is_wrong_is_told_at_once(erp: FlaskClient, template: Template) -> None:
    fields = {"价格": "much", "交货": "2090-12-31", "颜色/~": "red"}
    parties = {SELLER: seller(email=""), "银行": seller()}
    once = key()
    refused = draft(erp, template, once=once, fields=fields, parties=parties)
    assert (refused.status_code, refused.json["code"]) == (422, "fields-refused"), refused.text
    told = {each["pointer"]: each["code"] for each in refused.json["errors"]}
    assert told == {
        "/fields/价格": "invalid",
        "/fields/颜色~1~0": "unknown",
        f"/parties/{SELLER}/email": "missing",
        "/parties/银行": "unknown",
    }
    assert refused.json["errors_total"] == 4
    assert draft(erp, template, once=once).status_code == 201, "mended, with the same key"


def test_an_older_version_is_refused(erp: FlaskClient, template: Template) -> None:
    refused = draft(erp, template, version=1)
    assert (refused.status_code, refused.json["code"]) == (409, "state-refused")


def test_a_template_without_open_roles_names_nobody(erp: FlaskClient, appliance: Appliance) -> None:
    bare = published(appliance)
    assert draft(erp, bare, parties={}).json["parties"] == []
    refused = draft(erp, bare)
    assert [each["pointer"] for each in refused.json["errors"]] == [f"/parties/{SELLER}"]
    roles = TemplateParties(roles=(TemplateRole("甲方", RoleKind.SENDER),))
    own = appliance.writing.templates.keep_parties(bare.id, roles, by=ZHANG.subject, seen=1)
    made = draft(erp, own, parties={})
    assert [each["name"] for each in made.json["parties"]] == [ZHANG.name], made.text


def test_reading_templates_needs_its_scope(portal: Flask, known: Programs) -> None:
    refused = program(portal, known, READER).get(TEMPLATES, query_string=ZHANGS)
    assert (refused.status_code, refused.json["code"]) == (403, "scope-missing")


@pytest.mark.parametrize(("words", "model"), [(FieldKind, MergeFieldKind), (RoleWord, RoleKind)])
def test_the_words_of_templates_are_those_of_the_model(words: Any, model: Any) -> None:
    assert set(get_args(words)) == {each.value for each in model}
