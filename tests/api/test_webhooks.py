"""A client looks after its own webhooks, and its receiver hears of everything once."""

from __future__ import annotations

import itertools
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.api_clients import current_reach
from appliance.events import WebhookActor, WebhookDelivery, Webhooks, WebhookSecrets, WebhookTargets
from appliance.model.api_clients import Scope
from appliance.wiring import Appliance
from tests.api.conftest import program
from tests.api.contracts_made import key, sent
from tests.api.programs import ERP, PURCHASE, Programs
from tests.api.test_events import newest, read
from tests.events.receiver import Post, Receiver, receiving, refusing
from tests.portal.estate import signed
from tests.world import World, contract_now, sequenced, with_parts
from webui.portal.application import create_app

ROOT = WebhookActor("root")
WEBHOOKS = "/api/v1/webhooks"


@dataclass
class Sending:
    """An appliance that may send to one receiver, and the program whose webhooks they are."""

    appliance: Appliance
    receiver: Receiver
    delivery: WebhookDelivery
    portal: Flask
    erp: FlaskClient

    def add(self, *types: str, client: str = ERP) -> str:
        """A webhook as two administrators add it; its id."""
        return self.appliance.webhooks.create(client, self.receiver.url, types, by=ROOT).id

    def active(self, *types: str) -> str:
        """One whose secret was made."""
        made = self.add(*types)
        self.done(made, "secret")
        return made

    def post(self, webhook: str, what: str, **given: Any) -> TestResponse:
        return self.erp.post(f"{WEBHOOKS}/{webhook}/{what}", json=given or None)

    def done(self, webhook: str, what: str, **given: Any) -> dict[str, Any]:
        answer = self.post(webhook, what, **given)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def get(self, webhook: str) -> dict[str, Any]:
        answer = self.erp.get(f"{WEBHOOKS}/{webhook}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def deliver(self) -> None:
        """One round, until all of it is done; pauses after failures are over."""
        with self.appliance.database.transaction() as tx:
            tx.execute("UPDATE webhooks SET retry_at = NULL")
        self.delivery.run_round()
        assert self.delivery.wait(60)


@pytest.fixture
def sending(appliance: Appliance, known: Programs, portal: Flask) -> Iterator[Sending]:
    with receiving() as receiver:
        targets = WebhookTargets([f"127.0.0.1:{receiver.port}"], development=True)
        reach = partial(current_reach, scope=Scope.EVENTS_READ)
        common = (appliance.database, targets, WebhookSecrets(bytes(32)), reach, appliance.now)
        opened = with_parts(appliance, webhooks=Webhooks(*common))
        delivery = WebhookDelivery(*common)
        other = create_app(opened, form_key=bytes(range(32)))
        other.test_client_class = portal.test_client_class
        yield Sending(opened, receiver, delivery, other, program(other, known, ERP))
        delivery.close()
        for each in opened.webhooks.all_of(ROOT):
            opened.webhooks.remove(each.id, ROOT)


def hangs_up(post: Post) -> None:
    post.connection.shutdown(socket.SHUT_RDWR)


def down_half_of_the_time() -> Callable[[Post], None]:
    ways: Iterator[Callable[[Post], None]] = itertools.cycle(
        (refusing(503), lambda post: post.answer(200), hangs_up, lambda post: post.answer(204))
    )

    def answer(post: Post) -> None:
        next(ways)(post)

    return answer


def test_every_event_of_a_contract_arrives_once_and_is_read_the_same(sending: Sending, world: World) -> None:
    webhook = sending.add()
    assert sending.get(webhook)["state"] == "pending"
    secret = sending.done(webhook, "secret")["secret"]
    assert sending.get(webhook)["state"] == "active"
    receiver, erp, begun = sending.receiver, sending.erp, newest(sending.erp)
    receiver.answering = down_half_of_the_time()

    contract = sent(erp)["id"]
    with sequenced(sending.appliance, world):
        by_zhang = signed(sending.appliance, contract_now(sending.appliance, contract), 0)
        sending.appliance.finalisation.finalise(by_zhang.id)
    for _ in range(20):
        sending.deliver()

    pulled = read(erp, after=begun)["events"]
    assert [each["type"] for each in pulled] == [
        "contract.drafted",
        "contract.sent",
        "contract.party.signed",
        "contract.completed",
    ]
    assert {each["data"]["contract"] for each in pulled} == {contract}
    assert [each.said for each in receiver.taken] == pulled
    assert [each.id for each in receiver.taken] == [each["id"] for each in pulled]
    assert set(Counter(each.id for each in receiver.taken).values()) == {1}
    assert set(Counter(each.id for each in receiver.arrived).values()) == {2}, "each was refused once"
    for each in receiver.taken:
        each.verified_by(secret)
        each.verified_by_key(sending.get(webhook)["public_key"])
    attempts = sending.get(webhook)["attempts"]
    assert Counter(each["problem"] is None for each in attempts) == {True: 4, False: 4}
    assert {each["status"] for each in attempts} == {200, 204, 503, None}
    assert sending.get(webhook)["position"] >= pulled[-1]["log"]["entry"]


def test_a_secret_is_shown_once_and_kept_nowhere_in_clear(sending: Sending, world: World) -> None:
    webhook, once = sending.add(), {"Idempotency-Key": key()}
    address = f"{WEBHOOKS}/{webhook}/secret"
    first, second = sending.erp.post(address, headers=once), sending.erp.post(address, headers=once)
    assert first.status_code == second.status_code == 200 and first.json != second.json
    assert first.headers["Cache-Control"] == "no-store" and "Idempotency-Replayed" not in second.headers
    sent(sending.erp)
    sending.deliver()
    for shown in (first, second):
        sending.receiver.taken[0].verified_by(shown.json["secret"])
    stored = [each.read_bytes() for each in world.home.database.parent.glob(f"{world.home.database.name}*")]
    assert any(webhook.encode() in each for each in stored)
    for shown in (first, second):
        assert not any(shown.json["secret"].removeprefix("whsec_").encode() in each for each in stored)


def test_what_a_client_changes(sending: Sending) -> None:
    webhook = sending.active()
    changed = sending.erp.patch(f"{WEBHOOKS}/{webhook}", json={"types": ["contract.sent", "contract.recalled"]})
    assert changed.json["types"] == ["contract.recalled", "contract.sent"], changed.text
    contract = sent(sending.erp)["id"]
    sending.deliver()
    [told] = sending.receiver.taken

    event = sending.done(webhook, "test")["event"]
    entry = told.said["log"]["entry"]
    assert sending.done(webhook, "replay", first=entry, last=entry)["id"] == webhook
    sending.deliver()
    assert [each.id for each in sending.receiver.taken] == [told.id, event, told.id]
    assert sending.get(webhook)["attempts"][1] | {"at": "", "milliseconds": 0} == {
        "event": event,
        "type": "webhook.test",
        "at": "",
        "status": 204,
        "milliseconds": 0,
        "problem": None,
    }

    disabled = sending.done(webhook, "disable")
    assert (disabled["state"], disabled["disabled_by"]) == ("disabled", "client")
    assert sending.post(webhook, "test").json["code"] == "state-refused"
    sending.erp.post(f"/api/v1/contracts/{contract}/recall", json={"reason": "示例"})
    sending.deliver()
    assert len(sending.receiver.taken) == 3
    assert sending.done(webhook, "enable")["state"] == "active"
    sending.deliver()
    assert sending.receiver.taken[3].said["type"] == "contract.recalled"

    sending.done(webhook, "disable")
    sent(sending.erp)
    sending.done(webhook, "enable", from_now=True)
    sending.deliver()
    assert len(sending.receiver.taken) == 4


def test_what_is_repeated_with_its_key_is_done_once(sending: Sending) -> None:
    webhook, once = sending.active(), {"Idempotency-Key": key()}
    tests = [sending.erp.post(f"{WEBHOOKS}/{webhook}/test", headers=once) for _ in range(2)]
    assert tests[0].json == tests[1].json and tests[1].headers["Idempotency-Replayed"] == "true"
    sending.deliver()
    assert len(sending.receiver.taken) == 1


def test_what_administrators_disabled_they_enable(sending: Sending) -> None:
    webhook = sending.active()
    sending.appliance.webhooks.disable(webhook, ROOT)
    refused = sending.post(webhook, "enable")
    assert (refused.status_code, refused.json["code"]) == (409, "state-refused")
    assert sending.get(webhook)["disabled_by"] == "administrator"


def test_a_webhook_that_is_gone_says_so(sending: Sending) -> None:
    webhook = sending.active()
    sending.receiver.answering = refusing(410)
    sent(sending.erp)
    sending.deliver()
    found = sending.get(webhook)
    assert (found["state"], found["disabled_by"]) == ("disabled", "gone")
    assert "410" in found["attempts"][0]["problem"]


def test_others_webhooks_do_not_exist(sending: Sending, known: Programs) -> None:
    own, others = sending.active(), sending.add(client=PURCHASE)
    assert [each["id"] for each in sending.erp.get(WEBHOOKS).json["webhooks"]] == [own]
    address = f"{WEBHOOKS}/{others}"
    for answer in (
        sending.erp.get(address),
        sending.erp.patch(address, json={"types": []}),
        *(sending.post(others, each) for each in ("secret", "enable", "disable", "test")),
        sending.post(others, "replay", first=0, last=0),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_reading_is_enough_to_read_and_not_to_change(sending: Sending, known: Programs) -> None:
    webhook, reader = sending.active(), sending.portal.test_client()
    token = known.token(ERP, frozenset({Scope.EVENTS_READ}))
    reader.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    assert reader.get(f"{WEBHOOKS}/{webhook}").status_code == 200
    refused = reader.post(f"{WEBHOOKS}/{webhook}/secret")
    assert (refused.status_code, refused.json["code"]) == (403, "scope-missing")


@pytest.mark.parametrize("types", [["contract.lost"], ["webhook.test"]])
def test_a_type_that_is_not_there(sending: Sending, types: list[str]) -> None:
    refused = sending.erp.patch(f"{WEBHOOKS}/{sending.active()}", json={"types": types})
    assert (refused.status_code, refused.json["code"], refused.json["pointer"]) == (422, "invalid-body", "/types")


def test_entries_that_are_not_there_are_not_replayed(sending: Sending) -> None:
    webhook = sending.active()
    for first, last in ((4, 3), (0, 4_000_000)):
        refused = sending.post(webhook, "replay", first=first, last=last)
        assert (refused.status_code, refused.json["code"]) == (409, "precondition-refused")
