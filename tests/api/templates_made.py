"""Templates of tests, and what a program types for them."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.demonstration.participants import ZHANG
from appliance.model.template_parties import RoleKind, TemplateParties, TemplateRole
from appliance.model.writing import Template
from appliance.wiring import Appliance
from tests.api.contracts_made import key
from tests.batches.stock import published

TEMPLATES, BATCHES = "/api/v1/templates", "/api/v1/batches"
SELLER = "乙方"
ROLES = (TemplateRole("甲方", RoleKind.SENDER), TemplateRole(SELLER, RoleKind.OPEN))


def offered(appliance: Appliance) -> Template:
    """A template of Zhang's with three fields, which Zhang signs first, and whoever is named for each contract."""
    template, by = published(appliance), ZHANG.subject
    return appliance.writing.templates.keep_parties(template.id, TemplateParties(roles=ROLES), by=by, seen=1)


def seller(number: int = 1, **changes: str) -> dict[str, str]:
    own = {"name": f"钱{number}号", "organisation": f"丙{number}公司", "email": f"q{number}@c.example"}
    return {**own, **changes}


def row(number: int, **fields: object) -> dict[str, Any]:
    return {
        "parties": {SELLER: seller(number)},
        "fields": {"价格": f"{number + 1}.50", "交货": "2090-12-31", "含税": False, **fields},
        "title": f"批次 {number}",
        "reference": f"PO-{number}",
    }


def batch(template: Template, rows: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """What a program sends for a batch."""
    return {"template": template.id, "initiator": ZHANG.email, "rows": rows, **changes}


def create(program: FlaskClient, sent: dict[str, Any], with_key: str | None = None) -> TestResponse:
    return program.post(BATCHES, json=sent, headers={"Idempotency-Key": with_key or key()})


def created(program: FlaskClient, sent: dict[str, Any]) -> dict[str, Any]:
    answer = create(program, sent)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = json.loads(answer.data)
    return made
