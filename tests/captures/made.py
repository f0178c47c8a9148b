"""A capture that is done, for tests of pages: a real one, made once in a run, recorded by the real appliance."""

from __future__ import annotations

from datetime import time
from functools import partial

from appliance.captures import CaptureRequest
from appliance.captures.orders import CaptureDraft, PlanDraft
from appliance.model.captures import CaptureSchedule, OrderedCapture
from appliance.store import captures, people
from appliance.wiring import Appliance
from tests.evidence.captured import packed_again, small_capture


def ordered_by_plan(appliance: Appliance, by: str, purpose: str) -> CaptureSchedule:
    """A plan whose first capture waits."""
    draft = CaptureDraft("https://shop.example/goods?id=1", purpose)
    return appliance.captures.order_by_plan(draft, PlanDraft(time(9, 0)), by=by)


def captured(appliance: Appliance, by: str, purpose: str = "固定侵权页面") -> OrderedCapture:
    """A capture of *by* that was recorded just now; nothing else may wait."""
    queue, found = appliance.capture_queue, small_capture()
    ordered = appliance.captures.order(CaptureDraft(found.address, purpose), by=by)
    taken = appliance.database.commit(queue._take)
    assert taken is not None
    assert taken.id == ordered.id
    person = appliance.database.query(people.person, by)
    request = CaptureRequest(taken.id, purpose, person.name, person.organisation, person.zone)
    ended = appliance.now()
    found = packed_again(found, began=ended - (found.ended - found.began), ended=ended)
    appliance.capture_recording.record(found, request=request, by=by, keep=partial(queue._keep, found))
    return appliance.database.query(captures.load_capture, taken.id)
