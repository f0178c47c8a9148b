"""Events: what became of contracts, captures and deposits, read from the log; and the values of the
API about events and webhooks (see :mod:`webui.api.types`)."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, convert

from appliance.errors import PreconditionRefused
from appliance.events import EventType, wanted_types
from appliance.events.types import OF_KIND
from appliance.model.api_clients import Scope
from webui.api.operations import Answer, Call, Declared, Leads, operation
from webui.api.problems import ProblemError
from webui.api.types import Moment
from webui.shared.served import appliance

EVENT_TYPES: Final = "EventType"
"""The name of :func:`event_types_schema` in the document."""

EventName = Annotated[str, Meta(extra_json_schema={"$ref": f"#/components/schemas/{EVENT_TYPES}"})]
EventNames = Annotated[list[EventName], Meta(max_length=100)]
WebhookWord = Literal["pending", "active", "disabled"]
DisablingWord = Literal["gone", "failing", "administrator", "client"]
Entry = Annotated[int, Meta(ge=0, le=2**53 - 1, description="The number of a log entry.")]


def event_types_schema() -> dict[str, Any]:
    """Every type of event with its description, as a JSON schema."""
    types = list(OF_KIND.values())
    return {
        "title": EVENT_TYPES,
        "description": "What happened to a contract, a capture or a deposit. What happens to a draft or a capture"
        " is told to the client that made or ordered it.",
        "type": "string",
        "enum": [each.value for each in types],
        "oneOf": [{"const": each.value, "description": each.description} for each in types],
    }


class ApiEventFilter(Struct, forbid_unknown_fields=True):
    """Which events."""

    after: Annotated[
        int,
        Meta(
            ge=-1,
            le=2**53 - 1,
            description="The `cursor` of the page before; without it from the beginning of the log.",
        ),
    ] = -1
    limit: Annotated[int, Meta(ge=1, le=1000, description="How many at most.")] = 100
    types: (
        Annotated[list[EventName], Meta(min_length=1, max_length=100, description="Of these types alone.")]
        | UnsetType
    ) = UNSET
    wait: Annotated[
        int,
        Meta(ge=0, le=30, description="Where there is nothing, wait for so many seconds until there is."),
    ] = 0


class ApiEventData(Struct, omit_defaults=True):
    """What it is about: a contract, a capture or a deposit. What does not apply is left out."""

    contract: Annotated[str, Meta(description="The `id` of the contract; empty where it is about none.")]
    capture: Annotated[str, Meta(description="The `id` of the capture.")] = ""
    deposit: Annotated[str, Meta(description="The `id` of the deposit.")] = ""
    state: Annotated[str, Meta(description="Into which it brought the contract.")] = ""
    party: Annotated[str, Meta(description="The `id` of the party.")] = ""
    seal: Annotated[str, Meta(description="The `subject` of the seal.")] = ""
    client: Annotated[str, Meta(description="The client of the API that did it.")] = ""


class ApiLogReference(Struct):
    """The entry of the log that the event is made of, by which anybody can prove it."""

    entry: Annotated[int, Meta(description="Its number, from 0. It is read at `/log/entry?index=…`.")]
    leaf_hash: Annotated[
        str, Meta(pattern="^[0-9a-f]{64}$", description="Of the entry (RFC 6962, 2.1), lower-case hex.")
    ]
    proof: Annotated[
        str,
        Meta(
            description="Where the inclusion proof is, a second or so later, for everybody: a template (RFC 6570),"
            " whose `size` is that of a checkpoint (`/log/checkpoint`) with more entries than `entry`.",
            examples=["/log/proof/inclusion?index=17{&size}"],
        ),
    ]


class ApiEvent(Struct):
    """Something that happened: the same as a webhook gets. `id` is the same for ever."""

    id: Annotated[str, Meta(examples=["evt_17"])]
    type: EventName
    timestamp: Moment
    data: ApiEventData
    log: ApiLogReference


class ApiEvents(Struct):
    """Some of the events, in the order of the log."""

    events: list[ApiEvent]
    cursor: Annotated[
        int, Meta(description="The `after` of the next page. Keep it: nothing is missed from there.")
    ]
    more: Annotated[
        bool, Meta(description="There may be more already, also where this page has few events or none.")
    ]


class ApiWebhook(Struct):
    """An address to which events are sent. No `types` means all."""

    id: Annotated[str, Meta(examples=["webhook-00000000000000e1"])]
    url: str
    types: list[EventName]
    state: Annotated[
        WebhookWord, Meta(description="`pending` until its secret is made; events are sent while it is `active`.")
    ]
    disabled_by: Annotated[
        DisablingWord | None,
        Meta(
            description="Why it is disabled: `gone`: an answer 410; `failing`: nothing was taken for three days."
        ),
    ]
    position: Annotated[int, Meta(description="The last log entry that was delivered, or was not for it.")]
    failures: Annotated[int, Meta(description="Since the last success.")]
    failing_since: Moment | None
    retry_at: Annotated[Moment | None, Meta(description="Nothing is sent before.")]
    public_key: Annotated[str, Meta(description="Verifies signatures `v1a` (Ed25519).", examples=["whpk_…"])]
    created: Moment


class ApiWebhookAttempt(Struct):
    """One POST."""

    event: Annotated[str, Meta(description="The event's `id`.", examples=["evt_17"])]
    type: Annotated[str, Meta(description="The event's type; `webhook.test` for a test.")]
    at: Moment
    status: Annotated[int | None, Meta(description="The HTTP status; null when none came.")]
    milliseconds: int
    problem: Annotated[str | None, Meta(description="Why it failed, in English; null for a success.")]


class ApiWebhookHistory(ApiWebhook):
    """A webhook with its newest attempts, the newest first, at most 100."""

    attempts: list[ApiWebhookAttempt]


class ApiWebhooks(Struct):
    """All webhooks of the client, the oldest first."""

    webhooks: list[ApiWebhook]


class ApiWebhookSecret(Struct):
    """What signs from now on (v1). It is shown this once."""

    secret: Annotated[str, Meta(description="As Standard Webhooks has it: Base64 behind `whsec_`.")]


class ApiWebhookTypes(Struct, forbid_unknown_fields=True):
    """Which events it gets from now on; an empty list means all."""

    types: EventNames


class ApiEnabling(Struct, forbid_unknown_fields=True):
    """Where it goes on."""

    from_now: Annotated[bool, Meta(description="Leave out what was not sent meanwhile.")] = False


class ApiReplay(Struct, forbid_unknown_fields=True):
    """The entries of the log whose events are sent once more, from `first` to `last`."""

    first: Entry
    last: Entry


class ApiWebhookTest(Struct):
    """The event that is sent."""

    event: Annotated[str, Meta(description="Its `id`.", examples=["evt_test_00000000000000e1"])]


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
