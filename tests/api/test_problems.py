"""Every error of the API is a problem, in the caller's language, and no cookie means anything there."""

from __future__ import annotations

import base64
import json
import logging
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from msgspec import Meta, Struct
from werkzeug.test import TestResponse

from appliance.demonstration.participants import ZHANG
from appliance.model.administration import MaintenanceWindow
from appliance.model.api_clients import Scope
from appliance.wiring import Appliance
from tests.api.conftest import Time, program
from tests.api.contracts_made import CONTRACTS, drafted, etag, key, terms
from tests.api.programs import ERP, GONE, READER, Programs
from tests.portal import visitors
from tests.world import with_parts
from webui.api import openapi, request_content
from webui.api.operations import OPERATIONS
from webui.api.problems import ProblemError
from webui.api.types import ApiNewParty
from webui.portal.application import create_app
from webui.shared.programs import TITLES
from webui.shared.rate_limits import RateLimits

PROBLEM = Draft202012Validator(json.loads(openapi.document())["components"]["schemas"]["Problem"])


def require_problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    problem: dict[str, Any] = json.loads(answer.data)
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert answer.mimetype == "application/problem+json"
    PROBLEM.validate(problem)
    assert problem["instance"] == answer.headers["X-Request-Id"] and problem["status"] == status
    assert "Set-Cookie" not in answer.headers and "Access-Control-Allow-Origin" not in answer.headers
    return problem


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1", "/api/v2/contracts", "/api/v1/contracts/a/b/c/d"])
def test_an_unknown_address(erp: FlaskClient, path: str) -> None:
    require_problem(erp.get(path), 404, "not-found")
    require_problem(erp.post(path, data={"form_token": "x"}), 404, "not-found")


def test_a_method_that_is_not_there(erp: FlaskClient) -> None:
    answer = erp.put(CONTRACTS, json={})
    require_problem(answer, 405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    require_problem(erp.options(CONTRACTS), 405, "method-not-allowed")


BODIES: list[tuple[bytes, str, int, str, str]] = [
    (b"{", "application/json", 400, "not-json", ""),
    (b'{"title": "\xff"}', "application/json", 400, "not-json", ""),
    (b"[" * 100_000, "application/json", 422, "invalid-body", ""),
    (b"{}", "text/plain", 415, "unsupported-media-type", ""),
    (b"{}", "application/x-www-form-urlencoded", 415, "unsupported-media-type", ""),
    (b"{}", "application/json", 422, "invalid-body", "/title"),
    (b"[]", "application/json", 422, "invalid-body", ""),
    (b'{"title": 5}', "application/json", 422, "invalid-body", "/title"),
    (b'{"title": ""}', "application/json", 422, "invalid-body", "/title"),
    (json.dumps(terms(colour="red")).encode(), "application/json", 422, "invalid-body", "/colour"),
    (json.dumps(terms(title="a\x00b")).encode(), "application/json", 422, "invalid-body", "/title"),
    (json.dumps(terms(document="%%%")).encode(), "application/json", 422, "invalid-body", "/document"),
    (
        json.dumps(terms(deadline={"at": "2026-12-31T18:00:00", "zone": "UTC"})).encode(),
        *("application/json", 422, "invalid-body", "/deadline/at"),
    ),
    (
        json.dumps(terms(deadline={"at": "0001-01-01T00:00:00+14:00", "zone": "UTC"})).encode(),
        *("application/json", 422, "invalid-body", "/deadline/at"),
    ),
]


@pytest.mark.parametrize(("body", "kind", "status", "code", "pointer"), BODIES)
def test_a_content_that_does_not_fit(
    erp: FlaskClient, body: bytes, kind: str, status: int, code: str, pointer: str
) -> None:
    answer = erp.post(CONTRACTS, data=body, content_type=kind, headers={"Idempotency-Key": key()})
    assert require_problem(answer, status, code).get("pointer", "") == pointer


MISFITS: list[tuple[dict[str, Any], str, str]] = [
    ({"title": 5}, "/title", "A text is expected here."),
    ({"title": ""}, "/title", "This text must not be empty."),
    ({"title": "x" * 201}, "/title", "This text is too long; 200 characters are possible."),
    ({"initiator": "a"}, "/initiator", "This text is too short; it needs 3 characters."),
    ({"order": "random"}, "/order", "One of these values is expected here: parallel, sequential."),
    ({"deadline": "soon"}, "/deadline", "An object is expected here."),
    ({"deadline": {"zone": "UTC"}}, "/deadline/at", "The field at is missing."),
    ({"deadline": {"at": "soon", "zone": "UTC"}}, "/deadline/at", request_content.MOMENT),
    ({"deadline": {"at": 5, "zone": "UTC"}}, "/deadline/at", request_content.MOMENT),
    ({"deadline": {"at": "2026-12-31T18:00:00", "zone": "UTC"}}, "/deadline/at", request_content.MOMENT),
    ({"amount": {"value": "1,000", "currency": "CNY"}}, "/amount/value", "An amount has digits"),
    ({"amount": {"value": "1", "currency": "yuan"}}, "/amount/currency", "A currency has three capital letters"),
    ({"document": "%%%"}, "/document", request_content.BASE64),
    ({"colour": "red"}, "/colour", "There is no field colour here."),
]


@pytest.mark.parametrize(("changes", "pointer", "sentence"), MISFITS)
def test_what_does_not_fit_is_said_in_our_own_words(
    erp: FlaskClient, changes: dict[str, Any], pointer: str, sentence: str
) -> None:
    answer = erp.post(CONTRACTS, json=terms(**changes), headers={"Idempotency-Key": key()})
    problem = require_problem(answer, 422, "invalid-body")
    assert problem["pointer"] == pointer and problem["detail"].startswith(sentence)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (f"{CONTRACTS}?limit=0", "This number must be 1 at least."),
        (f"{CONTRACTS}?limit=101", "This number must be 100 at most."),
        (f"{CONTRACTS}?limit=x", "A whole number is expected here."),
        (f"{CONTRACTS}?state=lost", "One of these values is expected here: completed, declined, "),
        (f"{CONTRACTS}?changed_since=2026-12-31T18:00:00+08:00", request_content.MOMENT_IN_ADDRESS),
        (f"{CONTRACTS}?changed_since=5", request_content.MOMENT_IN_ADDRESS),
    ],
)
def test_what_does_not_fit_in_an_address_is_said_in_our_own_words(
    erp: FlaskClient, path: str, sentence: str
) -> None:
    assert require_problem(erp.get(path), 422, "invalid-parameter")["detail"].startswith(sentence)


class Everything(Struct, forbid_unknown_fields=True):
    """One member of each kind that contents may have."""

    numbers: Annotated[list[Annotated[float, Meta(gt=0, lt=9)]], Meta(min_length=2, max_length=3)] = []
    some: Annotated[list[int], Meta(min_length=1)] | None = None
    flag: bool = False
    day: date | None = None
    cells: dict[str, str | int | float | bool | None] = {}
    size: Annotated[int, Meta(ge=0, le=10)] = 0
    blank: Annotated[str, Meta(pattern=r"\S")] = "x"
    id: Annotated[str, Meta(pattern="^[0-9]{2}$")] = "00"
    party: ApiNewParty | None = None


@pytest.mark.parametrize(
    ("content", "pointer", "sentence"),
    [
        ("[]", "", "An object is expected here."),
        ('{"numbers": 1}', "/numbers", "A list is expected here."),
        ('{"numbers": [1]}', "/numbers", "This list is too short; it needs 2 entries."),
        ('{"numbers": [1, 1, 1, 1]}', "/numbers", "This list is too long; 3 entries are possible."),
        ('{"numbers": [1, "x"]}', "/numbers/1", "A number is expected here."),
        ('{"numbers": [1, 0]}', "/numbers/1", "This number must be greater than 0."),
        ('{"numbers": [1, 9]}', "/numbers/1", "This number must be smaller than 9."),
        ('{"some": []}', "/some", "This list must not be empty."),
        ('{"flag": "yes"}', "/flag", "Here true or false is expected."),
        ('{"day": "31.12.2026"}', "/day", request_content.DAY),
        ('{"day": 5}', "/day", request_content.DAY),
        ('{"cells": {"a": []}}', "/cells", "A text, a number, true or false, or null is expected here."),
        ('{"size": 1.5}', "/size", "A whole number is expected here."),
        ('{"size": 1e400}', "/size", "This number is too large or too small."),
        ('{"blank": " "}', "/blank", "This text must not be blank."),
        ('{"id": "x"}', "/id", "The text does not have the form ^[0-9]{2}$."),
        (
            '{"party": {"kind": "group"}}',
            "/party/kind",
            "One of these values is expected here: person, seal, outside",
        ),
        ('{"party": {}}', "/party/kind", "The field kind is missing."),
    ],
)
def test_every_kind_of_misfit_has_its_sentence(content: str, pointer: str, sentence: str) -> None:
    with pytest.raises(ProblemError) as refused:
        read_as(content.encode(), Everything)
    assert refused.value.pointer == pointer and str(refused.value).startswith(sentence)


def read_as(content: bytes, kind: type[Struct]) -> object:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as wrong:
        raise request_content.problem_of(str(wrong), kind, "invalid-body") from wrong


@pytest.mark.parametrize("given", ["1", "v1", "1, 2"])
def test_a_version_without_quotation_marks_is_no_version(erp: FlaskClient, given: str) -> None:
    made = drafted(erp)
    answer = erp.patch(f"{CONTRACTS}/{made['id']}", json={"title": "x"}, headers={"If-Match": given})
    assert "quotation marks" in require_problem(answer, 400, "version-invalid")["detail"]


@pytest.mark.parametrize("given", ['"0"', 'W/"1"', '"x"', "*"])
def test_another_version_has_changed(erp: FlaskClient, given: str) -> None:
    made = drafted(erp)
    answer = erp.patch(f"{CONTRACTS}/{made['id']}", json={"title": "x"}, headers={"If-Match": given})
    require_problem(answer, 412, "version-changed")


def test_a_broken_pdf_is_refused_in_our_own_words(erp: FlaskClient) -> None:
    broken = base64.b64encode(b"%PDF-1.7 nothing").decode()
    answer = erp.post(CONTRACTS, json=terms(document=broken), headers={"Idempotency-Key": key()})
    problem = require_problem(answer, 422, "document-refused")
    assert problem["detail"] == "The document is not a well-formed PDF; save it again with another program."


def test_refused_tokens_say_what_to_do(portal: Flask, known: Programs) -> None:
    other = portal.test_client()
    for header in ({}, {"Authorization": "Bearer wrong"}):
        assert "/api/v1/token" in other.get("/api/v1/client", headers=header).json["detail"]
    lacking = program(portal, known, READER).get("/api/v1/people")
    assert "an administrator gives" in require_problem(lacking, 403, "scope-missing")["detail"]


def test_a_pointer_leads_into_lists(erp: FlaskClient) -> None:
    made = drafted(erp)
    place = {"page": 1, "x": 1, "y": 1, "width": 1, "height": 1}
    answer = erp.put(
        f"{CONTRACTS}/{made['id']}/parties/{'0' * 24}/places",
        json={"places": [place, {**place, "x": "left"}]},
        headers=etag(made),
    )
    assert require_problem(answer, 422, "invalid-body")["pointer"] == "/places/1/x"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=x", "/limit"),
        ("state=lost", "/state"),
        ("colour=red", "/colour"),
        ("changed_since=yesterday", "/changed_since"),
        ("changed_since=0.5", "/changed_since"),
        ("changed_since=1e9", "/changed_since"),
        ("changed_since=9999-12-31T23:59:59-12:00", "/changed_since"),
        ("limit=1&limit=2", ""),
    ],
)
def test_a_parameter_that_does_not_fit(erp: FlaskClient, query: str, pointer: str) -> None:
    problem = require_problem(erp.get(f"{CONTRACTS}?{query}"), 422, "invalid-parameter")
    assert problem.get("pointer", "") == pointer


def test_a_place_that_no_list_has(erp: FlaskClient) -> None:
    problem = require_problem(erp.get(f"{CONTRACTS}?after=nowhere"), 422, "invalid-parameter")
    assert problem["pointer"] == "/after"


def test_a_content_that_is_too_large(erp: FlaskClient, appliance: Appliance) -> None:
    made, largest = drafted(erp), appliance.settings.documents.largest
    answer = erp.put(
        f"{CONTRACTS}/{made['id']}/document",
        content_type="application/pdf",
        headers=etag(made),
        environ_overrides={"CONTENT_LENGTH": str(largest + 1)},
    )
    require_problem(answer, 413, "content-too-large")


def test_sentences_are_in_the_callers_language(erp: FlaskClient) -> None:
    english, chinese = erp.get(f"{CONTRACTS}/x"), erp.get(f"{CONTRACTS}/x", headers={"Accept-Language": "zh-CN"})
    assert english.json["detail"] == "There is no contract x."
    assert "合同" in chinese.json["detail"] and chinese.json["code"] == "not-found"
    assert chinese.json["title"] != english.json["title"]
    erp.set_cookie("language", "zh")
    assert erp.get(f"{CONTRACTS}/x").json["detail"] == english.json["detail"]


def test_an_address_writes_no_line_of_its_own_into_the_log(
    portal: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "vermilion.api"):
        portal.test_client().get("/api/v1/x%0AERROR vermilion.api forged")
    [said] = [each.getMessage() for each in caplog.records if each.name == "vermilion.api"]
    assert "\n" not in said and "GET /api/v1/x%0AERROR%20vermilion.api%20forged 404" in said


def test_the_callers_request_id_is_answered_and_logged(erp: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "vermilion.api"):
        answer = erp.get("/api/v1/client", headers={"X-Request-Id": "order-4711"})
        other = erp.get("/api/v1/client", headers={"X-Request-Id": "a\tb"})
    assert answer.headers["X-Request-Id"] == "order-4711" != other.headers["X-Request-Id"]
    assert f"order-4711 GET /api/v1/client 200 client={ERP}" in caplog.text


def test_what_fails_on_our_side_tells_nothing_of_why(
    portal: Flask, known: Programs, appliance: Appliance, caplog: pytest.LogCaptureFixture
) -> None:
    failing = create_app(with_parts(appliance, client_contracts=None), form_key=bytes(32))
    answer = program(failing, known, ERP).get(f"{CONTRACTS}/x")
    problem = require_problem(answer, 500, "internal")
    assert "NoneType" not in answer.text and problem["instance"] in caplog.text


def test_a_session_is_nobody_here(portal: Flask, appliance: Appliance) -> None:
    browser = visitors.signed_in(portal, appliance, ZHANG.subject)
    answer = browser.get(CONTRACTS)
    require_problem(answer, 401, "token-missing")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="vermilion"'
    assert ZHANG.name not in browser.get("/api/v1/docs").text


@pytest.mark.parametrize("path", ["/api/v1/docs", "/api/v1/openapi.json", "/api/v1/client", "/api/v1/x"])
def test_no_answer_sets_a_cookie(erp: FlaskClient, path: str) -> None:
    assert "Set-Cookie" not in erp.get(path, headers={"Accept": "text/html"}).headers


@pytest.mark.parametrize(
    "value", ["Bearer wrong", "Bearer ", "Bearer a b", "Bearer 朱".encode().decode("latin-1")]
)
def test_a_token_that_is_none(portal: Flask, value: str) -> None:
    answer = portal.test_client().get("/api/v1/client", headers={"Authorization": value})
    require_problem(answer, 401, "token-refused")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_token_is_taken_from_the_header_alone(portal: Flask, known: Programs) -> None:
    token = known.token(ERP)
    answer = portal.test_client().get("/api/v1/client", query_string={"access_token": token})
    require_problem(answer, 401, "token-missing")


def test_a_token_that_has_expired(portal: Flask, known: Programs, time: Time) -> None:
    late = program(portal, known, ERP)
    assert late.get("/api/v1/client").status_code == 200
    time.ahead = timedelta(minutes=11)
    try:
        require_problem(late.get("/api/v1/client"), 401, "token-refused")
    finally:
        time.ahead = timedelta()


def test_a_suspended_clients_tokens_are_worth_nothing(portal: Flask, known: Programs) -> None:
    known.add(GONE)
    gone = program(portal, known, GONE)
    assert gone.get("/api/v1/client").status_code == 200
    known.register.suspend(GONE, by="root")
    require_problem(gone.get("/api/v1/client"), 401, "token-refused")


def test_every_operation_needs_its_scope(portal: Flask, known: Programs) -> None:
    tokens = {scope: known.token(ERP, frozenset({scope})) for scope in (Scope.LOG_READ, Scope.PEOPLE_READ)}
    for each in OPERATIONS:
        if each.scope is not None:
            bare, other = portal.test_client(), next(scope for scope in tokens if scope is not each.scope)
            bare.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {tokens[other]}"
            address = openapi.PREFIX + each.path.format_map(defaultdict(lambda: "0" * 24))
            answer = bare.open(address, method=each.method)
            require_problem(answer, 403, "scope-missing")
            assert f'scope="{each.scope.value}"' in answer.headers["WWW-Authenticate"]


def test_nothing_is_changed_during_maintenance(erp: FlaskClient, appliance: Appliance) -> None:
    made, now = drafted(erp), appliance.now()
    appliance.maintenance.plan(MaintenanceWindow(now, now + timedelta(hours=1)), [])
    try:
        answer = erp.patch(f"{CONTRACTS}/{made['id']}", json={"title": "x"}, headers=etag(made))
        require_problem(answer, 503, "maintenance")
        assert int(answer.headers["Retry-After"]) > 60
        assert erp.get(f"{CONTRACTS}/{made['id']}").json["title"] == made["title"]
        assert erp.post("/api/v1/token", data={}).status_code == 400
    finally:
        appliance.maintenance.end()


def test_each_client_has_so_many_requests(appliance: Appliance, known: Programs) -> None:
    settings = appliance.settings
    narrow = replace(settings, api=replace(settings.api, requests_per_minute=3))
    portal = create_app(with_parts(appliance, settings=narrow), form_key=bytes(32))
    limited = program(portal, known, ERP)
    answers = [limited.get("/api/v1/client") for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert [each.headers["RateLimit"].split(";")[1] for each in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert answers[0].headers["RateLimit-Policy"] == '"minute";q=3;w=60'
    require_problem(answers[3], 429, "too-many-requests")
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    other = program(portal, known, READER)
    assert other.get("/api/v1/client").status_code == 200


def test_one_subscriber_of_ipv6_is_counted_once(appliance: Appliance) -> None:
    settings = appliance.settings
    narrow = replace(settings, api=replace(settings.api, requests_per_minute=2))
    anybody = create_app(with_parts(appliance, settings=narrow), form_key=bytes(32)).test_client()

    def status_from(address: str) -> int:
        return anybody.post("/api/v1/token", data={}, environ_base={"REMOTE_ADDR": address}).status_code

    own = [status_from(f"2001:db8::{number}") for number in (1, 2, 3)]
    assert own == [400, 400, 429] and status_from("2001:db8:0:1::1") == 400


def test_a_minute_begins_anew() -> None:
    now = [0.0]
    limits = RateLimits(1, lambda: now[0])
    assert [limits.count("one").spent for _ in range(2)] == [False, True]
    now[0] = 59.5
    allowance = limits.count("one")
    assert allowance.spent and allowance.seconds == 1 and not limits.count("other").spent
    now[0] = 60.0
    assert not limits.count("one").spent


def test_every_code_has_a_title() -> None:
    codes = {code for each in OPERATIONS for code in openapi.codes_of(each)}
    assert codes <= TITLES.keys()
