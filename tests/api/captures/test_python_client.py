"""The Python client's methods for captures and schedules, against a real portal that captures."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from zipfile import ZipFile

import pytest
from flask import Flask

from appliance.demonstration.participants import ZHANG
from appliance.wiring import Appliance
from tests.api.captures.test_captures import scheduler
from tests.api.programs import ERP, Programs
from tests.captures.conftest import Web
from tests.remote_signing.served import served
from vermilion_client import CaptureStep, Client, NewCapture, NewCaptureSchedule, ProblemError


@pytest.fixture
def client(portal: Flask, known: Programs) -> Iterator[Client]:
    with served(portal) as address:
        yield Client(address, ERP, known.secrets[ERP])


def test_a_page_is_captured_and_its_package_read(client: Client, appliance: Appliance, web: Web) -> None:
    order = NewCapture(ZHANG.email, web.address(), "固定侵权页面", (CaptureStep("wait", seconds=0.1),))
    made = client.capture(order, key="capture-1")
    assert client.capture(order, key="capture-1").id == made.id
    assert (made.state, made.steps) == ("waiting", order.steps)
    with pytest.raises(TimeoutError, match="still waiting"):
        client.wait_captured(made.id, timeout=0.02, every=0.01)
    ended = threading.Event()
    lane = threading.Thread(target=scheduler, args=(appliance, ended))
    lane.start()
    try:
        done = client.wait_captured(made.id, every=0.2, timeout=120)
    finally:
        ended.set()
        lane.join()
    assert (done.state, done.title) == ("done", "夏季新款")
    assert next(client.captures(page=1)).id == made.id
    files = {each.name: each for each in done.files}
    assert len(client.capture_file(made.id, "capture.warc.gz")) == files["capture.warc.gz"].size
    with ZipFile(io.BytesIO(client.capture_package(made.id))) as package:
        assert package.testzip() is None
    told = [each.type for each in client.events() if each.data.capture == made.id]
    assert told == ["capture.done", "capture.package_ready"]


def test_a_schedule_is_ordered_read_and_stopped(client: Client) -> None:
    plan = client.schedule_captures(
        NewCaptureSchedule(ZHANG.email, "https://example.com/", "每日固定", "09:00", times=3)
    )
    assert (plan.times, plan.past, client.capture_schedule(plan.id)) == (3, 1, plan)
    assert plan in list(client.capture_schedules(page=1))
    [first] = client.scheduled_captures(plan.id)
    assert client.cancel_capture(first.id).state == "cancelled"
    assert client.stop_schedule(plan.id).due is None
    with pytest.raises(ProblemError) as again:
        client.stop_schedule(plan.id)
    assert again.value.code == "state-refused"
