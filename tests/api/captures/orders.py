"""What a program sends to have pages captured."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import ZHANG
from tests.api.contracts_made import key

CAPTURES, SCHEDULES = "/api/v1/captures", "/api/v1/capture-schedules"
NOBODY = "0" * 24


def order(address: str, **changed: Any) -> dict[str, Any]:
    return {"investigator": ZHANG.email, "address": address, "purpose": "固定侵权页面", **changed}


def post(client: FlaskClient, path: str, body: dict[str, Any], **headers: str) -> TestResponse:
    return client.post(path, json=body, headers={"Idempotency-Key": key(), **headers})


def asked_for(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = post(client, CAPTURES, body)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json
    assert answer.headers["Location"] == f"{CAPTURES}/{found['id']}"
    return found


def planned(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = post(client, SCHEDULES, body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    assert answer.headers["Location"] == f"{SCHEDULES}/{found['id']}"
    return found


def in_all(client: FlaskClient, path: str, of: str) -> list[str]:
    """The ids of the whole list, read two by two."""
    found, after = [], ""
    while after is not None:
        page = client.get(f"{path}?limit=2&after={after}").json
        found += [each["id"] for each in page[of]]
        after = page["next"]
    assert len(set(found)) == len(found)
    return found


def events_of(client: FlaskClient, capture: str) -> list[str]:
    """The types of the events about the capture that the client hears of, in their order."""
    page = client.get("/api/v1/events?limit=1000").json
    assert not page["more"]
    return [each["type"] for each in page["events"] if each["data"].get("capture") == capture]
