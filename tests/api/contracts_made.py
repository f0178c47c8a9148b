"""Contracts that a program makes in tests: everything goes through the API."""

from __future__ import annotations

import base64
import json
import secrets
from functools import cache
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import ZHANG
from tests.world import sample_document

CONTRACTS = "/api/v1/contracts"


@cache
def document(pages: int = 2) -> bytes:
    return sample_document(pages)


def terms(**changes: Any) -> dict[str, Any]:
    """What a program sends for a new contract."""
    return {
        "title": "设备采购合同",
        "kind": "采购",
        "purpose": "采购示例设备",
        "initiator": ZHANG.email,
        "document": base64.b64encode(document()).decode(),
        **changes,
    }


def key() -> str:
    return secrets.token_urlsafe(16)


def draft(program: FlaskClient, *, with_key: str | None = None, **changes: Any) -> TestResponse:
    return program.post(CONTRACTS, json=terms(**changes), headers={"Idempotency-Key": with_key or key()})


def drafted(program: FlaskClient, **changes: Any) -> dict[str, Any]:
    """A new draft, as the API answers it."""
    answer = draft(program, **changes)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = json.loads(answer.data)
    return made


def with_party(program: FlaskClient, contract: str, party: dict[str, Any]) -> TestResponse:
    return program.post(f"{CONTRACTS}/{contract}/parties", json=party, headers={"Idempotency-Key": key()})


def etag(contract: dict[str, Any]) -> dict[str, str]:
    """The header by which a change says which version it is about."""
    return {"If-Match": f'"{contract["version"]}"'}


def sent(program: FlaskClient, **changes: Any) -> dict[str, Any]:
    """A contract that waits for Zhang's signature."""
    made = drafted(program, **changes)
    assert with_party(program, made["id"], {"kind": "person", "person": ZHANG.subject}).status_code == 201
    answer = program.post(f"{CONTRACTS}/{made['id']}/send", json={})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = json.loads(answer.data)
    return found
