"""A request that is repeated does nothing twice: whenever, however often at the same time, and whoever died."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from appliance.contracts.drafting import DraftTerms
from appliance.demonstration.participants import ZHANG
from appliance.store import submissions
from appliance.store.mail_merges import due_merges
from appliance.submissions import ABANDONED, MOST_WAITING, ClaimedRequest, KeyedRequests
from appliance.wiring import Appliance
from tests.api.conftest import Time, program
from tests.api.contracts_made import CONTRACTS, draft, drafted, key, sent, with_party
from tests.api.programs import ERP, PURCHASE, Programs
from tests.api.templates_made import BATCHES, SELLER, TEMPLATES, batch, create, offered, row, seller
from tests.world import contract_now, with_parts
from webui.portal.application import create_app

GUEST = {"kind": "outside", "name": "陈外部", "email": "chen@gamma.example", "phone": "+86 138 0000 0001"}


def count(appliance: Appliance, title: str) -> int:
    with appliance.database.reading() as tx:
        return tx.count("SELECT count(*) FROM contracts WHERE title = ?", (title,))


def test_a_repetition_gets_the_first_answer(erp: FlaskClient, appliance: Appliance) -> None:
    once = key()
    first, second = draft(erp, with_key=once, title="一次"), draft(erp, with_key=once, title="一次")
    assert (second.status_code, second.data) == (201, first.data)
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotency-Replayed"] == "true" and "Idempotency-Replayed" not in first.headers
    assert count(appliance, "一次") == 1


def test_a_key_in_quotation_marks_is_the_same(erp: FlaskClient, appliance: Appliance) -> None:
    once = key()
    draft(erp, with_key=once, title="引号")
    assert draft(erp, with_key=f'"{once}"', title="引号").headers["Idempotency-Replayed"] == "true"


def test_a_key_has_both_quotation_marks_or_none(erp: FlaskClient) -> None:
    refused = draft(erp, with_key=f'"{key()}')
    assert (refused.status_code, refused.json["code"]) == (400, "idempotency-key-invalid")


def test_what_is_refused_anyway_is_not_refused_for_its_version(erp: FlaskClient) -> None:
    address, old = f"{CONTRACTS}/{drafted(erp)['id']}", {"If-Match": '"999"', "Idempotency-Key": key()}
    without_key = erp.post(f"{address}/parties", json=GUEST, headers={"If-Match": "old"})
    assert without_key.json["code"] == "idempotency-key-missing"
    assert erp.patch(address, json={"colour": "red"}, headers={"If-Match": "old"}).json["code"] == "invalid-body"
    assert erp.post(f"{address}/parties", json=GUEST, headers=old).json["code"] == "version-changed"


def test_a_key_is_not_for_another_request(erp: FlaskClient, appliance: Appliance) -> None:
    once = key()
    made = draft(erp, with_key=once, title="甲").json
    for other in (
        draft(erp, with_key=once, title="乙"),
        erp.post(f"{CONTRACTS}/{made['id']}/send", json={}, headers={"Idempotency-Key": once}),
    ):
        assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    assert count(appliance, "乙") == 0


def test_another_clients_key_is_another_key(erp: FlaskClient, portal: Flask, known: Programs) -> None:
    once, other = key(), program(portal, known, PURCHASE)
    first, second = draft(erp, with_key=once), draft(other, with_key=once)
    assert first.json["id"] != second.json["id"]


def test_a_refusal_frees_the_key(erp: FlaskClient) -> None:
    once = key()
    assert draft(erp, with_key=once, initiator="person-nobody").status_code == 422
    made = draft(erp, with_key=once)
    assert made.status_code == 201
    assert draft(erp, with_key=once).json == made.json


def test_an_answer_is_not_given_again_of_what_is_out_of_reach_by_now(
    portal: Flask, known: Programs, appliance: Appliance
) -> None:
    purchase, drafted_with, added_with = program(portal, known, PURCHASE), key(), key()
    made = draft(purchase, with_key=drafted_with, title="改类型").json
    address = f"{CONTRACTS}/{made['id']}/parties"
    assert purchase.post(address, json=GUEST, headers={"Idempotency-Key": added_with}).status_code == 201
    now = contract_now(appliance, made["id"])
    terms = DraftTerms(now.title, "劳动", now.purpose, now.initiator, now.deadline, now.order)
    appliance.drafting.revise(made["id"], terms, by=now.initiator)
    for again in (
        draft(purchase, with_key=drafted_with, title="改类型"),
        purchase.post(address, json=GUEST, headers={"Idempotency-Key": added_with}),
    ):
        assert (again.status_code, again.json["code"]) == (404, "not-found")


def test_at_the_same_time_one_contract_is_made(portal: Flask, known: Programs, appliance: Appliance) -> None:
    once, many = key(), MOST_WAITING + 1
    ready = threading.Barrier(many)

    def send(_: int) -> tuple[int, bytes]:
        own = program(portal, known, ERP)
        ready.wait()
        answer = draft(own, with_key=once, title="同时")
        return answer.status_code, answer.data

    with ThreadPoolExecutor(many) as threads:
        answers = set(threads.map(send, range(many)))
    assert len(answers) == 1 and {status for status, _ in answers} == {201}
    assert count(appliance, "同时") == 1


class Dies(BaseException):
    """The process ends here."""


class Dying:
    """A part of the appliance whose process dies once: just after it has done what *method* does."""

    def __init__(self, part: object, method: str) -> None:
        self._part, self._method, self._left = part, method, 1

    def __getattr__(self, name: str) -> Callable[..., object]:
        method: Callable[..., object] = getattr(self._part, name)
        return self._and_die(method) if name == self._method and self._left else method

    def _and_die(self, method: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object, **named: object) -> object:
            self._left = 0
            method(*given, **named)
            raise Dies

        return run


class Forgetful(KeyedRequests):
    """Claims as a process leaves them that is killed: nothing is said of them afterwards."""

    def fail(self, claimed: ClaimedRequest) -> None:
        """There is nobody to say so."""


def dying(appliance: Appliance, known: Programs, part: str, method: str) -> FlaskClient:
    """A program of a portal whose process is killed once, just after *method* of *part* has done its work."""
    dies = Dying(getattr(appliance, part), method)
    killed = Forgetful(appliance.database, appliance.now)
    portal = create_app(with_parts(appliance, keyed_requests=killed, **{part: dies}), form_key=bytes(32))
    return program(portal, known, ERP)


def test_who_waits_too_long_is_told(appliance: Appliance, known: Programs) -> None:
    once = key()
    with pytest.raises(Dies):
        draft(dying(appliance, known, "drafting", "draft"), with_key=once, title="还在做")
    impatient = KeyedRequests(appliance.database, appliance.now, patience=0.0)
    portal = create_app(with_parts(appliance, keyed_requests=impatient), form_key=bytes(32))
    answer = draft(program(portal, known, ERP), with_key=once, title="还在做")
    assert (answer.status_code, answer.json["code"]) == (409, "request-under-way")


def test_a_contract_whose_process_died_is_found_and_not_made_again(
    erp: FlaskClient, appliance: Appliance, known: Programs, time: Time
) -> None:
    once = key()
    with pytest.raises(Dies):
        draft(dying(appliance, known, "drafting", "draft"), with_key=once, title="死")
    assert count(appliance, "死") == 1
    time.ahead = ABANDONED + timedelta(seconds=5)
    try:
        answer = draft(erp, with_key=once, title="死")
    finally:
        time.ahead = timedelta()
    assert answer.status_code == 201 and answer.json["title"] == "死", answer.text
    assert count(appliance, "死") == 1
    assert draft(erp, with_key=once, title="死").data == answer.data


def test_a_contract_whose_process_died_and_that_is_out_of_reach_is_not_there(
    portal: Flask, appliance: Appliance, known: Programs
) -> None:
    """Nor is it made again, nor is that a failure on our side."""
    once, dies = key(), Dying(appliance.drafting, "draft")
    dying_portal = create_app(with_parts(appliance, drafting=dies), form_key=bytes(32))
    with pytest.raises(Dies):
        draft(program(dying_portal, known, PURCHASE), with_key=once, title="不再可及")
    with appliance.database.reading() as tx:
        made = tx.value(str, "SELECT id FROM contracts WHERE title = '不再可及'")
    assert made is not None
    now = contract_now(appliance, made)
    terms = DraftTerms(now.title, "劳动", now.purpose, now.initiator, now.deadline, now.order)
    appliance.drafting.revise(made, terms, by=now.initiator)
    answer = draft(program(portal, known, PURCHASE), with_key=once, title="不再可及")
    assert (answer.status_code, answer.json["code"]) == (404, "not-found"), answer.text
    assert count(appliance, "不再可及") == 1


@pytest.mark.parametrize(
    ("party", "method"), [(GUEST, "add_guest"), ({"kind": "person", "person": ZHANG.subject}, "add_person")]
)
def test_a_party_whose_process_died_is_found_and_not_added_again(
    erp: FlaskClient, appliance: Appliance, known: Programs, time: Time, party: dict[str, str], method: str
) -> None:
    made, headers = drafted(erp), {"Idempotency-Key": key()}
    address = f"{CONTRACTS}/{made['id']}/parties"
    with pytest.raises(Dies):
        dying(appliance, known, "drafting", method).post(address, json=party, headers=headers)
    time.ahead = ABANDONED + timedelta(seconds=5)
    try:
        answer = erp.post(address, json=party, headers=headers)
    finally:
        time.ahead = timedelta()
    assert answer.status_code == 201, answer.text
    assert [each.id for each in contract_now(appliance, made["id"]).parties] == [answer.json["id"]]


def test_a_contract_from_a_template_whose_process_died_is_not_made_again(
    erp: FlaskClient, appliance: Appliance, known: Programs, time: Time
) -> None:
    template, headers = offered(appliance), {"Idempotency-Key": key()}
    parties = {"parties": {SELLER: seller()}, "fields": {"价格": "5"}}
    sent_once = {"initiator": ZHANG.email, "title": "模板", **parties}
    writing = replace(appliance.writing, issuing=Dying(appliance.writing.issuing, "from_version"))  # type: ignore[arg-type] # stands for it
    killed = Forgetful(appliance.database, appliance.now)
    portal = create_app(with_parts(appliance, keyed_requests=killed, writing=writing), form_key=bytes(32))
    address = f"{TEMPLATES}/{template.id}/contracts"
    with pytest.raises(Dies):
        program(portal, known, ERP).post(address, json=sent_once, headers=headers)
    time.ahead = ABANDONED + timedelta(seconds=5)
    try:
        answer = erp.post(address, json=sent_once, headers=headers)
    finally:
        time.ahead = timedelta()
    assert answer.status_code == 201 and answer.json["title"] == "模板", answer.text
    assert count(appliance, "模板") == 1


def test_a_batch_whose_process_died_is_found_and_not_made_again(
    erp: FlaskClient, appliance: Appliance, known: Programs, time: Time
) -> None:
    asked, once = batch(offered(appliance), [row(1), row(2)]), key()
    before = {each.id for each in appliance.database.query(due_merges)}
    with pytest.raises(Dies):
        create(dying(appliance, known, "mail_merges", "create"), asked, once)
    time.ahead = ABANDONED + timedelta(seconds=5)
    try:
        answer = create(erp, asked, once)
    finally:
        time.ahead = timedelta()
    assert answer.status_code == 201 and answer.json["total"] == 2, answer.text
    assert {each.id for each in appliance.database.query(due_merges)} == before | {answer.json["id"]}
    erp.post(f"{BATCHES}/{answer.json['id']}/cancel")


@pytest.mark.parametrize(
    ("act", "part", "method", "body"),
    [
        ("send", "sending", "send", {}),
        ("recall", "endings", "recall", {"reason": "价格有误"}),
        (
            "extend",
            "endings",
            "extend",
            {"deadline": {"at": "2030-01-31T18:00:00+08:00", "zone": "Asia/Shanghai"}},
        ),
    ],
)
def test_an_act_whose_process_died_is_answered_as_done(
    erp: FlaskClient,
    appliance: Appliance,
    known: Programs,
    time: Time,
    *,
    act: str,
    part: str,
    method: str,
    body: Any,
) -> None:
    made = sent(erp) if act != "send" else drafted(erp)
    if act == "send":
        with_party(erp, made["id"], {"kind": "person", "person": ZHANG.subject})
    address, headers = f"{CONTRACTS}/{made['id']}/{act}", {"Idempotency-Key": key()}
    with pytest.raises(Dies):
        dying(appliance, known, part, method).post(address, json=body, headers=headers)
    done = contract_now(appliance, made["id"])
    time.ahead = ABANDONED + timedelta(seconds=5)
    try:
        answer = erp.post(address, json=body, headers=headers)
    finally:
        time.ahead = timedelta()
    assert answer.status_code == 200, answer.text
    assert answer.json["version"] == done.version == contract_now(appliance, made["id"]).version


def test_what_failed_on_our_side_goes_on_with_the_same_contract(
    erp: FlaskClient, appliance: Appliance, known: Programs
) -> None:
    once = key()
    dies = Dying(appliance.drafting, "draft")
    dies_softly = with_parts(appliance, drafting=dies)
    portal = create_app(dies_softly, form_key=bytes(32))
    with pytest.raises(Dies):
        draft(program(portal, known, ERP), with_key=once, title="失败")
    other = draft(erp, with_key=once, title="别的")
    assert other.json["code"] == "idempotency-key-reused"
    answer = draft(erp, with_key=once, title="失败")
    assert answer.status_code == 201 and count(appliance, "失败") == 1


def test_the_scheduler_forgets_answers_after_a_week(erp: FlaskClient, appliance: Appliance, time: Time) -> None:
    once = key()
    made = draft(erp, with_key=once, title="一周").json["id"]
    appliance.keyed_requests.forget_old()
    assert draft(erp, with_key=once, title="一周").json["id"] == made
    time.ahead = timedelta(days=7, minutes=1)
    try:
        for _ in range(50):  # a hundred at a time, and other tests have kept some too
            appliance.keyed_requests.forget_old()
        assert appliance.database.query(submissions.kept_request, ERP, once) is None
    finally:
        time.ahead = timedelta()
