"""The values of the API about captures of web pages (see :mod:`webui.api.types`)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from appliance.model.captures import DEFAULT_TIMES, LONGEST_PAUSE, LONGEST_PURPOSE, MOST_TIMES
from appliance.web_capture.model import LONGEST_ADDRESS, LONGEST_STEP, LONGEST_TARGET, MOST_STEPS
from webui.api.types import Moment, Who, Zone

CaptureStateWord = Literal["waiting", "running", "done", "failed", "cancelled", "disposed"]
StageWord = Literal["starting", "loading", "scrolling", "steps", "picture", "packing"]
StepWord = Literal["scroll", "click", "wait", "record"]
TrustWord = Literal["trusted", "untrusted", "house", "none"]

Address = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_ADDRESS,
        description="With `http://` or `https://`, a host and no password.",
        examples=["https://shop.example/goods?id=1"],
    ),
]
CapturePurpose = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_PURPOSE,
        description="What the capture is for; it stands on the certificate.",
        examples=["固定侵权页面"],
    ),
]
# The length besides: the pattern alone takes a line end behind it.
TimeOfDay = Annotated[
    str,
    Meta(
        pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$",
        max_length=5,
        description="Hours and minutes by the investigator's clock.",
        examples=["09:00"],
    ),
]
Every = Annotated[int, Meta(ge=1, le=LONGEST_PAUSE, description="Days from one capture to the next.")]
Times = Annotated[int, Meta(ge=2, le=MOST_TIMES, description="Captures in all.")]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64, description="SHA-256, lower-case hex.")]
Count = Annotated[int, Meta(ge=0)]


class ApiCaptureStep(Struct, forbid_unknown_fields=True):
    """What is done on the page before the picture is taken: `scroll` to the element, without one to the end of
    the page; `click` it; `wait` for it, or for so many `seconds`; `record` the screen from here on."""

    kind: StepWord
    target: Annotated[
        str, Meta(max_length=LONGEST_TARGET, description="The element, as a CSS selector.", examples=["#price"])
    ] = ""
    seconds: Annotated[float, Meta(ge=0, le=LONGEST_STEP)] = 0.0


Steps = Annotated[list[ApiCaptureStep], Meta(max_length=MOST_STEPS, description="One after the other.")]


class ApiNewCapture(Struct, forbid_unknown_fields=True):
    """Which page is captured, and in whose name."""

    investigator: Who
    address: Address
    purpose: CapturePurpose
    steps: Steps = []


class ApiNewCaptureSchedule(Struct, forbid_unknown_fields=True):
    """Which page is captured again and again: the first time at once, then every so many days `at` a time."""

    investigator: Who
    address: Address
    purpose: CapturePurpose
    at: TimeOfDay
    every: Every = 1
    times: Times = DEFAULT_TIMES
    steps: Steps = []


class ApiListedCapture(Struct):
    """A capture, as lists have it. It is `waiting`, then `running`, and ends as `done`, `failed` or `cancelled`;
    one that is `disposed` was done, and its files, address and purpose are gone since."""

    id: str
    investigator: Annotated[str, Meta(description="A `subject`.")]
    address: str
    purpose: str
    state: CaptureStateWord
    stage: Annotated[StageWord | None, Meta(description="While it is `running`: what is done now.")]
    requests: Annotated[Count, Meta(description="Of the browser, so far.")]
    received: Annotated[Count, Meta(description="Bytes of responses, so far.")]
    refusal: Annotated[str | None, Meta(description="A sentence: why it failed, or why it still waits.")]
    ordered: Moment
    ended: Moment | None
    schedule: Annotated[str | None, Meta(description="The `id` of the schedule by which it is made.")]
    title: Annotated[str | None, Meta(description="The page's; null before it is `done`.")]
    visited: Annotated[str | None, Meta(description="The address that was shown in the end.")]
    entry: Annotated[Count | None, Meta(description="Its number in the log.")]
    changed: Annotated[
        bool | None,
        Meta(description="By schedule: a visitor would have seen another page than the time before."),
    ]


class ApiCaptureFile(Struct):
    """A file of a capture."""

    name: Annotated[str, Meta(examples=["page.png"])]
    sha256: Sha256
    size: Annotated[Count, Meta(description="Bytes.")]


class ApiCaptureTls(Struct):
    """TLS with a host of the page. `trust` is what the appliance thinks of its certificate: `untrusted` is
    captured all the same, `house` is by an authority of the organisation, which can open TLS."""

    host: str
    version: Annotated[str, Meta(examples=["TLSv1.3"])]
    cipher: str
    trust: TrustWord
    verdict: Annotated[str, Meta(description="A sentence.")]
    certificate: Annotated[Sha256 | None, Meta(description="SHA-256 of the server's certificate (DER).")]


class ApiChangedValue(Struct):
    """Something that each capture has once."""

    before: str
    after: str


class ApiChangedLines(Struct):
    """Lines of the earlier text, from `line`, and what the later one has in their place."""

    line: Annotated[int, Meta(ge=1, description="Counted from 1.")]
    removed: list[str]
    added: list[str]


class ApiTextDifferences(Struct):
    """How many lines are removed and added, and the first 200 of them. `coarse`: the texts were too different, or
    too long, to be compared line by line."""

    removed: Count
    added: Count
    changes: list[ApiChangedLines]
    coarse: bool


class ApiChangedArea(Struct):
    """A part of the picture in which something is different: pixels from the left and the top."""

    left: Count
    top: Count
    width: Count
    height: Count


class ApiPictureDifferences(Struct):
    """`changed` of `pixels`, all in `areas`. `unread`: a picture could not be compared."""

    pixels: Count
    changed: Count
    areas: list[ApiChangedArea]
    unread: bool


class ApiResourceDifferences(Struct):
    """How many addresses are added, gone, or gave other bytes, and the first 200 of each. `unread`: they could not
    be compared."""

    added: Count
    gone: Count
    changed: Count
    added_addresses: list[str]
    gone_addresses: list[str]
    changed_addresses: list[str]
    unread: bool


class ApiCaptureDifferences(Struct):
    """What is different from the `earlier` capture of the same schedule. What is the same is null, or empty."""

    earlier: Annotated[str, Meta(description="The `id` of the capture before.")]
    changed: Annotated[bool, Meta(description="A visitor would have seen another page; resources do not count.")]
    title: ApiChangedValue | None
    address: ApiChangedValue | None
    certificate: Annotated[ApiChangedValue | None, Meta(description="SHA-256 of the server's certificate (DER).")]
    text: ApiTextDifferences
    picture: ApiPictureDifferences
    resources: ApiResourceDifferences


class ApiCapture(ApiListedCapture):
    """A capture with its files. `differences` come some seconds after a capture by schedule is `done`."""

    ahead: Annotated[Count | None, Meta(description="While it is `waiting`: how many are made before it.")]
    steps: list[ApiCaptureStep]
    files: list[ApiCaptureFile]
    tls: Annotated[list[ApiCaptureTls], Meta(description="With the hosts of the address and the page.")]
    differences: ApiCaptureDifferences | None
    kept_until: Annotated[
        Moment | None,
        Meta(description="After this moment its files may go; null for never."),
    ]


class ApiCaptures(Struct):
    """Some of the captures, the newest first."""

    captures: list[ApiListedCapture]
    next: Annotated[str | None, Meta(description="The `after` of the next page; null behind the last.")]


class ApiCaptureSchedule(Struct):
    """A page that is captured `times` in all, every so many days `at` a time in `zone`. `past` is how many times
    have come, `missed` how many of them were not made."""

    id: str
    investigator: Annotated[str, Meta(description="A `subject`.")]
    address: str
    purpose: str
    steps: list[ApiCaptureStep]
    at: TimeOfDay
    zone: Zone
    every: Every
    times: Times
    first: Annotated[date, Meta(description="The day of the first capture.")]
    ordered: Moment
    past: Count
    missed: Count
    due: Annotated[Moment | None, Meta(description="The next capture; null when no more come.")]
    stopped: Moment | None


class ApiCaptureSchedules(Struct):
    """Some of the schedules, the newest first."""

    schedules: list[ApiCaptureSchedule]
    next: Annotated[str | None, Meta(description="The `after` of the next page; null behind the last.")]
