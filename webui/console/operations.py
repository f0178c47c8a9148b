"""``/operations``: every action as a form. ``/requests/ID``: one admin request, and the second person's decision.

1. The form asks for the arguments; what is wrong is said at its place.
2. The page says exactly what will be done; whoever goes on has read it.
3. What takes one person is done or under way; what takes two is signed with a passkey, and waits for another
   person to decide on the same sentence, and to sign it too.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from flask import Blueprint, render_template, request

from appliance.administration.action import Action, Argument, ArgumentKind
from appliance.administration.actions import REGISTRY, find_action, may_ask
from appliance.administration.sign_in import ConsoleSessionHolder
from appliance.administration.signatures import SignedRequest
from appliance.entered_text import local_time
from appliance.errors import ApplianceError, NotAllowed, NotFound, PreconditionRefused, StateRefused, StorageError
from appliance.model.administration import AdminRequest, AdminRequestState, DualControlRole
from webui.console import requests
from webui.console.access import TITLES, administration, visitor, visitor_or_none
from webui.console.requests import OfferedAction
from webui.shared import passkeys
from webui.shared.errors import status_of
from webui.shared.form_pages import Answer, form, render, see_other
from webui.shared.forms import field, sentence
from webui.shared.language import translate, zone_of_reader

LONGEST = 600
"""Characters of an argument that are read; the action refuses what is too long."""

RECENT = 12

blueprint = Blueprint("operations", __name__)


def waiting() -> int:
    """How many admin requests wait for the visitor's decision, for the frame of a page."""
    try:
        who = visitor_or_none()
        if who is None:
            return 0
        return sum(requests.show_request(who, act).yours for act in administration.requests.waiting())
    except StorageError:
        return 0


def offered(who: ConsoleSessionHolder, areas: Container[str]) -> list[OfferedAction]:
    """The actions whose names begin with one of *areas*, as *who* sees them."""
    return requests.offered_actions(
        who, [each for each in REGISTRY.values() if each.name.partition(".")[0] in areas]
    )


@blueprint.get("/operations")
def everything() -> str:
    """What waits and is under way, every action, and what was done lately."""
    who, service = visitor(), administration.requests
    open_ones = [requests.show_request(who, act) for act in [*service.under_way(), *service.waiting()]]
    not_closed = (AdminRequestState.WAITING, AdminRequestState.PERFORMING)
    closed = [act for act in service.recent(RECENT) if act.state not in not_closed]
    return render_template(
        "operations.html",
        summary=translate()("waiting: {count}", count=len(open_ones)),
        open=open_ones,
        areas=requests.by_area(requests.offered_actions(who, REGISTRY.values())),
        closed=[requests.show_request(who, act) for act in closed],
    )


@blueprint.get("/operations/<name>", endpoint="form")
def show_action(name: str) -> Answer:
    """The form of an action; where nothing is asked for, what it will do."""
    who, action = _allowed(name)
    if not _asked_for(action):
        return _confirm(who, action, {}, {})
    return _ask(action, {each.name: request.args.get(each.name, "") for each in action.arguments}, {})


@blueprint.post("/operations/<name>")
def take(name: str) -> Answer:
    """What was typed; with ``sure``, what is asked for."""
    who, action = _allowed(name)
    sure = field("sure", 5) == "yes"
    typed = {each.name: field(each.name, LONGEST) for each in action.arguments}
    given, unreadable = _given(action, typed)
    problems = _problems(action, given, secrets=sure) | unreadable
    wrong = set(problems) & {each.name for each in _asked_for(action)}
    if wrong:
        return _ask(action, typed, problems)
    wanted = {name: text for name, text in given.items() if text}
    try:
        administration.requests.require_possible(action, wanted)
    except PreconditionRefused as refusal:
        return _ask(action, typed, {"": sentence(refusal)})
    if problems or not sure:
        return _confirm(who, action, given, problems)
    try:
        act = administration.requests.submit_request(action.name, wanted, by=who.actor, signed=_signed(action))
    except (PreconditionRefused, StateRefused) as refusal:
        if action.persons == 2:
            return _confirm(who, action, given, {"": sentence(refusal)})
        return _ask(action, typed, {"": sentence(refusal)})
    return _result(who, act)


@blueprint.get("/requests/<request_id>")
def request_page(request_id: str) -> Answer:
    who, service = visitor(), administration
    act = service.requests.find_request(request_id[:64])
    seen = requests.show_request(who, act)
    asked = service.requests.signing_options(act, DualControlRole.APPROVES, by=who.actor) if seen.yours else None
    return render(
        "request.html",
        act=seen,
        options=asked,
        code=service.account_setup.code_for(act.id) if requests.has_code(who, act) else "",
        warning=requests.warning(act.action, act.arguments) if seen.open else "",
        told=service.approval_mail.notified_approvers(act) if seen.open else None,
    )


_decision = form(request_page, visitor, refusals=(ApplianceError, NotFound), status=status_of)


@blueprint.post("/requests/<request_id>/approve")
@_decision
def approve(who: ConsoleSessionHolder, request_id: str) -> Answer:
    """The second person agrees, by passkey."""
    answer = field(passkeys.FIELD, passkeys.LONGEST_ANSWER)
    return _result(who, administration.requests.approve_request(request_id[:64], by=who.actor, answer=answer))


@blueprint.post("/requests/<request_id>/refuse")
@_decision
def refuse(who: ConsoleSessionHolder, request_id: str) -> Answer:
    return _result(who, administration.requests.refuse_request(request_id[:64], by=who.actor))


@blueprint.post("/requests/<request_id>/withdraw")
@_decision
def withdraw(who: ConsoleSessionHolder, request_id: str) -> Answer:
    return _result(who, administration.requests.withdraw_request(request_id[:64], by=who.actor))


def _result(who: ConsoleSessionHolder, act: AdminRequest) -> Answer:
    """To the admin request's own page; what is shown once and kept nowhere is shown now."""
    if act.outcome and act.outcome.secret:
        return render_template("outcome.html", act=requests.show_request(who, act))
    return see_other("operations.request_page", request_id=act.id)


def _signed(action: Action) -> SignedRequest | None:
    """What the page brings of a signature, where the action takes one. Raises :class:`StateRefused`."""
    if action.persons == 1:
        return None
    return SignedRequest.from_page(
        field("act", 12), field("asked", 40), field(passkeys.FIELD, passkeys.LONGEST_ANSWER)
    )


def _allowed(name: str) -> tuple[ConsoleSessionHolder, Action]:
    """The visitor, who may ask for the action. Raises SignedOut, :class:`NotFound`, :class:`NotAllowed`."""
    who, action = visitor(), find_action(name[:100])
    if not may_ask(who.actor, action):
        title = TITLES[who.administrator.role]
        raise NotAllowed("{action} is not for {who}.", action=translate()(action.title), who=translate()(title))
    return who, action


def _asked_for(action: Action) -> list[Argument]:
    """What the first page asks for; secrets are typed on the second, where it is done."""
    return [each for each in action.arguments if not each.is_secret]


def _problems(action: Action, given: Mapping[str, str], *, secrets: bool) -> dict[str, str]:
    found = {}
    for argument in action.arguments:
        if argument.is_secret and not secrets:
            continue
        text = given[argument.name]
        if not text.strip() and not argument.required:
            continue
        try:
            argument.checked(text)
        except PreconditionRefused as refusal:
            values = {**refusal.values, "name": translate()(argument.title)}
            found[argument.name] = translate()(refusal.template, **values)
    return found


def _given(action: Action, typed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What was *typed*, and by field what is invalid. A moment as a browser's field gives it is one of the
    zone beside the field; one with an offset, and what is none, stays as it is."""
    given, problems = dict(typed), {}
    for name in (each.name for each in action.arguments if each.kind is ArgumentKind.MOMENT and typed[each.name]):
        try:
            given[name] = local_time(typed[name], zone_of_reader()).isoformat()
        except PreconditionRefused as refusal:
            problems[name] = sentence(refusal)
        except ValueError:
            continue
    return given, problems


def _ask(action: Action, typed: Mapping[str, str], problems: Mapping[str, str]) -> Answer:
    return _page(action, problems, fields=_fields(_asked_for(action), typed), effect="", fixed=())


def _page(action: Action, problems: Mapping[str, str], **shown: object) -> Answer:
    note, status = requests.note_of(action), 422 if problems else 200
    return render("action.html", status=status, problems=problems, action=action, note=note, **shown)


def _confirm(
    who: ConsoleSessionHolder, action: Action, given: Mapping[str, str], problems: Mapping[str, str]
) -> Answer:
    kept = {each.name: given[each.name] for each in _asked_for(action) if given.get(each.name)}
    service = administration.requests
    draft = service.draft_request(action.name, kept, by=who.actor) if action.persons == 2 else None
    return _page(
        action,
        problems,
        fields=_fields([each for each in action.arguments if each.is_secret], {}),
        effect=requests.effect_of(action, kept),
        undo=translate()(action.undo) if action.undo else "",
        warning=requests.warning(action.name, kept),
        draft=draft,
        options=service.signing_options(draft, DualControlRole.ASKS, by=who.actor) if draft else None,
        fixed=tuple(kept.items()),
    )


def _fields(
    arguments: Iterable[Argument], typed: Mapping[str, str]
) -> list[tuple[Argument, str, list[tuple[str, str]], str]]:
    """Each with its title, its choices (value and words) and what was typed."""
    say = translate()
    return [
        (
            each,
            say(each.title),
            [(choice, say(requests.CHOICES.get(choice, choice))) for choice in each.choices],
            typed.get(each.name, ""),
        )
        for each in arguments
    ]
