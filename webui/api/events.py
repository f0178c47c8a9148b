"""Events: what became of contracts, captures and deposits, read from the log."""

from __future__ import annotations

from msgspec import UNSET, convert

from appliance.errors import PreconditionRefused
from appliance.events import EventType, wanted_types
from appliance.model.api_clients import Scope
from webui.api.event_types import ApiEvent, ApiEventFilter, ApiEvents
from webui.api.operations import Answer, Call, Declared, Leads, operation
from webui.api.problems import ProblemError
from webui.shared.served import appliance


def types_called(names: list[str], code: str) -> frozenset[EventType]:
    """The types called so. Raises :class:`ProblemError` with *code* for one that is not there."""
    try:
        return wanted_types(names)
    except PreconditionRefused as refusal:
        raise ProblemError(refusal.template, code, pointer="/types", **refusal.values) from refusal


@operation(
    "GET",
    "/events",
    Scope.EVENTS_READ,
    {200: ApiEvents},
    Declared(query=ApiEventFilter),
    Leads(
        "event",
        {"contract_id": "$response.body#/events/0/data/contract", "number": "$response.body#/events/0/log/entry"},
    ),
)
def list_events(call: Call) -> Answer:
    """Read events.

    What happened to the contracts within the client's reach, to the captures that it ordered (with
    `captures:read`) and to its organisations' deposits (with `deposits:read`), in the order of the log. Go on with
    `cursor` as `after`; an event that was read twice has the same `id`. Each event names its entry in the log, and
    where the proof is that it is there.

    With `wait` the answer comes as soon as there is an event. It may come earlier without one: the appliance keeps
    only a few requests waiting.
    """
    wanted = call.query(ApiEventFilter)
    types = types_called([] if wanted.types is UNSET else wanted.types, "invalid-parameter")
    try:
        page = appliance.events.wait_after(
            wanted.after, call.client.client.reach, limit=wanted.limit, types=types, seconds=wanted.wait
        )
    except PreconditionRefused as refusal:
        raise ProblemError(refusal.template, "invalid-parameter", pointer="/after", **refusal.values) from refusal
    events = [convert(each.as_json(), ApiEvent) for each in page.events]
    return Answer(ApiEvents(events, page.cursor, page.more))
