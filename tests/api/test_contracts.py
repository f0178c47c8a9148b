"""A program prepares contracts, and reads what becomes of them."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.acting_client import acting_client
from appliance.demonstration.participants import BETA, CONTRACT_SEAL, CUSTODIAN, LI, ZHANG
from appliance.model.contract import ContractState
from appliance.store import directories, people
from appliance.wiring import Appliance
from tests.api.conftest import program
from tests.api.contracts_made import CONTRACTS, document, draft, drafted, etag, key, sent, with_party
from tests.api.programs import BETAS, ERP, PURCHASE, Programs
from tests.portal.estate import signed
from tests.world import World, contract_now, sample_document, sequenced
from webui.api import openapi

OUTSIDE = {
    "kind": "outside",
    "name": "陈外部",
    "organisation": "丙公司示例有限公司",
    "email": "chen@gamma.example",
    "phone": "+86 138 0000 0001",
}


def test_a_contract_from_its_draft_until_it_is_sent(erp: FlaskClient, appliance: Appliance) -> None:
    made = drafted(erp, amount={"value": "1000.5", "currency": "CNY"}, language="en")
    assert made["state"] == "draft" and made["initiator"]["name"] == ZHANG.name
    assert made["amount"] == {"value": "1000.50", "currency": "CNY"}
    address = f"{CONTRACTS}/{made['id']}"

    person = with_party(erp, made["id"], {"kind": "person", "person": ZHANG.subject})
    seal = with_party(erp, made["id"], {"kind": "seal", "seal": CONTRACT_SEAL.subject, "requester": ZHANG.subject})
    outside = with_party(erp, made["id"], OUTSIDE)
    assert [each.status_code for each in (person, seal, outside)] == [201, 201, 201], outside.text
    assert outside.json["places"] == [] and outside.json["kind"] == "outside"

    refused = erp.post(f"{address}/send", json={})
    assert refused.status_code == 409 and refused.json["code"] == "precondition-refused", refused.text

    now = erp.get(address)
    place = {"page": 2, "x": 10, "y": 20, "width": 30, "height": 8}
    placed = erp.put(
        f"{address}/parties/{outside.json['id']}/places",
        json={"places": [place]},
        headers={"If-Match": now.headers["ETag"]},
    )
    assert placed.status_code == 200, placed.text
    assert placed.json["parties"][2]["places"] == [place]

    answer = erp.post(f"{address}/send")
    assert answer.status_code == 200, answer.text
    assert answer.json["state"] == "sent" and answer.json["number"] == contract_now(appliance, made["id"]).number
    assert [each["on_turn"] for each in answer.json["parties"]] == [True, False, False]
    assert contract_now(appliance, made["id"]).state is ContractState.SENT


def test_a_draft_changes_only_from_the_version_that_was_read(erp: FlaskClient) -> None:
    made = drafted(erp)
    address = f"{CONTRACTS}/{made['id']}"
    assert erp.patch(address, json={"title": "新合同"}).json["code"] == "version-missing"

    changed = erp.patch(
        address,
        json={
            "title": "新合同",
            "order": "parallel",
            "deadline": {"at": "2027-06-01T10:00:00Z", "zone": "UTC"},
        },
        headers=etag(made),
    )
    assert changed.status_code == 200, changed.text
    assert changed.json["title"] == "新合同" and changed.json["kind"] == made["kind"]
    assert changed.json["deadline"] == {"at": "2027-06-01T10:00:00Z", "zone": "UTC"}
    assert changed.headers["ETag"] == f'"{changed.json["version"]}"' != f'"{made["version"]}"'

    stale = erp.patch(address, json={"title": "别的"}, headers=etag(made))
    assert (stale.status_code, stale.json["code"]) == (412, "version-changed")
    assert erp.get(address).json["title"] == "新合同"


def test_the_amount_can_be_taken_away(erp: FlaskClient) -> None:
    made = drafted(erp, amount={"value": "7", "currency": "JPY"})
    changed = erp.patch(f"{CONTRACTS}/{made['id']}", json={"amount": None}, headers=etag(made))
    assert changed.json["amount"] is None


@pytest.mark.parametrize(
    ("amount", "pointer"),
    [
        ({"value": "7.5", "currency": "JPY"}, "/amount/value"),
        ({"value": "99999999999999999", "currency": "CNY"}, "/amount/value"),
        ({"value": "7", "currency": "XXX"}, "/amount/currency"),
        ({"value": "1e3", "currency": "CNY"}, "/amount/value"),
    ],
)
def test_an_amount_has_to_be_one(erp: FlaskClient, amount: dict[str, str], pointer: str) -> None:
    refused = draft(erp, amount=amount)
    assert (refused.status_code, refused.json["pointer"]) == (422, pointer)


def test_a_document_is_replaced_and_read_as_it_is(erp: FlaskClient) -> None:
    made, other = drafted(erp), sample_document(4)
    address = f"{CONTRACTS}/{made['id']}/document"
    assert erp.get(address).data == document()

    put = erp.put(address, data=other, content_type="application/pdf", headers=etag(made))
    assert put.status_code == 200, put.text
    assert put.json["document"]["pages"] == 4
    found = erp.get(address)
    assert (found.data, found.mimetype) == (other, "application/pdf")

    refused = erp.put(address, data=b"no PDF", content_type="application/pdf", headers=etag(put.json))
    assert (refused.status_code, refused.json["code"]) == (422, "document-refused")
    assert refused.json["reason"]


def test_a_party_is_removed(erp: FlaskClient) -> None:
    made = drafted(erp)
    party = with_party(erp, made["id"], {"kind": "person", "person": LI.subject})
    address = f"{CONTRACTS}/{made['id']}/parties/{party.json['id']}"
    removed = erp.delete(address, headers={"If-Match": party.headers["ETag"]})
    assert removed.status_code == 200 and removed.json["parties"] == []
    again = erp.delete(address, headers={"If-Match": removed.headers["ETag"]})
    assert (again.status_code, again.json["code"]) == (404, "not-found")


def test_a_party_of_another_contract_is_not_found(erp: FlaskClient) -> None:
    made, other = drafted(erp), drafted(erp)
    party = with_party(erp, other["id"], {"kind": "person", "person": LI.subject}).json["id"]
    address = f"{CONTRACTS}/{made['id']}/parties/{party}"
    for answer in (
        erp.delete(address, headers=etag(made)),
        erp.put(f"{address}/places", json={"places": []}, headers=etag(made)),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_a_contract_is_extended_and_recalled(erp: FlaskClient, appliance: Appliance) -> None:
    contract = sent(erp)
    address = f"{CONTRACTS}/{contract['id']}"
    later = (appliance.now() + timedelta(days=60)).replace(microsecond=0)
    deadline = {"at": later.isoformat(), "zone": "Asia/Shanghai"}
    extended = erp.post(f"{address}/extend", json={"deadline": deadline})
    assert extended.status_code == 200, extended.text
    earlier = erp.post(f"{address}/extend", json={"deadline": deadline})
    assert (earlier.status_code, earlier.json["code"]) == (422, "invalid-body")
    assert earlier.json["pointer"] == "/deadline/at"

    recalled = erp.post(f"{address}/recall", json={"reason": "价格有误"})
    assert recalled.status_code == 200 and recalled.json["state"] == "recalled"
    assert erp.post(f"{address}/recall", json={"reason": "价格有误"}).json["code"] == "state-refused"


def test_there_is_no_evidence_before_everybody_has_signed(erp: FlaskClient) -> None:
    answer = erp.get(f"{CONTRACTS}/{sent(erp)['id']}/evidence")
    assert answer.status_code == 409, answer.text


def test_what_everybody_has_signed_is_read_with_its_evidence(
    erp: FlaskClient, appliance: Appliance, world: World
) -> None:
    address = f"{CONTRACTS}/{sent(erp)['id']}"
    with sequenced(appliance, world):
        signed_by_zhang = signed(appliance, contract_now(appliance, address.rpartition("/")[2]), 0)
        appliance.finalisation.finalise(signed_by_zhang.id)
        package = erp.get(f"{address}/evidence")
    found = erp.get(address).json
    assert (found["state"], found["parties"][0]["state"]) == ("completed", "signed")
    digest = found["document"]["digest"]
    assert hashlib.sha256(erp.get(f"{address}/document").data).hexdigest() == digest
    assert (package.status_code, package.mimetype) == (200, "application/zip"), package.text
    with ZipFile(io.BytesIO(package.data)) as files:
        assert digest in {hashlib.sha256(files.read(each)).hexdigest() for each in files.namelist()}


def test_lists_begin_with_the_newest_and_go_on(erp: FlaskClient) -> None:
    made = [drafted(erp)["id"] for _ in range(3)]
    first = erp.get(f"{CONTRACTS}?state=draft&limit=2").json
    assert [each["id"] for each in first["contracts"]] == made[:0:-1]
    second = erp.get(f"{CONTRACTS}?state=draft&limit=2&after={first['next']}").json
    assert second["contracts"][0]["id"] == made[0]

    everything, after = [], ""
    while after is not None:
        page = erp.get(CONTRACTS, query_string={"limit": 7, "after": after}).json
        everything += [each["id"] for each in page["contracts"]]
        after = page["next"]
    assert set(made) <= set(everything) and len(everything) == len(set(everything))


def test_a_version_that_the_client_has_is_not_given_again(erp: FlaskClient) -> None:
    made = drafted(erp)
    address, version = f"{CONTRACTS}/{made['id']}", made["version"]
    for named in (f'"{version}"', f'W/"{version}"', f'"0", "{version}"', "*"):
        same = erp.get(address, headers={"If-None-Match": named})
        assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", f'"{version}"'), named
        assert "RateLimit" in same.headers
    for named in (f'"{version + 1}"', '""', str(version) * 2, "朱印".encode().decode("latin-1")):
        assert erp.get(address, headers={"If-None-Match": named}).json["version"] == version
    changed = erp.patch(address, json={"title": "新标题"}, headers={**etag(made), "If-None-Match": "*"})
    assert changed.status_code == 200, "it is for reading"
    assert erp.get(address, headers={"If-None-Match": f'"{version}"'}).json["title"] == "新标题"


def test_what_was_disposed_of_is_in_no_list_and_breaks_none(erp: FlaskClient, appliance: Appliance) -> None:
    gone, there = drafted(erp)["id"], drafted(erp)["id"]
    row: dict[str, object] = {"contract": gone, "reason": "示例", "state": "done", "entry": 0}
    row |= dict.fromkeys(("proposed", "ended"), appliance.now())
    row |= dict.fromkeys(("proposed_by", "ended_by"), ZHANG.subject)
    with appliance.database.transaction() as tx:
        tx.insert("disposals", row)
    answer = erp.get(f"{CONTRACTS}?limit=2")
    assert answer.status_code == 200, answer.text
    listed = [each["id"] for each in answer.json["contracts"]]
    assert there in listed and gone not in listed
    described = json.loads(openapi.document())["paths"]
    for path in ("", "/document", "/evidence", "/seal-requests"):
        alone = erp.get(f"{CONTRACTS}/{gone}{path}")
        assert (alone.status_code, alone.json["code"]) == (409, "state-refused"), "it says when it was"
        assert "409" in described[f"/contracts/{{contract_id}}{path}"]["get"]["responses"]


def test_the_next_page_names_no_place_out_of_reach(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance
) -> None:
    purchase = program(portal, known, PURCHASE)
    older = drafted(purchase)["id"]
    drafted(erp, kind="租赁")
    newer = drafted(purchase)["id"]
    first = purchase.get(f"{CONTRACTS}?limit=1").json
    with appliance.database.reading() as tx:
        number = tx.value(int, "SELECT number FROM contracts WHERE id = ?", (newer,))
    assert [each["id"] for each in first["contracts"]] == [newer] and str(number) not in first["next"][:20]
    second = purchase.get(CONTRACTS, query_string={"limit": 1, "after": first["next"]}).json
    assert [each["id"] for each in second["contracts"]] == [older]


def test_what_changed_last_comes_first(erp: FlaskClient, appliance: Appliance) -> None:
    old = drafted(erp)
    drafted(erp)
    since = (appliance.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = {"changed_since": since, "kind": "采购", "limit": 100}
    assert old["id"] in {each["id"] for each in erp.get(CONTRACTS, query_string=query).json["contracts"]}
    future = (appliance.now() + timedelta(hours=1)).isoformat()
    assert erp.get(CONTRACTS, query_string={"changed_since": future}).json == {"contracts": [], "next": None}
    assert erp.get(CONTRACTS, query_string={"kind": "no such type"}).json["contracts"] == []


def test_a_client_lists_contracts_of_its_organisations_and_types_alone(
    erp: FlaskClient, portal: Flask, known: Programs
) -> None:
    other = drafted(erp, kind="租赁")["id"]
    purchase, beta = program(portal, known, PURCHASE), program(portal, known, BETAS)
    kinds = {each["kind"] for each in purchase.get(f"{CONTRACTS}?limit=100").json["contracts"]}
    assert kinds <= {"采购"}
    assert other in {each["id"] for each in erp.get(f"{CONTRACTS}?limit=100").json["contracts"]}
    assert beta.get(CONTRACTS).json["contracts"] == []


@pytest.mark.parametrize(
    ("client", "changes", "status", "code", "pointer"),
    [
        (ERP, {"initiator": "nobody@alpha.example"}, 422, "unknown-person", "/initiator"),
        (ERP, {"initiator": LI.subject}, 422, "unknown-person", "/initiator"),
        (BETAS, {"initiator": ZHANG.subject}, 422, "unknown-person", "/initiator"),
        (ERP, {"initiator": "person-zhao"}, 422, "cannot-initiate", "/initiator"),
        (PURCHASE, {"kind": "租赁"}, 403, "out-of-reach", "/kind"),
        (PURCHASE, {"kind": ""}, 403, "out-of-reach", "/kind"),
    ],
)
def test_a_client_makes_contracts_within_its_reach(
    portal: Flask, known: Programs, client: str, changes: Any, status: int, code: str, pointer: str
) -> None:
    refused = draft(program(portal, known, client), **changes)
    found = (refused.status_code, refused.json["code"], refused.json["pointer"])
    assert found == (status, code, pointer)


def test_the_initiator_may_be_named_by_subject(portal: Flask, known: Programs) -> None:
    made = drafted(program(portal, known, BETAS), initiator=LI.subject)
    assert made["initiator"] == {"subject": LI.subject, "name": LI.name, "organisation": BETA}


def test_people_who_sign_or_ask_for_a_seal_may_be_named_by_mail_address(erp: FlaskClient) -> None:
    made = drafted(erp)
    by = {"Idempotency-Key": key()}
    person = {"kind": "person", "person": ZHANG.email}
    added = [erp.post(f"{CONTRACTS}/{made['id']}/parties", json=person, headers=by).json for _ in range(2)]
    assert added[0] == added[1] and added[0]["subject"] == ZHANG.subject
    seal = {"kind": "seal", "seal": CONTRACT_SEAL.subject, "requester": ZHANG.email}
    assert with_party(erp, made["id"], seal).json["requester"] == ZHANG.subject
    there = erp.get(f"{CONTRACTS}/{made['id']}").json["parties"]
    assert [each["subject"] for each in there] == [ZHANG.subject, CONTRACT_SEAL.subject]


def test_who_works_for_the_client_is_listed(erp: FlaskClient) -> None:
    first = erp.get("/api/v1/people?limit=1").json
    rest = erp.get("/api/v1/people", query_string={"after": first["next"]}).json
    people = {each["subject"]: each for each in [*first["people"], *rest["people"]]}
    assert people[ZHANG.subject]["can_initiate"] and people[ZHANG.subject]["can_sign"]
    assert LI.subject not in people and not any(each.startswith("officer-") for each in people)
    assert rest["next"] is None


def test_departments_and_managers_of_people_are_given(erp: FlaskClient, appliance: Appliance) -> None:
    def listed() -> dict[str, Any]:
        return next(each for each in erp.get("/api/v1/people").json["people"] if each["subject"] == ZHANG.subject)

    assert listed()["department"] is None and listed()["manager"] is None
    with appliance.database.transaction() as tx:
        people.set_department(tx, ZHANG.subject, "采购部")
        directories.set_manager(tx, ZHANG.subject, CUSTODIAN.subject)
    try:
        assert listed()["department"] == "采购部"
        assert listed()["manager"] == {"subject": CUSTODIAN.subject, "name": CUSTODIAN.name}
        with appliance.database.transaction() as tx:
            directories.set_manager(tx, ZHANG.subject, LI.subject)
        assert listed()["manager"] is None, "of an organisation that is not the client's"
    finally:
        with appliance.database.transaction() as tx:
            people.set_department(tx, ZHANG.subject, "")
            directories.set_manager(tx, ZHANG.subject, None)


def test_the_client_learns_who_it_is(erp: FlaskClient) -> None:
    found = erp.get("/api/v1/client").json
    assert found["id"] == ERP and "contracts:write" in found["scopes"]


def test_nobody_acts_for_a_client_afterwards(erp: FlaskClient) -> None:
    drafted(erp)
    assert acting_client() is None


def test_a_contract_that_is_not_there_is_not_found(erp: FlaskClient) -> None:
    for address in (f"{CONTRACTS}/{'0' * 24}", f"{CONTRACTS}/x/document", f"{CONTRACTS}/{'0' * 24}/evidence"):
        assert (erp.get(address).status_code, erp.get(address).json["code"]) == (404, "not-found")


def test_a_key_is_sent_with_what_makes_something(erp: FlaskClient) -> None:
    made = drafted(erp)
    for address in (CONTRACTS, f"{CONTRACTS}/{made['id']}/parties"):
        body = {"kind": "person", "person": ZHANG.subject} if "parties" in address else None
        refused = erp.post(address, json=body or {"title": "x", "initiator": "person-zhang", "document": ""})
        assert (refused.status_code, refused.json["code"]) == (400, "idempotency-key-missing")
    refused = erp.post(
        f"{CONTRACTS}/{made['id']}/parties",
        json={"kind": "person", "person": ZHANG.subject},
        headers={"Idempotency-Key": "朱印".encode().decode("latin-1")},
    )
    assert refused.json["code"] == "idempotency-key-invalid"
    assert key() != key()


@pytest.mark.parametrize(
    ("member", "value"),
    [("name", "A\u202eB"), ("email", "no-at"), ("phone", "12"), ("zone", "Mars/Olympus"), ("organisation", " ")],
)
def test_what_is_wrong_with_somebody_from_outside_is_pointed_at(erp: FlaskClient, member: str, value: str) -> None:
    outside = {"kind": "outside", "name": "李示例", "email": "li@beta.example", member: value}
    made = drafted(erp)
    refused = with_party(erp, made["id"], outside)
    assert (refused.status_code, refused.json["code"], refused.json["pointer"]) == (
        422,
        "invalid-body",
        f"/{member}",
    ), refused.text
    assert erp.get(f"{CONTRACTS}/{made['id']}").json["parties"] == []
