"""What anybody may send, by the document itself: no failure on our side, and no answer that is not documented."""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from appliance.demonstration.participants import ZHANG
from appliance.events import WebhookActor
from appliance.wiring import Appliance
from tests.api.contracts_made import CONTRACTS, drafted
from tests.api.programs import ERP, Programs
from tests.api.templates_made import batch, created, offered, row
from webui.api.operations import OPERATIONS

EXAMPLES = int(os.environ.get("API_EXAMPLES", "6"))
"""Requests for each operation; ``make api-fuzz`` sends many more."""

load_all_checks()


@schemathesis.serializer("application/pdf")
def as_it_is(_context: Any, value: Any) -> bytes:
    """Bytes go as they are; most of them are no PDF."""
    return value if isinstance(value, bytes) else str(value).encode()


ANY = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
"""What each answer has to pass."""

NEGATIVE = "negative_data_rejection"
"""That what does not fit is refused; where the test has put the id of something that exists, schemathesis cannot
tell."""

ROOT = WebhookActor("root")


def things_made(appliance: Appliance, erp: FlaskClient, path: str, name: str) -> dict[str, str]:
    """What the request is about, by the part of its path, the parameter, or the member of its body."""
    made: dict[str, str] = {}
    if "{contract_id}" in path:
        made["contract_id"] = drafted(erp)["id"]
    if path.startswith("/templates") or name == "create_batch":
        made["template_id"] = made["template"] = offered(appliance).id
        made["initiator"] = ZHANG.email
    if "{batch_id}" in path:
        made["batch_id"] = created(erp, batch(offered(appliance), [row(1)]))["id"]
    if "{webhook_id}" in path:
        made["webhook_id"] = appliance.webhooks.create(ERP, "https://erp.enterprise.example/hook", (), by=ROOT).id
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", [each.name for each in OPERATIONS])
def test_whatever_is_sent_gets_a_documented_answer(
    portal: Flask, known: Programs, appliance: Appliance, erp: FlaskClient, name: str
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", portal)
    [found] = [each.ok() for each in schema.include(operation_id=name).get_all_operations()]
    headers = {"Authorization": f"Bearer {known.token(ERP)}"}
    made = things_made(appliance, erp, found.path, name)
    checks = CHECKS.get_by_names([*ANY, *([] if made else [NEGATIVE])])

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any) -> None:
        for part in made.keys() & (case.path_parameters or {}).keys():
            case.path_parameters[part] = made[part]
        if "contract_id" in made and "If-Match" in (case.headers or {}):
            case.headers["If-Match"] = erp.get(f"{CONTRACTS}/{made['contract_id']}").headers["ETag"]
        for asked in (case.query, case.body):
            if isinstance(asked, dict):
                asked.update({member: made[member] for member in made.keys() & asked.keys()})
        if str((case.query or {}).get("wait", "")) in map(str, range(31)):
            case.query["wait"] = 0  # what is waited for is tested elsewhere
        case.call_and_validate(headers={} if name == "token" else headers, checks=checks)

    given(case=found.as_strategy())(send)()
    if "webhook_id" in made:
        appliance.webhooks.remove(made["webhook_id"], ROOT)
