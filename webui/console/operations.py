"""``/operations``: every action as a form. ``/requests/ID``: one act, and the second person's decision.

1. The form asks for the arguments; what is wrong is said at its place.
2. The page says exactly what will be done; whoever goes on has read it.
3. What takes one person is done or under way; what takes two is signed with a passkey, and waits for another
   person to decide on the same sentence, and to sign it too.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.accounts.passkeys import LONGEST_ANSWER
from appliance.administration.action import Action, Argument, ArgumentKind
from appliance.administration.actions import REGISTRY, find_action, may_ask
from appliance.administration.signatures import SignedRequest
from appliance.entered_text import local_time
from appliance.errors import ApplianceError, NotAllowed, PreconditionRefused, StateRefused, StorageError
from appliance.model.administration import AdminRequest, AdminRequestState, DualControlRole
from webui.console import requests
from webui.console.access import ConsoleVisitor, visitor, visitor_or_none
from webui.console.parts import ConsoleParts
from webui.console.requests import OfferedAction
from webui.shared import passkeys
from webui.shared.errors import status_of
from webui.shared.forms import field, sentence
from webui.shared.language import translate, zone_of_reader

LONGEST = 600
"""Letters of an argument that are looked at; the action refuses what is too long."""

RECENT = 12

View = BaseResponse | str


@dataclass(frozen=True, slots=True)
class ArgumentField:
    """One argument on a form; ``choices`` are (value, words)."""

    name: str
    title: str
    kind: str
    required: bool
    choices: tuple[tuple[str, str], ...]
    value: str


def blueprint(parts: ConsoleParts) -> Blueprint:
    """The addresses."""
    pages = Blueprint("operations", __name__)
    _add_actions(pages, parts)
    _add_acts(pages, parts)
    return pages


def waiting(parts: ConsoleParts) -> int:
    """How many acts wait for the visitor's decision, for the frame of a page."""
    try:
        who = visitor_or_none()
        return (
            sum(requests.show_request(who, act).yours for act in parts.administration.requests.waiting())
            if who
            else 0
        )
    except StorageError:
        return 0


def offered(who: ConsoleVisitor, areas: Container[str]) -> list[OfferedAction]:
    """The actions whose names begin with one of *areas*, as *who* sees them."""
    return requests.offered_actions(
        who, [each for each in REGISTRY.values() if each.name.partition(".")[0] in areas]
    )


def _add_actions(pages: Blueprint, parts: ConsoleParts) -> None:
    service = parts.administration.requests

    @pages.get("/operations")
    def everything() -> str:
        who = visitor()
        open_ones = [requests.show_request(who, act) for act in [*service.under_way(), *service.waiting()]]
        closed = [
            act
            for act in service.recent(RECENT)
            if act.state not in (AdminRequestState.WAITING, AdminRequestState.PERFORMING)
        ]
        return render_template(
            "operations.html",
            summary=translate()("waiting: {count}", count=len(open_ones)),
            open=open_ones,
            areas=requests.by_area(requests.offered_actions(who, REGISTRY.values())),
            closed=[requests.show_request(who, act) for act in closed],
        )

    @pages.get("/operations/<name>")
    def form(name: str) -> View:
        who, action = _allowed(name)
        if not _asked_for(action):
            return _confirm(parts, who, action, {}, {})
        return _ask(action, {each.name: request.args.get(each.name, "") for each in action.arguments}, {})

    @pages.post("/operations/<name>")
    def take(name: str) -> View:
        who, action = _allowed(name)
        sure = field("sure", 5) == "yes"
        typed = {each.name: field(each.name, LONGEST) for each in action.arguments}
        given, unreadable = _given(action, typed)
        problems = _problems(action, given, secrets=sure) | unreadable
        wrong = set(problems) & {each.name for each in _asked_for(action)}
        if wrong:
            return _ask(action, typed, problems)
        if problems or not sure:
            return _confirm(parts, who, action, given, problems)
        wanted = {name: text for name, text in given.items() if text}
        try:
            act = service.submit_request(action.name, wanted, by=who.actor, signed=_signed(action))
        except (PreconditionRefused, StateRefused) as refusal:
            if action.persons == 2:
                return _confirm(parts, who, action, given, {"": sentence(refusal)})
            return _ask(action, typed, {"": sentence(refusal)})
        return _result(who, act)


def _add_acts(pages: Blueprint, parts: ConsoleParts) -> None:
    service = parts.administration.requests

    @pages.get("/requests/<act_id>")
    def request_page(act_id: str) -> View:
        return _page(parts, visitor(), service.find_request(act_id[:64]), {})

    @pages.post("/requests/<act_id>/approve")
    def approve(act_id: str) -> View:
        who = visitor()
        answer = field(passkeys.FIELD, LONGEST_ANSWER)
        return decided(who, act_id[:64], lambda id_: service.approve_request(id_, by=who.actor, answer=answer))

    @pages.post("/requests/<act_id>/refuse")
    def refuse(act_id: str) -> View:
        who = visitor()
        return decided(who, act_id[:64], lambda id_: service.refuse_request(id_, by=who.actor))

    @pages.post("/requests/<act_id>/withdraw")
    def withdraw(act_id: str) -> View:
        who = visitor()
        return decided(who, act_id[:64], lambda id_: service.withdraw_request(id_, by=who.actor))

    def decided(who: ConsoleVisitor, act_id: str, decide: Callable[[str], AdminRequest]) -> View:
        before = service.find_request(act_id)
        try:
            return _result(who, decide(act_id))
        except ApplianceError as refusal:
            return _page(parts, who, before, {"": sentence(refusal)}, status_of(refusal))


def _result(who: ConsoleVisitor, act: AdminRequest) -> View:
    """To the act's own page; what is shown once and kept nowhere is shown now."""
    seen = requests.show_request(who, act)
    if seen.secret:
        return render_template("outcome.html", act=seen)
    return redirect(url_for("operations.request_page", act_id=act.id), 303)


def _page(
    parts: ConsoleParts, who: ConsoleVisitor, act: AdminRequest, problems: Mapping[str, str], status: int = 200
) -> Response:
    seen = requests.show_request(who, act)
    page = render_template(
        "request.html",
        act=seen,
        options=parts.administration.requests.signing_options(act, DualControlRole.APPROVES, by=who.actor)
        if seen.yours
        else None,
        code=parts.administration.account_setup.code_for(act.id) if requests.has_code(who, act) else "",
        warning=requests.warning(parts.administration.pin_custodians, act.action, act.arguments)
        if seen.open
        else "",
        told=parts.administration.approval_mail.notified_approvers(act) if seen.open else None,
        problems=problems,
    )
    return make_response(page, status)


def _signed(action: Action) -> SignedRequest | None:
    """What the page brings of a signature, where the action takes one. Raises :class:`StateRefused`."""
    if action.persons == 1:
        return None
    return SignedRequest.from_page(field("act", 12), field("asked", 40), field(passkeys.FIELD, LONGEST_ANSWER))


def _allowed(name: str) -> tuple[ConsoleVisitor, Action]:
    """The visitor, who may ask for the action. Raises SignedOut, :class:`NotFound`, :class:`NotAllowed`."""
    who, action = visitor(), find_action(name[:100])
    if not may_ask(who.actor, action):
        raise NotAllowed(
            "{action} is not for {who}.", action=translate()(action.title), who=translate()(who.title)
        )
    return who, action


def _asked_for(action: Action) -> list[Argument]:
    """What the first page asks for; secrets are typed on the second, where it is done."""
    return [each for each in action.arguments if each.kind is not ArgumentKind.SECRET]


def _problems(action: Action, given: Mapping[str, str], *, secrets: bool) -> dict[str, str]:
    found = {}
    for argument in action.arguments:
        if argument.kind is ArgumentKind.SECRET and not secrets:
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
    """What was *typed*, and by field what cannot be meant. A moment as a browser's field gives it is one of the
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


def _ask(action: Action, typed: Mapping[str, str], problems: Mapping[str, str]) -> Response:
    fields = [_field(each, typed.get(each.name, "")) for each in _asked_for(action)]
    note = requests.note_of(action)
    page = render_template(
        "action.html", action=action, fields=fields, problems=problems, note=note, effect="", fixed=()
    )
    return make_response(page, 422 if problems else 200)


def _confirm(
    parts: ConsoleParts, who: ConsoleVisitor, action: Action, given: Mapping[str, str], problems: Mapping[str, str]
) -> Response:
    kept = {each.name: given[each.name] for each in _asked_for(action) if given.get(each.name)}
    service = parts.administration.requests
    draft = service.draft_request(action.name, kept, by=who.actor) if action.persons == 2 else None
    page = render_template(
        "action.html",
        action=action,
        fields=[_field(each, "") for each in action.arguments if each.kind is ArgumentKind.SECRET],
        problems=problems,
        effect=requests.effect_of(action, kept),
        undo=translate()(action.undo) if action.undo else "",
        note=requests.note_of(action),
        warning=requests.warning(parts.administration.pin_custodians, action.name, kept),
        draft=draft,
        options=service.signing_options(draft, DualControlRole.ASKS, by=who.actor) if draft else None,
        fixed=tuple(kept.items()),
    )
    return make_response(page, 422 if problems else 200)


def _field(argument: Argument, value: str) -> ArgumentField:
    say = translate()
    choices = tuple((choice, say(requests.CHOICES.get(choice, choice))) for choice in argument.choices)
    return ArgumentField(
        argument.name, say(argument.title), argument.kind.value, argument.required, choices, value
    )
