"""Pages that are captured again and again, by schedules that a program orders in an investigator's name."""

from __future__ import annotations

from datetime import time
from functools import partial
from typing import Final

from appliance.captures.orders import PlanDraft
from appliance.model.api_clients import Scope
from appliance.model.captures import CaptureSchedule
from webui.api.capture_types import (
    ApiCaptures,
    ApiCaptureSchedule,
    ApiCaptureSchedules,
    ApiNewCaptureSchedule,
)
from webui.api.captures import ORDERING, captures_page, draft_of, pointed_at, steps_given
from webui.api.conversions import utc
from webui.api.initiators import investigator_of
from webui.api.lists import in_list, one_page
from webui.api.operations import Answer, Call, Declared, KeyRule, Leads, operation
from webui.api.types import ApiPage
from webui.shared.served import appliance

ONE: Final = "/capture-schedules/{schedule_id}"
SCHEDULE: Final = Leads("capture_schedule", {"schedule_id": "$response.body#/id"})


@operation(
    "POST",
    "/capture-schedules",
    Scope.CAPTURES_WRITE,
    {201: ApiCaptureSchedule},
    Declared(body=ApiNewCaptureSchedule, problems=ORDERING, key=KeyRule.REQUIRED),
    SCHEDULE,
)
def order_capture_schedule(call: Call) -> Answer:
    """Have a web page captured by schedule.

    The first time as soon as possible, then by the calendar in the investigator's time zone. Each capture is
    compared with the one before.
    """
    given = call.body(ApiNewCaptureSchedule)
    by = investigator_of(call, given.investigator)
    draft = draft_of(given.address, given.purpose, given.steps)
    plan = PlanDraft(time.fromisoformat(given.at), given.every, given.times)
    with pointed_at():
        made = appliance.captures.order_by_plan(
            draft, plan, by=by, client=call.client.client.id, number=call.chosen
        )
    return Answer(_schedule(made), 201, headers={"Location": f"/api/v1/capture-schedules/{made.id}"})


@operation(
    "GET",
    "/capture-schedules",
    Scope.CAPTURES_READ,
    {200: ApiCaptureSchedules},
    Declared(query=ApiPage),
    Leads("listed_capture_schedule", {"schedule_id": "$response.body#/schedules/0/id"}),
)
def list_capture_schedules(call: Call) -> Answer:
    """List the schedules of captures.

    Those that the client ordered; nobody else's.
    """
    page = call.query(ApiPage)
    with in_list():
        found = appliance.captures.schedules_of_client(after=page.after, limit=page.limit + 1)
    shown, last = one_page(found, page.limit, lambda each: each.id)
    return Answer(ApiCaptureSchedules([_schedule(each) for each in shown], last))


@operation("GET", ONE, Scope.CAPTURES_READ, {200: ApiCaptureSchedule}, Declared(problems=("not-found",)), SCHEDULE)
def get_capture_schedule(call: Call, schedule_id: str) -> Answer:
    """Read a schedule of captures."""
    return Answer(_schedule(appliance.captures.schedule_of_client(schedule_id)))


@operation(
    "GET",
    f"{ONE}/captures",
    Scope.CAPTURES_READ,
    {200: ApiCaptures},
    Declared(query=ApiPage, problems=("not-found",)),
    Leads("scheduled_capture", {"capture_id": "$response.body#/captures/0/id"}),
)
def list_scheduled_captures(call: Call, schedule_id: str) -> Answer:
    """List the captures of a schedule."""
    schedule = appliance.captures.schedule_of_client(schedule_id)
    return captures_page(call.query(ApiPage), partial(appliance.captures.page_by_plan, schedule))


@operation(
    "POST",
    f"{ONE}/stop",
    Scope.CAPTURES_WRITE,
    {200: ApiCaptureSchedule},
    Declared(problems=("not-found", "state-refused"), key=KeyRule.OPTIONAL),
    SCHEDULE,
)
def stop_capture_schedule(call: Call, schedule_id: str) -> Answer:
    """Stop a schedule of captures.

    No more captures are made by it. Those that were made stay, and one that waits is made.
    """
    schedule = appliance.captures.schedule_of_client(schedule_id)
    if not (call.again and schedule.stopped is not None):
        appliance.captures.stop(schedule.id, by=schedule.owner)
    return Answer(_schedule(appliance.captures.schedule_of_client(schedule_id)))


def _schedule(schedule: CaptureSchedule) -> ApiCaptureSchedule:
    plan = schedule.plan
    return ApiCaptureSchedule(
        id=schedule.id,
        investigator=schedule.owner,
        address=schedule.address,
        purpose=schedule.purpose,
        steps=steps_given(schedule.steps),
        at=plan.at.isoformat("minutes"),
        zone=plan.zone,
        every=plan.every,
        times=plan.times,
        first=plan.first,
        ordered=utc(schedule.made),
        past=schedule.turn,
        missed=schedule.missed,
        due=None if schedule.due is None else utc(schedule.due),
        stopped=None if schedule.stopped is None else utc(schedule.stopped),
    )
