"""Web pages as evidence: captures that a program orders in an investigator's name, and what came of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from msgspec import convert, structs

from appliance.captures.finishing import PREVIEW
from appliance.captures.orders import CaptureDraft, steps_of_text
from appliance.captures.packages import PACKAGE
from appliance.errors import NotFound
from appliance.evidence.captures.words import page_security, trust_of
from appliance.model.api_clients import Scope
from appliance.model.captures import CaptureState, OrderedCapture, RecordedComparison
from appliance.web_capture.differences import PageDifferences
from appliance.web_capture.model import CaptureFailed, CaptureStep, StepKind
from webui.api import timestamps
from webui.api.capture_types import (
    STAGES,
    ApiCapture,
    ApiCaptureDifferences,
    ApiCaptureFile,
    ApiCaptures,
    ApiCaptureStep,
    ApiCaptureTls,
    ApiListedCapture,
    ApiNewCapture,
)
from webui.api.conversions import utc
from webui.api.initiators import investigator_of
from webui.api.lists import in_list, one_page
from webui.api.operations import OCTETS, ZIP, Answer, Call, Declared, KeyRule, Leads, operation
from webui.api.problems import ProblemError
from webui.api.types import ApiPage
from webui.shared.language import translate
from webui.shared.served import appliance

ONE: Final = "/captures/{capture_id}"
CAPTURE: Final = Leads(
    "capture", {"capture_id": "$response.body#/id", "file_name": "$response.body#/files/0/name"}
)
ORDERING: Final = ("precondition-refused", "not-allowed", "unknown-person", "cannot-capture")
_NOT_GIVEN: Final = frozenset({PREVIEW, PACKAGE})
"""Among the files of a capture: the portal's small picture, and the package, which has an address of its own."""


@operation(
    "POST",
    "/captures",
    Scope.CAPTURES_WRITE,
    {202: ApiCapture},
    Declared(body=ApiNewCapture, problems=ORDERING, key=KeyRule.REQUIRED),
    CAPTURE,
)
def order_capture(call: Call) -> Answer:
    """Have a web page captured.

    In the name of the `investigator`, who has that role and finds the capture in the portal; the log names the
    client. It is made as soon as its turn comes: read it every few seconds to see how far it is. Where no page
    came, the capture has `failed`, and `refusal` says why.
    """
    given = call.body(ApiNewCapture)
    by = investigator_of(call, given.investigator)
    draft = draft_of(given.address, given.purpose, given.steps)
    with pointed_at():
        made = appliance.captures.order(draft, by=by, client=call.client.client.id, number=call.chosen)
    return Answer(_capture(made), 202, headers={"Location": f"/api/v1/captures/{made.id}"})


@operation(
    "GET",
    "/captures",
    Scope.CAPTURES_READ,
    {200: ApiCaptures},
    Declared(query=ApiPage),
    Leads("listed_capture", {"capture_id": "$response.body#/captures/0/id"}),
)
def list_captures(call: Call) -> Answer:
    """List captures.

    Those that the client ordered, once or by schedule; nobody else's.
    """
    return captures_page(call.query(ApiPage), appliance.captures.page_of_client)


@operation(
    "GET", ONE, Scope.CAPTURES_READ, {200: ApiCapture}, Declared(problems=("not-found", "storage")), CAPTURE
)
def get_capture(call: Call, capture_id: str) -> Answer:
    """Read a capture."""
    return Answer(_capture(appliance.captures.of_client(capture_id)))


@operation(
    "GET",
    f"{ONE}/package",
    Scope.CAPTURES_READ,
    {200: ZIP},
    Declared(problems=("not-found", "state-refused", "confinement-failed", "storage", *timestamps.PROBLEMS)),
)
def get_capture_package(call: Call, capture_id: str) -> Answer:
    """Read the evidence package of a capture.

    It is there some seconds after the capture, and grows by another timestamp before the last one runs out.
    Anybody can check it without this appliance.
    """
    capture = appliance.captures.of_client(capture_id)
    return Answer(appliance.capture_packages.package(capture.id, by=capture.owner))


@operation(
    "GET",
    f"{ONE}/files/{{file_name}}",
    Scope.CAPTURES_READ,
    {200: OCTETS},
    Declared(problems=("not-found", "storage")),
)
def get_capture_file(call: Call, capture_id: str, file_name: str) -> Answer:
    """Read a file of a capture.

    One of its `files`, such as `capture.warc.gz`, `capture.wacz`, `page.png`, `page.pdf`, `page.txt` or
    `capture.json`. It may hold what strangers wrote: treat it as such.
    """
    capture = appliance.captures.of_client(capture_id)
    if file_name in _NOT_GIVEN:
        raise NotFound("The web capture {capture} has no file {name}.", capture=capture_id, name=file_name)
    return Answer(appliance.captures.content(capture.id, file_name, by=capture.owner))


@operation(
    "POST",
    f"{ONE}/cancel",
    Scope.CAPTURES_WRITE,
    {200: ApiCapture},
    Declared(problems=("not-found", "state-refused"), key=KeyRule.OPTIONAL),
    CAPTURE,
)
def cancel_capture(call: Call, capture_id: str) -> Answer:
    """Cancel a capture.

    One that waits is not made; one that is being made ends within seconds.
    """
    capture = appliance.captures.of_client(capture_id)
    if not (call.again and capture.state is CaptureState.CANCELLED):
        appliance.captures.cancel(capture.id, by=capture.owner)
    return Answer(_capture(appliance.captures.of_client(capture_id)))


def draft_of(address: str, purpose: str, steps: Sequence[ApiCaptureStep]) -> CaptureDraft:
    """What is to be captured."""
    done = tuple(CaptureStep(StepKind(each.kind), each.target, each.seconds) for each in steps)
    return CaptureDraft(address, purpose, done)


@contextmanager
def pointed_at() -> Iterator[None]:
    """While it lasts, refusals of an address or a step are those of a member."""
    try:
        yield
    except CaptureFailed as refusal:
        number = refusal.values.get("number")
        pointer = f"/steps/{number - 1}" if isinstance(number, int) else "/address"
        raise ProblemError(refusal.template, "invalid-body", pointer=pointer, **refusal.values) from refusal


def captures_page(page: ApiPage, read: Callable[..., Sequence[OrderedCapture]]) -> Answer:
    """The answer with one page of what *read* gives."""
    with in_list():
        found = read(after=page.after, limit=page.limit + 1)
    shown, last = one_page(found, page.limit, lambda each: each.id)
    return Answer(ApiCaptures([_listed(each) for each in shown], last))


def steps_given(text: str) -> list[ApiCaptureStep]:
    """The steps of an order as it is kept."""
    return convert(steps_of_text(text), list[ApiCaptureStep], from_attributes=True)


def _listed(capture: OrderedCapture) -> ApiListedCapture:
    work, record = capture.work, capture.record
    running = capture.state is CaptureState.RUNNING
    return ApiListedCapture(
        id=capture.id,
        investigator=capture.owner,
        address=capture.address,
        purpose=capture.purpose,
        state=capture.state.value,
        stage=next((each for each in STAGES if running and each == work.stage), None),
        requests=work.requests,
        received=work.received,
        refusal=None if work.refusal is None else work.refusal.translated(translate()),
        ordered=utc(capture.ordered),
        ended=None if capture.ended is None else utc(capture.ended),
        schedule=capture.schedule,
        title=None if record is None else record.title,
        visited=None if record is None else record.visited,
        entry=None if record is None else record.entry,
        changed=None if capture.comparison is None else capture.comparison.changed,
    )


def _capture(capture: OrderedCapture) -> ApiCapture:
    register, comparison = appliance.captures, capture.comparison
    until = register.keeps_until(capture)
    return ApiCapture(
        **structs.asdict(_listed(capture)),
        ahead=register.count_ahead(capture) if capture.state is CaptureState.WAITING else None,
        steps=steps_given(capture.steps),
        files=_files(capture),
        tls=_tls(capture),
        differences=None if comparison is None else _differences(comparison),
        kept_until=None if until is None else utc(until),
    )


def _files(capture: OrderedCapture) -> list[ApiCaptureFile]:
    found = appliance.captures.files(capture.id, by=capture.owner)
    return [ApiCaptureFile(each.name, each.digest, each.size) for each in found if each.name not in _NOT_GIVEN]


def _tls(capture: OrderedCapture) -> list[ApiCaptureTls]:
    facts = appliance.captures.facts(capture.id, by=capture.owner)
    return [
        ApiCaptureTls(
            host=each.host,
            version=each.version,
            cipher=each.cipher,
            trust=each.trust.value,
            verdict=trust_of(each).translated(translate()),
            certificate=each.certificates[0] if each.certificates else None,
        )
        for each in ([] if facts is None else page_security(facts))
    ]


def _differences(comparison: RecordedComparison) -> ApiCaptureDifferences | None:
    """None once they were disposed of."""
    if not comparison.differences:
        return None
    found = PageDifferences.decode(json.loads(comparison.differences))
    names = ("title", "address", "certificate", "text", "picture", "resources")
    shown = {name: getattr(found, name) for name in names}
    known = {"earlier": comparison.earlier, "changed": comparison.changed}
    return convert(known | shown, ApiCaptureDifferences, from_attributes=True)
