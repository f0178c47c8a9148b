"""``/tsa`` through the portal in development: what the timestamp service says is what the client sees."""

from __future__ import annotations

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from werkzeug.test import Client, TestResponse

from hsm.timestamp import parse_response
from tests.conformance.endpoint import QUERY, RunningTsa
from tests.conformance.test_http import PLAIN
from tests.ports import free_port
from webui.portal.timestamp_forwarder import TimestampForwarder


def pages(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("418 I'm a Teapot", [])
    return []


def asked(
    port: int, method: str = "POST", path: str = "/tsa", body: bytes = PLAIN, **more: object
) -> TestResponse:
    return Client(TimestampForwarder(pages, port)).open(path, method=method, data=body, headers=QUERY, **more)


def test_a_request_is_answered_with_a_recorded_token(tsa: RunningTsa) -> None:
    answer = asked(tsa.port)
    assert (answer.status_code, answer.content_type) == (200, "application/timestamp-reply")
    assert answer.headers["Cache-Control"] == "no-store"
    assert parse_response(answer.data)
    tsa.require_recorded(answer.data)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_another_method_is_405(tsa: RunningTsa, method: str) -> None:
    answer = asked(tsa.port, method, body=b"")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert (answer.data == b"") is (method == "HEAD")


def test_what_is_too_large_is_413_and_no_more_than_that_is_forwarded(tsa: RunningTsa) -> None:
    assert asked(tsa.port, body=b"x" * 3_000_000).status_code == 413


def test_a_body_that_breaks_off_is_400(tsa: RunningTsa) -> None:
    before = tsa.recorded()
    assert asked(tsa.port, environ_overrides={"CONTENT_LENGTH": str(len(PLAIN) + 1)}).status_code == 400
    assert tsa.recorded() == before


def test_without_the_service_it_is_502() -> None:
    assert asked(free_port()).status_code == 502


@pytest.mark.parametrize("path", ["/", "/tsa/", "/tsa/x"])
def test_everything_else_is_the_portals(tsa: RunningTsa, path: str) -> None:
    assert asked(tsa.port, path=path).status_code == 418
