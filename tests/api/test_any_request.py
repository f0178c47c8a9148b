"""What anybody may send, by the document itself, to one operation and one after another as its links lead: each
answer passes every check that schemathesis has."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from schemathesis import hooks
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from appliance.demonstration.participants import ZHANG
from appliance.events import WebhookActor
from appliance.model.accounts import AccountRole
from appliance.store import accounts
from appliance.store.mail_merges import due_merges
from appliance.wiring import Appliance
from tests.api.conftest import program
from tests.api.contracts_made import CONTRACTS, document
from tests.api.contracts_made import key as new_key
from tests.api.programs import BETAS, ERP, Programs
from tests.api.templates_made import offered, row
from tests.remote_signing.served import served
from webui.api.openapi import document as document_of_api

SECONDS = int(os.environ.get("API_SECONDS", "0"))
"""For which all of it goes on, with other requests each time; ``make api-fuzz`` says it."""

SEED = int(os.environ.get("API_SEED", "1"))
"""The same requests to each operation come of the same seed; which links are followed is left to chance."""

CHECKED: dict[str, Any] = {
    # 412: the version is not the contract's. 409: the state forbids it. 422: what no schema can say, such as a
    # person who is not there, a PDF that is none, a time zone, a deadline of yesterday. Not 400, 413, 415, 428.
    # 304: If-None-Match.
    "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "401", "403", "404", "409", "412", "422"]},
    # 412: an If-Match that is no version is not the contract's. 413: it may have been made too large. No 5xx.
    "negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "428"]
    },
    # 400: Idempotency-Key. 428: If-Match (RFC 6585, 3).
    "missing_required_header": {"expected-statuses": ["400", "428"]},
    # Seconds, half of what nginx waits; drafts are typeset, files verified.
    "max_response_time": 60,
}

ROOT = WebhookActor("root")

load_all_checks()


@schemathesis.serializer("application/pdf")
def as_it_is(_context: Any, value: Any) -> bytes:
    """Bytes go as they are; most of them are no PDF."""
    return value if isinstance(value, bytes) else str(value).encode("latin-1", "replace")


@cache
def _lists() -> set[str]:
    """The parameters that are lists."""
    return {
        each["name"]
        for path in json.loads(document_of_api())["paths"].values()
        for operation in path.values()
        for each in operation.get("parameters", ())
        if each["schema"].get("type") == "array"
    }


def _vanishes(name: str, value: Any) -> bool:
    return value in ({}, []) or (isinstance(value, list) and name not in _lists())


@dataclass(frozen=True, slots=True)
class Things:
    """What requests are about that only somebody who knows the enterprise can name."""

    erp: FlaskClient
    secret: str
    template: str

    def put_into(self, case: Any) -> None:
        """Before a request is sent: names the initiator, a real document, a template, the version of now, in three
        of four requests that fit the document. Ids come from the answers before, along the links."""
        if isinstance(case.query, dict) and re.fullmatch("[0-9]|[12][0-9]|30", str(case.query.get("wait", ""))):
            case.query["wait"] = 0  # what is waited for is tested elsewhere
        if isinstance(case.query, dict):  # an empty object is not sent, a list of one value as that
            case.query.update({name: str(value) for name, value in case.query.items() if _vanishes(name, value)})
        if case.operation.path == "/token":
            (case.headers or {}).pop("Authorization", None)  # whoever has a token needs none
        if case.meta is None or case.meta.generation.mode.is_negative:
            return
        if (case.headers or {}).get("If-Match") == "":  # a link from an answer without an ETag; it fits no pattern
            case.headers["If-Match"] = '"0"'
        if "Idempotency-Key" in (case.headers or {}):
            case.headers["Idempotency-Key"] = new_key()
        if zlib.crc32(repr((case.body, case.query, case.headers)).encode("utf-8", "replace")) % 4 == 0:
            return
        if isinstance(case.query, dict) and "initiator" in case.query:
            case.query["initiator"] = ZHANG.email
        if isinstance(case.body, dict):
            case.body = self._known(case.body)
        elif case.media_type == "application/pdf":
            case.body = document().decode("latin-1")  # text, as the schema has it
        parts = case.path_parameters or {}
        if "template_id" in parts:
            parts["template_id"] = self.template
        if "contract_id" in parts and "If-Match" in (case.headers or {}):
            now = self.erp.get(f"{CONTRACTS}/{parts['contract_id']}").headers.get("ETag")
            case.headers["If-Match"] = now or case.headers["If-Match"]

    def _known(self, body: dict[str, Any]) -> dict[str, Any]:
        if "grant_type" in body:
            return {"grant_type": "client_credentials", "client_id": ERP, "client_secret": self.secret}
        named = {
            "deadline": {"at": "2090-12-31T10:00:00Z", "zone": "Asia/Shanghai"},
            "amount": None,
            "initiator": ZHANG.email,
            "person": ZHANG.subject,
            "depositor": ZHANG.email,
            "investigator": ZHANG.email,
            "address": "https://www.example.com/",
            "declaration": {"version": "1", "by": ZHANG.email, "obtained": "2026-11-01"},
            "template": self.template,
            "document": base64.b64encode(document()).decode(),
        }
        if body.get("rows"):
            body = {name: value for name, value in body.items() if name not in ("document", "sheet")}
            named["rows"] = [row(number) for number in range(len(body["rows"]))]
        elif "title" in body and "document" not in body:
            named |= {name: value for name, value in row(1).items() if name in ("fields", "parties")} | {
                "version": 1
            }
        return body | {name: value for name, value in named.items() if name in body}


@pytest.fixture(scope="module")
def things(portal: Flask, known: Programs, appliance: Appliance) -> Iterator[Things]:
    with appliance.database.transaction() as tx:
        roles = accounts.account(tx, ZHANG.subject).roles
        accounts.set_roles(tx, ZHANG.subject, {*roles, AccountRole.INVESTIGATOR})
    webhook = appliance.webhooks.create(ERP, "https://erp.enterprise.example/hook", (), by=ROOT)
    things = Things(program(portal, known, ERP), known.secrets[ERP], offered(appliance).id)

    @schemathesis.hook
    def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
        things.put_into(case)

    yield things
    hooks.unregister(before_call)
    for each in appliance.database.query(due_merges):  # others of these tests make what is due
        appliance.mail_merges.cancel(each.id, by=each.owner)
    appliance.webhooks.remove(webhook.id, ROOT)


@pytest.fixture(scope="module")
def address(portal: Flask) -> Iterator[str]:
    """Of the portal behind a real server: some checks ask again with another token, which takes one."""
    with served(portal) as address:
        yield address


@pytest.fixture
def schema(address: str, known: Programs, things: Things, tmp_path: Path) -> Any:
    """The document as schemathesis tests it: as the client of the ERP, which shares nothing with one of Beta's."""
    clients = [
        {"name": each, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {known.token(each)}"}]}
        for each in (ERP, BETAS)
    ]
    (tmp_path / "clients.json").write_text(json.dumps({"auth": clients}))
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "max-failures": 50,
            "request-timeout": 90,
            "auth": {"wfc": {"path": str(tmp_path / "clients.json"), "user": ERP, "peers": [ERP, BETAS]}},
            "checks": CHECKED,
            "warnings": {"enabled": False},
        }
        | ({"max-time": SECONDS} if SECONDS else {})
    )
    return schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", config=config)


NO_MANIFEST = b"A deposit of one file has no manifest"
"""What no schema can say: the deposit that was just made has nothing there, and that is no fault."""


def require_none_fails(schema: Any) -> None:
    """Fails with each failure once, and a command that repeats it. Prints what was answered how often, and which
    operations refused everything."""
    found: dict[tuple[str, str], str] = {}
    answered: Counter[int] = Counter()
    succeeded: dict[str, bool] = {}
    for event in from_schema(schema).execute():
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.NonFatalError):
            found[event.label, ""] = f"{event.label}: {event.value!r}"
        if isinstance(event, events.ScenarioFinished):
            record = event.recorder
            for case, sent in record.interactions.items():
                status, label = (
                    sent.response.status_code if sent.response else 0,
                    record.cases[case].value.operation.label,
                )
                answered[status] += 1
                succeeded[label] = succeeded.get(label, False) or 200 <= status < 300
            for case, checks in record.checks.items():
                for info in (each.failure_info for each in checks if each.failure_info):
                    answer, failed = record.interactions[case].response, info.failure
                    if answer is not None and NO_MANIFEST in (answer.content or b""):
                        continue
                    said = "" if answer is None else f"{answer.status_code} {(answer.content or b'')[:500]!r}"
                    told = (
                        f"{failed.operation}: {failed.title}: {failed.message}\n{info.code_sample[:2000]}\n{said}"
                    )
                    found.setdefault((failed.title, failed.operation), told)
    never = ", ".join(label for label, done in sorted(succeeded.items()) if not done)
    statuses = ", ".join(f"{status}: {times}" for status, times in sorted(answered.items()))
    sys.stdout.write(f"{answered.total()} requests ({statuses}); never done: {never or 'none'}\n")
    assert succeeded, "nothing was asked"
    if found:
        pytest.fail("\n\n".join(found.values()), pytrace=False)


def test_every_check_is_made(schema: Any) -> None:
    config = schema.config.checks_config_for()
    names = [name for name in CHECKS.get_all_names() if name != "all"]
    assert len(names) > 13 and config.max_response_time.enabled
    assert [name for name in names if not config.get_by_name(name=name).enabled] == []


@pytest.mark.slow
def test_each_operation(schema: Any) -> None:
    schema.config.phases.stateful.enabled = False
    schema.config.phases.fuzzing.generation.max_examples = 5
    require_none_fails(schema)


@pytest.mark.slow
def test_one_after_another(schema: Any) -> None:
    for phase in ("coverage", "fuzzing"):  # the examples make what the links lead on from
        schema.config.phases.get_by_name(name=phase).enabled = False
    schema.config.phases.stateful.generation.max_examples = 100
    require_none_fails(schema)


@pytest.mark.skipif(not SECONDS, reason="make api-fuzz")
def test_everything(schema: Any) -> None:
    schema.config.phases.fuzzing.generation.max_examples = 100
    schema.config.phases.stateful.generation.max_examples = 300
    require_none_fails(schema)
