"""A program reads requests for seals, powers of attorney and identity checks within its reach, and proposes what
people confirm or sign."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.acting_client import acting_for
from appliance.demonstration.participants import ALPHA, BETA, CONTRACT_SEAL, CUSTODIAN, LI, ZHANG
from appliance.errors import NotFound, PreconditionRefused
from appliance.identity import IdentityCheck
from appliance.language import chinese_messages
from appliance.model.api_clients import Scope
from appliance.model.contract import ContractState
from appliance.model.people import Against, IdentityDocument, UseFilter
from appliance.model.powers import PowerBasis, PowerScope
from appliance.powers.register import PowerDraft
from appliance.wiring import Appliance
from tests.api.conftest import program
from tests.api.contracts_made import CONTRACTS, document, drafted, etag, key, sent, with_party
from tests.api.programs import BETAS, ERP, PURCHASE, Programs
from tests.appliance.contracts import seal_asking
from tests.portal.estate import signed
from tests.world import OFFICER, World, confirm_power, contract_now, know_officer, sequenced
from webui.api.refusals import POINTERS

POWERS, USES = "/api/v1/powers", "/api/v1/seal-uses"
NOBODY = "0" * 24


def post(program: FlaskClient, address: str, body: dict[str, Any], **headers: str) -> TestResponse:
    return program.post(address, json=body, headers={"Idempotency-Key": key(), **headers})


def sealed(erp: FlaskClient, appliance: Appliance, **changes: Any) -> str:
    """A contract of the program on which Zhang has asked for the seal of Alpha."""
    made = drafted(erp, **changes)["id"]
    seal = {"kind": "seal", "seal": CONTRACT_SEAL.subject, "requester": ZHANG.subject}
    assert with_party(erp, made, seal).status_code == 201
    assert post(erp, f"{CONTRACTS}/{made}/send", {}).status_code == 200
    seal_asking.ask_for(appliance, contract_now(appliance, made), 0)
    return str(made)


def completed(erp: FlaskClient, appliance: Appliance, world: World) -> dict[str, Any]:
    made = sent(erp)["id"]
    with sequenced(appliance, world):
        appliance.finalisation.finalise(signed(appliance, contract_now(appliance, made), 0).id)
    found: dict[str, Any] = erp.get(f"{CONTRACTS}/{made}").json
    return found


def missing(answer: TestResponse) -> None:
    assert (answer.status_code, answer.json["code"]) == (404, "not-found"), answer.text


NOBODY_THERE = "unknown-person"


def refused_at(answer: TestResponse, pointer: str, code: str = "invalid-body") -> None:
    found = answer.status_code, answer.json["code"], answer.json.get("pointer")
    assert found == (422, code, pointer), answer.text


def test_a_request_for_a_seal_is_read_until_the_seal_is_used(erp: FlaskClient, appliance: Appliance) -> None:
    made = sealed(erp, appliance)
    [asked] = erp.get(f"{CONTRACTS}/{made}/seal-requests").json["seal_requests"]
    assert (asked["state"], asked["seal"], asked["requester"]) == ("waiting", CONTRACT_SEAL.subject, ZHANG.subject)
    assert asked["party"] == contract_now(appliance, made).parties[0].id and asked["approved_by"] == []
    assert erp.get(f"{USES}?state=waiting&limit=1").json["seal_uses"][0]["request"] == asked["id"]

    seal_asking.approve(appliance, appliance.seal_requests.get(asked["id"]))
    [used] = erp.get(f"{CONTRACTS}/{made}/seal-requests").json["seal_requests"]
    assert (used["state"], used["approved_by"]) == ("used", [CUSTODIAN.subject])
    line = erp.get(f"{USES}?state=used&limit=1").json["seal_uses"][0]
    assert (line["contract"], line["requester"], line["custodians"]) == (made, ZHANG.name, [CUSTODIAN.name])


def test_recalling_a_contract_ends_its_requests(erp: FlaskClient, appliance: Appliance) -> None:
    made = sealed(erp, appliance)
    assert post(erp, f"{CONTRACTS}/{made}/recall", {"reason": "价格有误"}).status_code == 200
    appliance.seal_requests.sweep()
    address = f"{CONTRACTS}/{made}/seal-requests"
    [ended] = erp.get(address).json["seal_requests"]
    assert (ended["state"], ended["answer"]) == ("lapsed", "The contract ended before the seal was used.")
    assert "合同" in erp.get(address, headers={"Accept-Language": "zh"}).json["seal_requests"][0]["answer"]


def test_no_client_takes_a_request_back(appliance: Appliance, erp: FlaskClient, known: Programs) -> None:
    [asked] = erp.get(f"{CONTRACTS}/{sealed(erp, appliance)}/seal-requests").json["seal_requests"]
    with acting_for(known.register.find(ERP).reach), pytest.raises(PreconditionRefused):
        appliance.seal_requests.withdraw(asked["id"], by=ZHANG.subject)
    assert appliance.seal_requests.get(asked["id"]).state == "waiting"


def test_the_register_of_uses_has_what_is_within_reach(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance
) -> None:
    made = [sealed(erp, appliance, kind=kind) for kind in ("采购", "租赁", "采购")]
    purchase, beta = program(portal, known, PURCHASE), program(portal, known, BETAS)
    found, after = [], ""
    while after is not None:
        page = purchase.get(USES, query_string={"limit": 1, "after": after}).json
        assert len(page["seal_uses"]) <= 1
        found += [each["contract"] for each in page["seal_uses"]]
        after = page["next"]
    assert found[:2] == [made[2], made[0]] and made[1] not in found
    assert made[1] in {each["contract"] for each in erp.get(f"{USES}?limit=100").json["seal_uses"]}
    assert beta.get(USES).json == {"seal_uses": [], "next": None}
    missing(purchase.get(f"{CONTRACTS}/{made[1]}/seal-requests"))
    missing(beta.get(f"{CONTRACTS}/{made[0]}/seal-requests"))
    assert set(found) < {each.contract for each in appliance.seal_uses.page(UseFilter()).uses}


def test_a_place_in_a_list_is_good_for_its_client_and_list_alone(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance
) -> None:
    sealed(erp, appliance), sealed(erp, appliance)
    uses, contracts = (erp.get(f"{each}?limit=1").json["next"] for each in (USES, CONTRACTS))
    with appliance.database.reading() as tx:
        last = tx.value(int, "SELECT max(number) FROM contracts") or 0
    for list_of, place in ((USES, uses), (CONTRACTS, contracts)):
        same = erp.get(f"{list_of}?limit=1").json["next"]
        assert same != place and len(same) == len(place), "nobody can tell what lies behind it"
    assert erp.get(f"{USES}?limit=1&after={uses}").status_code == 200
    purchase = program(portal, known, PURCHASE)
    for who, address in (
        (purchase, f"{USES}?after={uses}"),
        (purchase, f"{CONTRACTS}?after={contracts}"),
        (erp, f"{USES}?after={contracts}"),
        (erp, f"{CONTRACTS}?after={uses}"),
        (erp, f"{CONTRACTS}?after={contracts[:-4]}AAAA"),
        (erp, f"{CONTRACTS}?after=~{last}"),
        (erp, f"{CONTRACTS}?after=%E6%9C%B1"),
    ):
        answer = who.get(address)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid-parameter"), address
        assert answer.json["pointer"] == "/after"


def power(**changes: Any) -> dict[str, Any]:
    """What a program sends for a power of Li, by a letter of Beta."""
    now = datetime.now(UTC).replace(microsecond=0)
    return {
        "initiator": ZHANG.email,
        "basis": "letter",
        "grantor": BETA,
        "principal": "李样本",
        "agent": LI.subject,
        "since": now.isoformat(),
        "until": (now + timedelta(days=90)).isoformat(),
        "kinds": ["采购"],
        "limit": {"value": "1000000.00", "currency": "CNY"},
        "document": base64.b64encode(document()).decode(),
        **changes,
    }


def test_a_power_is_registered_and_counts_once_officers_confirm_it(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance
) -> None:
    answer = post(erp, POWERS, power())
    assert answer.status_code == 201, answer.text
    made = answer.json
    address = f"{POWERS}/{made['id']}"
    assert answer.headers["Location"] == address and made["state"] == "registered"
    assert (made["registered"]["by"], made["verified"], made["limit"]["value"]) == (
        ZHANG.subject,
        None,
        "1000000.00",
    )
    assert erp.get(f"{address}/letter").data == document()
    confirm_power(appliance, made["id"])
    assert erp.get(address).json["state"] == "verified"
    assert made["id"] in ids(erp)

    post(erp, POWERS, power())
    found, after = [], ""
    while after is not None:
        page = erp.get(f"{POWERS}?limit=1&after={after}").json
        found += [each["id"] for each in page["powers"]]
        after = page["next"]
    assert len(found) == len(set(found)) and set(found) == ids(erp)
    beta = program(portal, known, BETAS)
    missing(beta.get(address)), missing(beta.get(f"{address}/letter"))
    assert beta.get(POWERS).json == {"powers": [], "next": None}
    assert beta.get(f"{POWERS}?after={made['id']}").json["pointer"] == "/after"


def test_a_power_is_registered_once(erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    body, chosen = power(), {"Idempotency-Key": key()}
    first = erp.post(POWERS, json=body, headers=chosen)
    again = erp.post(POWERS, json=body, headers=chosen)
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")

    def lost(_power_id: str) -> None:
        raise OSError("the answer was lost")

    body, chosen, before = power(), {"Idempotency-Key": key()}, ids(erp)
    with monkeypatch.context() as patched:
        patched.setattr("webui.api.powers._registered", lost)
        assert erp.post(POWERS, json=body, headers=chosen).status_code == 500
    there = ids(erp)
    repeated = erp.post(POWERS, json=body, headers=chosen)
    assert repeated.status_code == 201 and repeated.json["id"] in there - before
    assert ids(erp) == there


def ids(erp: FlaskClient) -> set[str]:
    return {each["id"] for each in erp.get(f"{POWERS}?limit=100").json["powers"]}


def test_no_client_answers_for_a_power(erp: FlaskClient, appliance: Appliance, known: Programs) -> None:
    made, now = post(erp, POWERS, power()).json["id"], appliance.now()
    scope, until = PowerScope(), now + timedelta(days=9)
    draft = PowerDraft(PowerBasis.INSTRUMENT, BETA, "李样本", LI.subject, scope, now, until)
    with acting_for(known.register.find(ERP).reach):
        for end in (appliance.powers.refuse, appliance.powers.revoke):
            with pytest.raises(PreconditionRefused, match="people do it themselves"):
                end(made, reason="示例", by=CUSTODIAN.subject)
    with (
        acting_for(known.register.find(BETAS).reach),
        pytest.raises(PreconditionRefused, match="is not one of them"),
    ):
        appliance.powers.register(draft, document(), by=ZHANG.subject)
    assert erp.get(f"{POWERS}/{made}").json["state"] == "registered"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"agent": OFFICER}, "/agent"),
        ({"until": "2020-01-01T00:00:00Z"}, "/until"),
        ({"until": "2190-01-01T00:00:00Z"}, "/until"),
        ({"seals": ["seal-nobody"]}, "/seals"),
        ({"seals": [CONTRACT_SEAL.subject]}, "/seals"),
        ({"document": ""}, "/document"),
        ({"basis": "contract"}, "/contract"),
        ({"basis": "contract", "contract": NOBODY}, "/contract"),
        ({"grantor": " "}, "/grantor"),
        ({"limit": {"value": "1.001", "currency": "CNY"}}, "/limit/value"),
        ({"kinds": ["采购"] * 51}, "/kinds"),
        ({"kinds": [" "]}, "/kinds/0"),
        ({"counterparties": ["甲公司示例有限公司", "\u3000"]}, "/counterparties/1"),
    ],
)
def test_what_no_power_says(erp: FlaskClient, appliance: Appliance, changes: dict[str, Any], pointer: str) -> None:
    know_officer(appliance)
    refused_at(post(erp, POWERS, power(**changes)), pointer)


@pytest.mark.parametrize("agent", ["person-nobody", "nobody@gamma.example"])
def test_a_power_for_nobody(erp: FlaskClient, agent: str) -> None:
    refused_at(post(erp, POWERS, power(agent=agent)), "/agent", NOBODY_THERE)


def test_an_agent_may_be_named_by_mail_address(erp: FlaskClient) -> None:
    assert post(erp, POWERS, power(agent=ZHANG.email)).json["agent"] == ZHANG.subject


def test_a_contract_out_of_reach_is_no_letter(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance, world: World
) -> None:
    made = completed(erp, appliance, world)["id"]
    body = power(basis="contract", contract=made, grantor=ALPHA, principal=ZHANG.name, document="")
    beta = program(portal, known, BETAS)
    refused_at(post(beta, POWERS, {**body, "initiator": LI.email}), "/contract")
    now = appliance.now()
    instrument, until = PowerBasis.CONTRACT, now + timedelta(days=9)
    draft = PowerDraft(instrument, ALPHA, ZHANG.name, LI.subject, PowerScope(), now, until, contract=made)
    with pytest.raises(NotFound):  # nor for people of another organisation, who would read it with the power
        appliance.powers.register(draft, None, by=LI.subject)
    answer = post(erp, POWERS, body)
    assert (answer.status_code, answer.json["contract"]) == (201, made), answer.text
    letter = f"{POWERS}/{answer.json['id']}/letter"
    assert erp.get(letter).data == erp.get(f"{CONTRACTS}/{made}/document").data
    leasing = known.add("client-00000000000000c1", kind="租赁").id
    missing(program(portal, known, leasing).get(letter))


def test_identity_checks_of_who_signs(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance
) -> None:
    made = drafted(erp)["id"]
    own = with_party(erp, made, {"kind": "person", "person": ZHANG.subject}).json["id"]
    theirs = with_party(erp, made, {"kind": "person", "person": LI.subject}).json["id"]
    for person in (ZHANG, LI):
        given = IdentityCheck(
            IdentityDocument.PASSPORT, "E12345678", Against.ORIGINAL, answers=CUSTODIAN.subject, note="内部"
        )
        appliance.identity.record(person.subject, given, by=CUSTODIAN.subject)
    found = erp.get(f"{CONTRACTS}/{made}/parties/{own}/identity")
    assert found.status_code == 200 and "内部" not in found.text, found.text
    check = found.json["checks"][0]
    assert (found.json["person"], check["ending"], check["good"]) == (ZHANG.subject, "5678", True)
    assert "E12345678" not in found.text and check["checked_by"] == CUSTODIAN.subject
    other = erp.get(f"{CONTRACTS}/{made}/parties/{theirs}/identity").json
    assert other == {"person": LI.subject, "checks": [], "rests_on": None}, "not of the client's organisations"

    assert post(erp, f"{CONTRACTS}/{made}/send", {}).status_code == 200
    contract = contract_now(appliance, made)
    for position in range(2):
        contract = signed(appliance, contract, position)
    for party in (own, theirs):
        resting = erp.get(f"{CONTRACTS}/{made}/parties/{party}/identity").json
        assert resting["rests_on"] == resting["checks"][0]["id"], "by then the signature names it"
    missing(erp.get(f"{CONTRACTS}/{made}/parties/{NOBODY}/identity"))
    missing(program(portal, known, BETAS).get(f"{CONTRACTS}/{made}/parties/{own}/identity"))


def test_a_program_proposes_to_void_and_people_declare(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance, world: World
) -> None:
    made = completed(erp, appliance, world)
    address, reason = f"{CONTRACTS}/{made['id']}/void", {"reason": "双方同意不再履行"}
    assert made["voiding"] is None
    missing(post(program(portal, known, BETAS), address, reason))
    other = post(program(portal, known, PURCHASE), address, reason)
    assert (other.status_code, other.json["code"]) == (409, "precondition-refused"), "another client made it"
    refused_at(post(erp, address, {"reason": " "}), "/reason")
    stale = post(erp, address, reason, **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json["code"]) == (412, "version-changed")

    proposed = post(erp, address, reason, **etag(made))
    assert proposed.status_code == 200, proposed.text
    assert proposed.json["state"] == "completed" and proposed.json["voiding"]["declared"] == []
    assert proposed.json["voiding"]["reason"] == reason["reason"]
    again = post(erp, address, reason)
    assert (again.status_code, again.json["code"]) == (409, "state-refused")

    with acting_for(known.register.find(ERP).reach):
        for act in (appliance.voiding.prepare, lambda *a, **k: appliance.voiding.refuse(*a, reason="示例", **k)):
            with pytest.raises(PreconditionRefused, match="declare void themselves"):
                act(made["id"], by=ZHANG.subject)
    declaration = appliance.voiding.prepare(made["id"], by=ZHANG.subject)
    seal_asking.confirm_by(appliance, ZHANG.subject, declaration.intent)
    with sequenced(appliance, world):
        assert appliance.voiding.declare(made["id"], declaration.id).state is ContractState.VOIDED
    assert erp.get(f"{CONTRACTS}/{made['id']}").json["state"] == "voided"


def test_only_what_is_completed_is_voided_or_amended(erp: FlaskClient) -> None:
    made = sent(erp)["id"]
    for what, body in (
        ("void", {"reason": "示例"}),
        ("amendments", {"kind": "termination", "effective": "2026-12-31"}),
    ):
        answer = post(erp, f"{CONTRACTS}/{made}/{what}", body)
        assert (answer.status_code, answer.json["code"]) == (409, "state-refused"), answer.text


def test_an_agreement_that_changes_a_contract_is_drafted_and_people_sign(
    erp: FlaskClient, portal: Flask, known: Programs, appliance: Appliance, world: World
) -> None:
    made = completed(erp, appliance, world)["id"]
    address, day = f"{CONTRACTS}/{made}/amendments", appliance.now().date().isoformat()
    supplement = {"kind": "supplement", "effective": day, "content": "交货期延长一个月。"}
    missing(post(program(portal, known, BETAS), address, supplement))
    refused_at(post(erp, address, {**supplement, "content": " "}), "/content")
    refused_at(post(erp, address, {**supplement, "effective": "2090-01-01"}), "/effective")
    refused_at(post(erp, address, {"kind": "termination", "effective": day, "settlement": " "}), "/settlement")

    headers = {"Idempotency-Key": key()}
    drafted_here = erp.post(address, json=supplement, headers=headers)
    assert drafted_here.status_code == 201, drafted_here.text
    draft = drafted_here.json
    assert draft["state"] == "draft" and drafted_here.headers["Location"] == f"{CONTRACTS}/{draft['id']}"
    assert [each["subject"] for each in draft["parties"]] == [ZHANG.subject]
    assert erp.post(address, json=supplement, headers=headers).json["id"] == draft["id"]

    uploaded = {"kind": "termination", "effective": day, "title": "解除协议", "document": power()["document"]}
    other = post(erp, address, uploaded)
    assert (other.status_code, other.json["title"]) == (201, "解除协议"), other.text
    assert erp.get(f"{CONTRACTS}/{other.json['id']}/document").data == document()

    agreement = post(erp, f"{CONTRACTS}/{draft['id']}/send", {}).json
    with sequenced(appliance, world):
        appliance.finalisation.finalise(signed(appliance, contract_now(appliance, agreement["id"]), 0).id)
    earlier = contract_now(appliance, made)
    by = appliance.contracts.read_contract
    assert earlier.state is ContractState.COMPLETED and by(made, ZHANG.subject).version == earlier.version
    with appliance.database.reading() as tx:
        kinds = tx.column(str, "SELECT kind FROM amendments_in_force WHERE earlier = ?", (made,))
    assert kinds == ["supplement"]


READING = (
    ("GET", f"{CONTRACTS}/{NOBODY}/seal-requests", Scope.SEALS_READ),
    ("GET", USES, Scope.SEALS_READ),
    ("GET", POWERS, Scope.POWERS_READ),
    ("GET", f"{POWERS}/power-{NOBODY[:12]}", Scope.POWERS_READ),
    ("GET", f"{POWERS}/power-{NOBODY[:12]}/letter", Scope.POWERS_READ),
    ("POST", POWERS, Scope.POWERS_WRITE),
    ("GET", f"{CONTRACTS}/{NOBODY}/parties/{NOBODY}/identity", Scope.IDENTITIES_READ),
    ("POST", f"{CONTRACTS}/{NOBODY}/void", Scope.CONTRACTS_WRITE),
    ("POST", f"{CONTRACTS}/{NOBODY}/amendments", Scope.CONTRACTS_WRITE),
)


@pytest.mark.parametrize(("method", "address", "scope"), READING)
def test_each_takes_a_scope_of_its_own(
    portal: Flask, known: Programs, method: str, address: str, scope: Scope
) -> None:
    lacking = portal.test_client()
    lacking.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {known.token(ERP, frozenset(Scope) - {scope})}"
    answer = lacking.open(address, method=method, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json["code"]) == (403, "scope-missing"), answer.text


@pytest.mark.parametrize("hostile", ["..", "' OR 1=1 --", "%00", "power-", "x" * 500, "朱印", "*", "1;DROP"])
def test_ids_that_are_none(erp: FlaskClient, hostile: str) -> None:
    for address in (
        f"{POWERS}/{hostile}",
        f"{POWERS}/{hostile}/letter",
        f"{CONTRACTS}/{hostile}/seal-requests",
        f"{CONTRACTS}/{hostile}/parties/{hostile}/identity",
    ):
        missing(erp.get(address))
    missing(post(erp, f"{CONTRACTS}/{hostile}/void", {"reason": "示例"}))


def test_refusals_point_at_what_they_are_about(erp: FlaskClient, appliance: Appliance) -> None:
    made = drafted(erp)
    address = f"{CONTRACTS}/{made['id']}"
    past = {"deadline": {"at": "2020-01-01T00:00:00Z", "zone": "UTC"}}
    refused_at(erp.patch(address, json=past, headers=etag(made)), "/deadline/at")
    nowhere = {"deadline": {"at": "2027-01-01T00:00:00Z", "zone": "Mars/Base"}}
    refused_at(erp.patch(address, json=nowhere, headers=etag(made)), "/deadline/zone")
    refused_at(erp.patch(address, json={"title": " "}, headers=etag(made)), "/title")
    seal = {"kind": "seal", "seal": CONTRACT_SEAL.subject, "requester": LI.subject}
    refused_at(with_party(erp, made["id"], seal), "/requester")
    refused_at(with_party(erp, made["id"], {**seal, "seal": "seal-nobody"}), "/seal")
    refused_at(with_party(erp, made["id"], {"kind": "person", "person": "person-nobody"}), "/person", NOBODY_THERE)
    refused_at(
        with_party(erp, made["id"], {"kind": "person", "person": "a@gamma.example"}), "/person", NOBODY_THERE
    )
    refused_at(with_party(erp, made["id"], {**seal, "requester": "a@gamma.example"}), "/requester", NOBODY_THERE)
    outside = {"kind": "outside", "name": "陈外部", "email": "chen@gamma.example"}
    refused_at(with_party(erp, made["id"], {**outside, "organisation": ALPHA}), "/organisation")
    party = with_party(erp, made["id"], {"kind": "person", "person": LI.subject})
    refused_at(with_party(erp, made["id"], {"kind": "person", "person": LI.subject}), "/person")
    place = {"page": 9, "x": 1, "y": 1, "width": 9, "height": 9}
    places, version = f"{address}/parties/{party.json['id']}/places", {"If-Match": party.headers["ETag"]}
    refused_at(erp.put(places, json={"places": [place]}, headers=version), "/places")
    across = {"places": [{**place, "page": 1}], "cross_page_y": 20}
    refused_at(erp.put(places, json=across, headers=version), "/cross_page_y")


def test_every_sentence_of_the_table_is_one_of_the_workflows() -> None:
    assert not [each for each in POINTERS if each not in chinese_messages()]
