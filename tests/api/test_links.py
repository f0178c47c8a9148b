"""A program gets the link of somebody from outside, and never the code; what became of it is in the log."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import ZHANG
from appliance.model.accounts import AccountState
from appliance.model.api_clients import Scope
from appliance.model.contract import Contract
from appliance.store import ledger
from appliance.wiring import Appliance
from tests.api.conftest import program
from tests.api.contracts_made import CONTRACTS, drafted, etag, with_party
from tests.api.programs import ERP, Programs
from tests.portal.office_visits import token_in
from tests.world import contract_now

GUEST = {"kind": "outside", "name": "郑示例", "email": "zheng@gamma.example", "phone": "+86 138 0000 0000"}
PLACE = {"places": [{"page": 1, "x": 10, "y": 80, "width": 25, "height": 8}]}


def with_guest(erp: FlaskClient, **changes: Any) -> tuple[str, str]:
    """A draft with somebody from outside, and their party."""
    made = drafted(erp, **changes)
    party = json.loads(with_party(erp, made["id"], GUEST).data)["id"]
    now = json.loads(erp.get(f"{CONTRACTS}/{made['id']}").data)
    placed = erp.put(f"{CONTRACTS}/{made['id']}/parties/{party}/places", json=PLACE, headers=etag(now))
    assert placed.status_code == 200, placed.text
    return made["id"], party


def invited(erp: FlaskClient, **changes: Any) -> tuple[str, str]:
    """The same, sent: it is their turn."""
    contract, party = with_guest(erp, **changes)
    assert erp.post(f"{CONTRACTS}/{contract}/send", json={}).status_code == 200
    return contract, party


def link_of(asking: FlaskClient, contract: str, party: str) -> TestResponse:
    return asking.post(f"{CONTRACTS}/{contract}/parties/{party}/links", json={})


def given(erp: FlaskClient, contract: str, party: str) -> str:
    """The link, as a path."""
    answer = link_of(erp, contract, party)
    assert answer.status_code == 200, answer.text
    return urlsplit(json.loads(answer.data)["url"]).path


def enter(portal: Flask, link: str, code: str) -> TestResponse:
    guest = portal.test_client()
    guest.environ_base["HTTP_ACCEPT"] = "text/html"
    return guest.post(link, data={"form_token": token_in(guest.get(link).text), "code": code})


def history(appliance: Appliance, contract: str, kind: str) -> list[dict[str, Any]]:
    with appliance.database.reading() as tx:
        leaves = [leaf for _, leaf, _ in ledger.history_of(tx, contract)]
    return [found for leaf in leaves if (found := json.loads(leaf))["kind"] == kind]


@pytest.mark.parametrize("mail", [False, True])
def test_a_link_is_given_until_it_is_used_and_lets_nobody_in_alone(
    portal: Flask, appliance: Appliance, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch, mail: bool
) -> None:
    monkeypatch.setattr(appliance.guests, "_mail_works", lambda: mail)
    contract, party = invited(erp)
    first = given(erp, contract, party)
    assert given(erp, contract, party) == first, "as it was not used"
    code = appliance.guests.code(contract, party, by=ZHANG.subject)
    answer = link_of(erp, contract, party)
    assert code not in answer.text and code[:4] not in answer.text, "which no client gets"
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    assert enter(portal, first, wrong).status_code == 422
    assert enter(portal, first, code).status_code == 303
    second = given(erp, contract, party)
    assert second != first and enter(portal, first, code).status_code == 422
    assert enter(portal, second, code).status_code == 303


def test_the_log_says_who_got_whose_link_and_never_the_link(appliance: Appliance, erp: FlaskClient) -> None:
    contract, party = invited(erp)
    link = given(erp, contract, party)
    [entry] = history(appliance, contract, "guest-link-given")
    held = appliance.guests.of_party(party)
    assert (entry["public"]["actor"], entry["public"]["client"]) == (ZHANG.subject, ERP)
    assert (entry["public"]["party"], entry["public"]["invitation"]) == (party, held.id)
    with appliance.database.reading() as tx:
        kept = "\n".join(str(row) for row in tx.execute("SELECT * FROM api_requests").fetchall())
        leaves = "\n".join(str(leaf) for leaf in ledger.leaves(tx, 0, 100_000))
    assert link.rpartition("/")[2] not in kept + leaves


def test_there_is_none_before_the_turn_nor_after_the_end(erp: FlaskClient) -> None:
    contract, party = with_guest(erp)
    early = link_of(erp, contract, party)
    assert (early.status_code, json.loads(early.data)["code"]) == (409, "state-refused")
    assert erp.post(f"{CONTRACTS}/{contract}/send", json={}).status_code == 200
    assert erp.post(f"{CONTRACTS}/{contract}/recall", json={"reason": "条款有误"}).status_code == 200
    late = link_of(erp, contract, party)
    assert (late.status_code, json.loads(late.data)["code"]) == (409, "state-refused")


def test_people_with_accounts_have_none(erp: FlaskClient) -> None:
    made = drafted(erp)
    party = json.loads(with_party(erp, made["id"], {"kind": "person", "person": ZHANG.subject}).data)["id"]
    refused = link_of(erp, made["id"], party)
    assert (refused.status_code, json.loads(refused.data)["code"]) == (409, "precondition-refused")
    assert link_of(erp, made["id"], "0" * 32).status_code == 404


def test_it_takes_the_scope_and_a_contract_of_ones_own(
    portal: Flask, known: Programs, erp: FlaskClient, appliance: Appliance
) -> None:
    contract, party = invited(erp)
    held = appliance.guests.of_party(party)
    without = portal.test_client()
    token = known.token(ERP, frozenset(Scope) - {Scope.LINKS_WRITE})
    without.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    assert link_of(without, contract, party).status_code == 403
    others = "client-00000000000000b1"
    known.add(others)
    refused = link_of(program(portal, known, others), contract, party)
    assert (refused.status_code, json.loads(refused.data)["code"]) == (409, "precondition-refused")
    known.add("client-00000000000000b2", kind="服务")
    assert link_of(program(portal, known, "client-00000000000000b2"), contract, party).status_code == 404
    assert appliance.guests.of_party(party) == held and not history(appliance, contract, "guest-link-given")


def test_nobody_who_may_not_start_contracts_gives_links(erp: FlaskClient, appliance: Appliance) -> None:
    contract, party = invited(erp)
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE accounts SET state = ? WHERE subject = ?", (AccountState.SUSPENDED, ZHANG.subject))
    try:
        assert link_of(erp, contract, party).status_code == 409
    finally:
        with appliance.database.transaction() as tx:
            tx.execute("UPDATE accounts SET state = ? WHERE subject = ?", (AccountState.ACTIVE, ZHANG.subject))


def test_what_people_drafted_is_theirs(erp: FlaskClient, appliance: Appliance) -> None:
    contract, party = invited(erp)
    with appliance.database.transaction() as tx:
        tx.execute("UPDATE contracts SET api_client = NULL WHERE id = ?", (contract,))
    now: Contract = contract_now(appliance, contract)
    assert now.api_client is None and link_of(erp, contract, party).status_code == 409
