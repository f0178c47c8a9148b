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

from tests.api.contracts_made import CONTRACTS, drafted
from tests.api.programs import ERP, Programs
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
"""That what does not fit is refused; where the test has put a contract's id, schemathesis cannot tell."""


@pytest.mark.slow
@pytest.mark.parametrize("name", [each.name for each in OPERATIONS])
def test_whatever_is_sent_gets_a_documented_answer(
    portal: Flask, known: Programs, erp: FlaskClient, name: str
) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", portal)
    [found] = [each.ok() for each in schema.include(operation_id=name).get_all_operations()]
    headers = {"Authorization": f"Bearer {known.token(ERP)}"}
    of_contract = "{contract_id}" in found.path
    checks = CHECKS.get_by_names([*ANY, *([] if of_contract else [NEGATIVE])])
    draft = drafted(erp)["id"]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any) -> None:
        if of_contract:
            case.path_parameters["contract_id"] = draft
            if "If-Match" in (case.headers or {}):
                case.headers["If-Match"] = erp.get(f"{CONTRACTS}/{draft}").headers["ETag"]
        case.call_and_validate(headers={} if name == "token" else headers, checks=checks)

    given(case=found.as_strategy())(send)()
