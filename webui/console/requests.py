"""What pages show of actions and requests, in the reader's words: commands set as such, typed words set apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from appliance.administration.action import NOTHING, Action, ArgumentKind, quoted_argument
from appliance.administration.actions import REGISTRY, may_approve, may_ask
from appliance.administration.actions.accounts import LINK
from appliance.administration.sign_in import ConsoleSessionHolder
from appliance.model.administration import AdministratorRole, AdminRequest, AdminRequestState
from webui.console.access import TITLES, administration
from webui.shared.language import moment, translate

STATES = {
    AdminRequestState.WAITING: ("Waits", "open"),
    AdminRequestState.REFUSED: ("Refused", "bad"),
    AdminRequestState.WITHDRAWN: ("Withdrawn", ""),
    AdminRequestState.EXPIRED: ("Expired", ""),
    AdminRequestState.PERFORMING: ("Under way", "open"),
    AdminRequestState.DONE: ("Done", "good"),
    AdminRequestState.FAILED: ("Failed", "bad"),
    AdminRequestState.INTERRUPTED: ("Interrupted", "bad"),
}
"""What the states of an admin request are called, and the tone of the badge."""

CHOICES = {
    **{role.value: title for role, title in TITLES.items()},
    "authority": "Signing authority",
    "web": "Portal",
    "tsa": "Timestamp service",
    "scheduler": "Scheduler",
    "console": "Console",
    "activation": "Activation service",
    "evidence": "Evidence packages",
    "superseded": "Superseded by another one",
    "key_compromise": "The key may be known to others",
    "cessation_of_operation": "No longer in use",
    "yes": "Yes",
    "removal": "People who are gone from the directory",
    "duty": "Accounts of auditors and operators",
    "link": "Local accounts that are to follow the directory",
}
"""What choices are called."""

AREAS = {
    "Machine": ("maintenance", "service", "backup", "drill", "restore", "release", "alarm", "support"),
    "Cluster": ("cluster",),
    "Log, contracts and mail": ("log", "mail", "gateway", "retries"),
    "Webhooks": ("webhooks",),
    "Keys and certificates": ("authority", "crl", "key", "keys", "certificate", "certificates"),
    "API clients": ("api",),
    "Directory": ("directory",),
    "Administrators": ("administrators",),
}
"""The headings that actions stand under, by the first words of their names."""


@dataclass(frozen=True, slots=True)
class OfferedAction:
    """One action in a list: whether the reader may ask for it, and what it takes."""

    action: Action
    allowed: bool
    note: str


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """One request (``it``) as a reader sees it. ``yours``: the reader may decide; ``own``: asked for it."""

    it: AdminRequest
    title: str
    effect: str
    undo: str
    state: str
    tone: str
    open: bool
    yours: bool
    own: bool
    outcome: str
    approvers: str


def offered_actions(who: ConsoleSessionHolder, actions: Iterable[Action]) -> list[OfferedAction]:
    """*actions* as *who* sees them."""
    return [OfferedAction(action, may_ask(who.actor, action), note_of(action)) for action in actions]


def by_area(found: Iterable[OfferedAction]) -> list[tuple[str, list[OfferedAction]]]:
    """Under headings, in the registry's order."""
    areas: dict[str, list[OfferedAction]] = {}
    for offer in found:
        first = offer.action.name.partition(".")[0]
        heading = next((area for area, words in AREAS.items() if first in words), "Other acts")
        areas.setdefault(translate()(heading), []).append(offer)
    return list(areas.items())


def note_of(action: Action) -> str:
    """Who may ask for it, and whether somebody else has to approve."""
    say = translate()
    if not action.approvers:
        return say("{kinds}, alone", kinds=kinds(action.who))
    return say(
        "{kinds}; approved by another: {approvers}", kinds=kinds(action.who), approvers=kinds(action.approvers)
    )


def kinds(roles: Iterable[AdministratorRole]) -> str:
    """The kinds of administrators, named."""
    say = translate()
    return _joined([say(TITLES[role]) for role in sorted(roles)])


def _joined(names: list[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return translate()("{first} or {second}", first=_joined(names[:-1]), second=names[-1])


def effect_of(action: Action, arguments: Mapping[str, str]) -> str:
    """The sentence that says exactly what it will do, for the filter ``coded``: what was typed is set apart."""
    kinds = {each.name: each.kind for each in action.arguments}
    told = dict.fromkeys((each.name for each in action.arguments if not each.is_secret), NOTHING)
    for name in told.keys() & arguments.keys():
        told[name] = mark_typed(_read(arguments[name], kinds[name]))
    return translate()(action.effect, **told)


def _read(text: str, kind: ArgumentKind) -> str:
    """An argument as people read it: a choice in words, a moment in the reader's zone."""
    if kind is ArgumentKind.CHOICE:
        return translate()(CHOICES.get(text, text))
    try:
        return moment(datetime.fromisoformat(text)) if kind is ArgumentKind.MOMENT else text
    except ValueError:  # what is wrong with it is said at its field
        return text


def request_sentence(act: AdminRequest, *, outcome: bool) -> str:
    """In one sentence what *act* does or, with *outcome*, what came of it."""
    if outcome and act.outcome is not None:
        return translate()(act.outcome.template, **act.outcome.values)
    action = REGISTRY.get(act.action)
    return effect_of(action, act.arguments) if action else act.effect


def warning(action: str, arguments: Mapping[str, str]) -> str:
    """What the sentence of *action* cannot know: whether a PIN custodian ends, and how many are left."""
    found = administration.pin_custodians.warning(action, arguments)
    return "" if found is None else translate()(found.template, **found.values)


def has_code(who: ConsoleSessionHolder, act: AdminRequest) -> bool:
    """Whether *who* asked for a link whose code is theirs to give."""
    state = AdminRequestState
    over = (state.REFUSED, state.WITHDRAWN, state.EXPIRED, state.FAILED)
    return act.action == LINK and act.asked_by == who.login and act.state not in over


def show_request(who: ConsoleSessionHolder, act: AdminRequest) -> ShownRequest:
    """*act* as *who* sees it. One of an action that this release does not know keeps its words."""
    action, say = REGISTRY.get(act.action), translate()
    state, tone = STATES[act.state]
    waits = act.state is AdminRequestState.WAITING
    return ShownRequest(
        it=act,
        title=say(action.title) if action else act.action,
        effect=request_sentence(act, outcome=False),
        undo=say(action.undo) if action and action.undo else "",
        state=state,
        tone=tone,
        open=waits,
        yours=waits and action is not None and act.asked_by != who.login and may_approve(who.actor, action),
        own=act.asked_by == who.login,
        outcome=request_sentence(act, outcome=True) if act.outcome else "",
        approvers=kinds(action.approvers) if action else "",
    )


_BEGIN, _END = "\ue000", "\ue001"
"""For private use, so that no argument holds them (:meth:`appliance.administration.action.Argument.checked`)."""

_GIVEN = re.compile(f"{_BEGIN}([^{_BEGIN}{_END}]*){_END}")


def mark_typed(value: str) -> str:
    """*value*, which somebody typed, for a sentence that goes through :func:`coded`."""
    return f"{_BEGIN}{quoted_argument(value)}{_END}"


def coded(sentence: str) -> Markup:
    """The filter of templates: *sentence* with what stands between backquotes, a command, in ``<code>``, and what
    is :func:`mark_typed` in ``<span class="given">``, never a command; a backquote without its fellow stays."""
    pieces = enumerate(_GIVEN.split(str(sentence)))
    given = Markup('<span class="given">{}</span>')
    return Markup("").join(given.format(each) if number % 2 else _commands(each) for number, each in pieces)


def _commands(words: str) -> Markup:
    parts = words.split("`")
    if len(parts) % 2 == 0:
        return escape(words)
    code = Markup("<code>{}</code>")
    return Markup("").join(code.format(part) if number % 2 else escape(part) for number, part in enumerate(parts))
