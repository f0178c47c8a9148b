"""``/captures``: web pages as evidence. Investigators order captures and share them; colleagues look at what is
shared with them, auditors at the register and the captures of their organisation. Who may see which, the register
says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import time
from typing import Any

from flask import Blueprint, Response, request, url_for

from appliance.captures.finishing import MARKED, PREVIEW
from appliance.captures.orders import CaptureDraft, PlanDraft, steps_of_text
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.evidence.captures import layout
from appliance.evidence.captures.facts import CaptureFacts
from appliance.evidence.captures.words import NOTES, RESULTS, STEPS, WHY, meaning, page_security, trust_of
from appliance.language.sizes import ByteSize
from appliance.model.accounts import PEOPLES_ROLES, AccountRole
from appliance.model.captures import (
    DEFAULT_TIMES,
    LONGEST_PAUSE,
    MOST_TIMES,
    CaptureState,
    OrderedCapture,
    OrderKind,
)
from appliance.web_capture.differences import PageDifferences
from appliance.web_capture.model import (
    LONGEST_TARGET,
    MOST_STEPS,
    CaptureFailed,
    CaptureStage,
    CaptureStep,
    StepKind,
)
from hsm.errors import RefusalError
from webui.portal.access import PortalVisitor, require
from webui.portal.pages import appliance, house_names, once, saved_file
from webui.shared.form_pages import (
    Answer,
    FormProblems,
    form,
    render,
    see_other,
    status_in_workflow,
    unprocessable,
)
from webui.shared.forms import field, member_of, whole_number
from webui.shared.language import translate

_LOOK_AGAIN = "3"
"""Seconds between two looks at a capture that is under way."""

_NO_NUMBER, _MOMENT = 2**31, 0.01
"""Of a picture that never comes, and seconds to wait for it: a log-in that has ended says so then."""
_LONGEST_NAME = 60
"""Of somebody who is looked for."""

_ROWS_OF_STEPS = 5
"""Steps that the form has room for."""

_KINDS: Mapping[str, str] = {
    layout.WACZ: "application/zip",
    layout.PICTURE: "image/png",
    layout.PDF: "application/pdf",
    layout.TEXT: "text/plain; charset=utf-8",
    layout.WARC: "application/gzip",
    layout.SESSION: "image/webp",
    MARKED: "image/png",
    **{layout.step_picture(number): "image/png" for number in range(1, MOST_STEPS + 1)},
}
"""What can be downloaded besides the package, in the order in which the page offers it."""

pages = Blueprint("captures", __name__, url_prefix="/captures")


def investigator() -> str:
    """The visitor, who may capture. Raises as :func:`webui.portal.access.require`."""
    return require(AccountRole.INVESTIGATOR).subject


def reader() -> PortalVisitor:
    """The visitor, who may look at captures that are theirs to see. Raises as
    :func:`webui.portal.access.require`."""
    return require(*PEOPLES_ROLES, AccountRole.AUDITOR)


@pages.get("")
def everything() -> Answer:
    someone = reader()
    after = request.args.get("after") or None
    if AccountRole.AUDITOR in someone.roles:
        page = appliance.captures.of_organisation(someone.organisation, after=after)
        names = house_names(someone.organisation)
        return render("captures/register.html", page=page, name=names, later=after is not None)
    orders = AccountRole.INVESTIGATOR in someone.roles
    shared = not orders or request.args.get("shown") == "shared"
    lists, sharing = appliance.captures, appliance.capture_sharing
    return render(
        "captures/list.html",
        page=(sharing.captures_of if shared else lists.of_person)(someone.subject, after=after),
        schedules=() if after else (sharing if shared else lists).schedules_of(someone.subject),
        later=after is not None,
        enabled=lists.enabled,
        orders=orders,
        shared=shared,
        names=house_names(someone.organisation),
    )


@pages.get("/new")
def new() -> Answer:
    by = investigator()
    typed = request.form if request.method == "POST" else _prefilled(by)
    return render(
        "captures/new.html",
        typed=typed,
        zone_name=appliance.registry.person(by).zone,
        rows=range(1, _ROWS_OF_STEPS + 1),
        step_kinds=[(kind.value, _step_kind(kind.value)) for kind in StepKind],
        stepped=any(typed.get(f"kind{row}") for row in range(1, _ROWS_OF_STEPS + 1)),
        longest_target=LONGEST_TARGET,
        most_times=MOST_TIMES,
        most_days=LONGEST_PAUSE,
        enabled=appliance.captures.enabled,
        live_view=appliance.captures.live_view,
    )


def _prefilled(by: str) -> dict[str, str]:
    """What the form begins with: the usual plan, and the order of an earlier capture that is to be made again."""
    begun = {"plan": "once", "every": "1", "times": str(DEFAULT_TIMES), "at": "09:00"}
    again = request.args.get("again", "")
    if again:
        capture = appliance.captures.get(again, by=by)
        begun |= {"address": capture.address, "purpose": capture.purpose}
        for row, step in enumerate(steps_of_text(capture.steps)[:_ROWS_OF_STEPS], start=1):
            begun |= {f"kind{row}": step.kind.value, f"target{row}": step.target}
            begun |= {f"seconds{row}": f"{step.seconds:g}"} if step.seconds else {}
    return begun


def _place(refusal: RefusalError) -> str:
    """The field of the form that *refusal* is about."""
    if isinstance(refusal, CaptureFailed):
        number = refusal.values.get("number")
        return f"kind{_rows()[number - 1]}" if isinstance(number, int) else "address"
    return next((name for word, name in _PLACES.items() if word in refusal.template), "")


_PLACES = {
    "log in": "plan",
    "urpose": "purpose",
    "what the capture is for": "purpose",
    "next it is": "every",
    "A plan has": "times",
}


@pages.post("/new")
@form(new, investigator, _place, refusals=(CaptureFailed, PreconditionRefused), status=unprocessable)
def order(by: str) -> Answer:
    by_hand = field("plan") == "log-in" or bool(field("log_in"))
    draft = CaptureDraft(field("address", 3000), field("purpose", 3000), tuple(_steps()), by_hand)
    if field("plan") != "plan":
        return once(by, lambda: url_for(".show", capture_id=appliance.captures.order(draft, by=by).id))
    plan = _plan()
    return once(by, lambda: url_for(".plan", schedule_id=appliance.captures.order_by_plan(draft, plan, by=by).id))


def _plan() -> PlanDraft:
    """As it was typed. Raises :class:`FormProblems` for what is no number or no time."""
    problems: dict[str, str] = {}
    numbers = {name: whole_number(field(name), 4) for name in ("every", "times")}
    problems |= {name: translate()("Enter a whole number.") for name, number in numbers.items() if number is None}
    try:
        at = time.fromisoformat(field("at", 8))
    except ValueError:
        problems["at"] = translate()("Enter a time of day like 09:00.")
    if problems:
        raise FormProblems(problems)
    return PlanDraft(at, numbers["every"] or 0, numbers["times"] or 0)


def _rows() -> list[int]:
    """The rows of the form in which a step was chosen."""
    rows = range(1, _ROWS_OF_STEPS + 1)
    return [row for row in rows if member_of(StepKind, field(f"kind{row}")) is not None]


def _steps() -> list[CaptureStep]:
    """What was chosen in them. Raises :class:`FormProblems`."""
    found = []
    for row in _rows():
        kind = StepKind(field(f"kind{row}"))
        seconds = field(f"seconds{row}", 8) or "0"
        if not seconds.replace(".", "", 1).isascii() or not seconds.replace(".", "", 1).isdecimal():
            raise FormProblems({f"seconds{row}": translate()("Enter a number of seconds, such as 2 or 0.5.")})
        found.append(CaptureStep(kind, field(f"target{row}", 1000), float(seconds)))
    return found


@pages.get("/<capture_id>")
def show(capture_id: str) -> Answer:
    someone = reader()
    by = someone.subject
    capture = appliance.captures.get(capture_id, by=by)
    if is_live(capture, by=by):
        return see_other("live_views.show", capture_id=capture_id)
    files = {each.name: each for each in appliance.captures.files(capture_id, by=by)}
    facts = appliance.captures.facts(capture_id, by=by)
    finishing = appliance.captures.is_to_finish(capture_id)
    response = render(
        "captures/page.html",
        capture=capture,
        ahead=appliance.captures.count_ahead(capture),
        files=[(files[name], ByteSize(files[name].size)) for name in _KINDS if name in files],
        pictured=PREVIEW in files,
        finishing=finishing,
        facts=facts,
        security=[]
        if facts is None
        else [(each, trust_of(each).translated(translate())) for each in page_security(facts)],
        refused=[] if facts is None else _reasons(facts, "refused"),
        cut=[] if facts is None else _reasons(facts, "cut"),
        steps=[] if facts is None else _done_steps(facts),
        differences=_differences(capture),
        kept_until=appliance.captures.keeps_until(capture),
        legally_held=appliance.capture_retention.is_held(capture.id),
        by_officers=appliance.capture_retention.by_officers,
        received=ByteSize(capture.work.received),
        by_plan=_is_readable_plan(capture.schedule, by),
        **_sharing(someone, OrderKind.CAPTURE, capture.id, capture.owner),
    )
    if capture.under_way or finishing:
        response.headers["Refresh"] = _LOOK_AGAIN
    return response


def is_live(capture: OrderedCapture, *, by: str) -> bool:
    """Whether *by* can log in now on the page that *capture* is made of."""
    if capture.work.stage != CaptureStage.LOG_IN or capture.state is not CaptureState.RUNNING:
        return False
    try:
        appliance.live_views.picture(capture.id, by=by, after=_NO_NUMBER, wait=_MOMENT)
    except (NotFound, StateRefused):
        return False
    return True


def _is_readable_plan(schedule_id: str | None, by: str) -> bool:
    with suppress(NotFound):
        return schedule_id is not None and bool(appliance.captures.schedule(schedule_id, by=by))
    return False


def _sharing(someone: PortalVisitor, kind: OrderKind, order: str, owner: str) -> dict[str, Any]:
    """What a page needs to say, and its owner to change, with whom the order is shared."""
    own, audits = someone.subject == owner, AccountRole.AUDITOR in someone.roles
    readers = appliance.capture_sharing.readers(kind, order) if own or audits else ()
    looked_for = request.values.get("find", "").strip()[:_LONGEST_NAME]
    found = appliance.capture_sharing.colleagues(owner, looked_for) if own and looked_for else []
    return {
        "own": own,
        "audits": audits,
        "orders": AccountRole.INVESTIGATOR in someone.roles,
        "readers": readers,
        "looked_for": looked_for,
        "people": [each for each in found if each.subject not in readers],
        "names": house_names(someone.organisation),
    }


def _step_kind(word: str) -> str:
    return meaning(STEPS, word, translate())


def _reasons(facts: CaptureFacts, which: str) -> list[tuple[str, str]]:
    """Address and reason of what was refused or cut."""
    told = facts.traffic.refused if which == "refused" else facts.traffic.cut
    return [(each.address, meaning(WHY, each.why, translate())) for each in told]


def _done_steps(facts: CaptureFacts) -> list[tuple[str, str, str]]:
    """Kind, element and result of each step."""
    say = translate()
    found = []
    for each in facts.steps:
        said = [meaning(RESULTS, each.result, say), *(meaning(NOTES, word, say) for word in each.note.split())]
        found.append((meaning(STEPS, each.kind.value, say), each.target, say(", ").join(said)))
    return found


def _differences(capture: OrderedCapture) -> PageDifferences | None:
    told = None if capture.comparison is None else capture.comparison.differences
    return PageDifferences.decode(json.loads(told)) if told else None


@pages.get("/<capture_id>/picture.jpg")
def picture(capture_id: str) -> Answer:
    """Written anew by a confined process, and shown as a picture alone."""
    content = appliance.captures.content(capture_id, PREVIEW, by=reader().subject)
    return Response(content, content_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})


@pages.get("/<capture_id>/package.zip")
def package(capture_id: str) -> Answer:
    content = appliance.capture_packages.package(capture_id, by=reader().subject)
    return saved_file(content, "application/zip", f"capture-{capture_id[:8]}.zip")


@pages.get("/<capture_id>/files/<name>")
def file(capture_id: str, name: str) -> Answer:
    by = reader().subject
    if name not in _KINDS:
        raise NotFound("The web capture {capture} has no file {name}.", capture=capture_id, name=name)
    content = appliance.captures.content(capture_id, name, by=by)
    return saved_file(content, _KINDS[name], f"capture-{capture_id[:8]}-{name}")


@pages.post("/<capture_id>/<any(cancel, keep, release):act>")
@form(show, investigator, "reason", refusals=(PreconditionRefused, StateRefused), status=status_in_workflow)
def change(by: str, capture_id: str, act: str) -> Answer:
    match act:
        case "cancel":
            appliance.captures.cancel(capture_id, by=by)
        case "keep":
            appliance.captures.hold(capture_id, reason=field("reason"), by=by)
        case _:
            appliance.captures.release(capture_id, by=by)
    return see_other("captures.show", capture_id=capture_id)


@pages.post("/<capture_id>/sharing")
@form(show, investigator, refusals=(PreconditionRefused, StateRefused), status=status_in_workflow)
def share(by: str, capture_id: str) -> Answer:
    _share(OrderKind.CAPTURE, capture_id, by)
    return see_other("captures.show", capture_id=capture_id, _anchor="people")


def _share(kind: OrderKind, order: str, by: str) -> None:
    sharing, person = appliance.capture_sharing, field("person", 80)
    (sharing.unshare if field("act") == "unshare" else sharing.share)(kind, order, person, by=by)


@pages.get("/plans/<schedule_id>")
def plan(schedule_id: str) -> Answer:
    someone = reader()
    schedule = appliance.captures.schedule(schedule_id, by=someone.subject)
    made = appliance.captures.by_plan(schedule)
    sharing = _sharing(someone, OrderKind.SCHEDULE, schedule.id, schedule.owner)
    response = render("captures/plan.html", schedule=schedule, captures=made, **sharing)
    if any(each.under_way for each in made):
        response.headers["Refresh"] = _LOOK_AGAIN
    return response


@pages.post("/plans/<schedule_id>/stop")
@form(plan, investigator, refusals=(StateRefused,), status=status_in_workflow)
def stop(by: str, schedule_id: str) -> Answer:
    appliance.captures.stop(schedule_id, by=by)
    return see_other("captures.plan", schedule_id=schedule_id)


@pages.post("/plans/<schedule_id>/sharing")
@form(plan, investigator, refusals=(PreconditionRefused, StateRefused), status=status_in_workflow)
def share_plan(by: str, schedule_id: str) -> Answer:
    _share(OrderKind.SCHEDULE, schedule_id, by)
    return see_other("captures.plan", schedule_id=schedule_id, _anchor="people")
