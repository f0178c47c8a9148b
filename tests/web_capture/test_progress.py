"""A capture tells how far it is, and whoever is told can end it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from appliance.web_capture.model import CaptureFailed, CaptureProgress, CaptureStage, Traffic
from appliance.web_capture.reporting import CaptureReporting
from tests.web_capture.conftest import Capturing
from tests.web_capture.servers import Server, page

Served = Callable[..., Server]


def test_every_stage_and_what_has_passed(served: Served, capturing: Capturing) -> None:
    told: list[CaptureProgress] = []
    server = served({"site.example": lambda _: page("<p>shown")})
    found = capturing(f"http://site.example:{server.port}/", ["site.example"], progress=told.append)
    stages = list(dict.fromkeys(each.stage for each in told))
    assert stages == [
        CaptureStage.STARTING,
        CaptureStage.LOADING,
        CaptureStage.SCROLLING,
        CaptureStage.PICTURE,
        CaptureStage.PACKING,
    ]
    assert (told[-1].requests, told[-1].received) == (
        found.capture.traffic.requests,
        found.capture.traffic.received,
    )
    assert told[-1].received > 0
    assert [each.received for each in told] == sorted(each.received for each in told)


def test_within_a_stage_at_most_twice_a_second() -> None:
    told: list[CaptureProgress] = []
    steps = count()
    reporting = CaptureReporting(told.append, Traffic(), clock=lambda: next(steps) / 100)
    reporting.enter(CaptureStage.LOADING)
    for _ in range(200):  # a hundredth of a second each, or two where it reports
        reporting.tick()
    assert 4 <= len(told) <= 6
    reporting.enter(CaptureStage.SCROLLING)
    reporting.enter(CaptureStage.PICTURE)
    assert [each.stage for each in told[-2:]] == [CaptureStage.SCROLLING, CaptureStage.PICTURE]


def test_whoever_is_told_can_end_it(served: Served, capturing: Capturing) -> None:
    """Also while the browser waits for a server that says nothing."""

    stop = threading.Event()
    told: list[CaptureProgress] = []

    def silent() -> Iterator[bytes]:
        stop.wait(30)
        yield b"HTTP/1.1 200 OK\r\n\r\nlate"

    def end(progress: CaptureProgress) -> None:
        told.append(progress)
        if [each.stage for each in told].count(CaptureStage.LOADING) == 3:
            raise CaptureFailed("Nobody waits for this capture any more.")

    server = served({"site.example": lambda _: silent()})
    with pytest.raises(CaptureFailed, match="Nobody waits"):
        capturing(f"http://site.example:{server.port}/", ["site.example"], progress=end)
    stop.set()
    assert told[-1].stage is CaptureStage.LOADING
