"""Events are read by cursor: all of them, by whom they concern, with what proves them."""

from __future__ import annotations

import base64
import threading
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html

from appliance.events import EventType
from appliance.wiring import Appliance
from hsm.merkle import leaf_hash, root_from_inclusion
from tests.api.conftest import program
from tests.api.contracts_made import CONTRACTS, drafted, sent
from tests.api.programs import BETAS, ERP, Programs
from tests.events.receiver import until
from tests.world import World, sequenced

EVENTS = "/api/v1/events"


def read(reader: FlaskClient, **query: Any) -> dict[str, Any]:
    answer = reader.get(EVENTS, query_string=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def newest(reader: FlaskClient) -> int:
    """The cursor behind everything that happened so far."""
    page = {"cursor": -1, "more": True}
    while page["more"]:
        page = read(reader, after=page["cursor"], limit=1000)
    cursor: int = page["cursor"]
    return cursor


def test_events_come_in_order_page_by_page(erp: FlaskClient) -> None:
    begun = newest(erp)
    contract = sent(erp)["id"]
    erp.post(f"{CONTRACTS}/{contract}/recall", json={"reason": "示例"})
    whole = read(erp, after=begun)
    assert [each["type"] for each in whole["events"]] == [
        "contract.drafted",
        "contract.sent",
        "contract.recalled",
    ]
    assert {each["data"]["contract"] for each in whole["events"]} == {contract}
    assert [each["data"]["state"] for each in whole["events"]] == ["draft", "sent", "recalled"]

    cursor, pieces = begun, []
    for _ in whole["events"]:
        page = read(erp, after=cursor, limit=1)
        pieces += page["events"]
        cursor = page["cursor"]
    assert pieces == whole["events"]
    assert read(erp, after=cursor)["events"] == []

    wanted = read(erp, after=begun, types="contract.recalled,contract.sent")
    assert [each["id"] for each in wanted["events"]] == [each["id"] for each in whole["events"][1:]]


def test_others_events_are_not_read(erp: FlaskClient, portal: Flask, known: Programs) -> None:
    begun = newest(erp)
    sent(erp)
    assert read(program(portal, known, BETAS), after=begun)["events"] == []


def test_the_answer_comes_as_soon_as_something_happens(erp: FlaskClient, portal: Flask, known: Programs) -> None:
    found: list[dict[str, Any]] = []
    begun = newest(erp)
    waiting = threading.Thread(target=lambda: found.append(read(erp, after=begun, wait=30)))
    waiting.start()
    contract = drafted(program(portal, known, ERP))["id"]
    waiting.join()
    [page] = found
    assert page["events"][0]["data"]["contract"] == contract


def test_the_log_proves_each_event_without_a_token(
    erp: FlaskClient, portal: Flask, appliance: Appliance, world: World
) -> None:
    begun = newest(erp)
    sent(erp)
    events, anybody = read(erp, after=begun)["events"], portal.test_client()
    assert len(events) == 2

    def checkpoint() -> tuple[int, bytes]:
        _, size, root, *_ = anybody.get("/log/checkpoint").text.split("\n")
        return int(size), base64.b64decode(root)

    with sequenced(appliance, world):
        until(lambda: checkpoint()[0] > events[-1]["log"]["entry"])
    size, root = checkpoint()
    for each in events:
        entry, leaf = each["log"]["entry"], bytes.fromhex(each["log"]["leaf_hash"])
        assert leaf_hash(anybody.get(f"/log/entry?index={entry}").data) == leaf
        proof = anybody.get(each["log"]["proof"].replace("{&size}", f"&size={size}")).json
        path = [base64.b64decode(one) for one in proof["hashes"]]
        assert root_from_inclusion(entry, size, leaf, path) == root


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("after=-2", "/after"),
        ("after=4000000", "/after"),
        ("types=contract.sent,contract.lost", "/types"),
        ("types=", "/types"),
        ("types=webhook.test", "/types"),
        ("wait=31", "/wait"),
        ("limit=1001", "/limit"),
    ],
)
def test_a_parameter_that_does_not_fit(erp: FlaskClient, query: str, pointer: str) -> None:
    refused = erp.get(f"{EVENTS}?{query}")
    assert (refused.status_code, refused.json["code"], refused.json["pointer"]) == (
        *(422, "invalid-parameter"),
        pointer,
    )


def test_the_document_and_the_page_have_every_type_with_its_meaning(portal: Flask) -> None:
    anybody = portal.test_client()
    schema = anybody.get("/api/v1/openapi.json").json["components"]["schemas"]["EventType"]
    described = {each["const"]: each["description"] for each in schema["oneOf"]}
    assert described == {each.value: each.description for each in EventType if each is not EventType.TEST}
    assert schema["enum"] == list(described)
    page = html.fromstring(anybody.get("/api/v1/docs").text).text_content()
    assert all(word in page and meaning in page for word, meaning in described.items())
