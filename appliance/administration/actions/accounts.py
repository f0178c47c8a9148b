"""Actions on administrators: to let somebody in takes two persons, to keep somebody out takes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from appliance.administration.action import (
    BOTH,
    SECURITY,
    Action,
    ActionContext,
    Argument,
    ArgumentKind,
    ExecutedBy,
    Perform,
)
from appliance.administration.administrators import Administrators
from appliance.administration.pin_custodians import EndSentences, PinCustodianEnd
from appliance.model.administration import Actor, AdministratorRole, AdminRequestOutcome, NewAdministrator

_LOGIN = Argument("login", "Login")
_ROLES = tuple(role.value for role in AdministratorRole)


def _add(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    role = AdministratorRole(arguments["role"])
    new = NewAdministrator(arguments["login"], arguments["name"], arguments["email"], role)
    login = parts.administrators.add(new, by=by)
    return AdminRequestOutcome(
        "{login} is an administrator; the action administrators.link gives the way in.", {"login": login}
    )


def _link(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    request_id = parts.act.id if parts.act is not None else ""
    invited = parts.administrators.link(arguments["login"], by=by, request_id=request_id)
    address = f"{parts.settings.console.public_url}/welcome/{invited.token}"
    return AdminRequestOutcome(
        "For {login} alone, once, within 24 hours; the code that goes with it is given by who asked:",
        {"login": invited.login},
        secret=address,
    )


_RESET = EndSentences(
    "The ways in of {login} have ended.",
    "The ways in of {login} have ended, who is no keeper of the PIN any more. Keepers left: {left}; it takes two.",
    "The ways in of {login} have ended, who is no keeper of the PIN any more. How many keepers are left is not"
    " known: the authority was asked, and did not say.",
    "The ways in of {login} have ended. But the authority or the portal's database does not answer: if {login} is"
    " a keeper of the PIN, or was to become one, that may not have ended; ask for keys.keeper_end when both answer"
    " again.",
)
_REMOVED = EndSentences(
    "The account of {login} is closed.",
    "The account of {login} is closed, who is no keeper of the PIN any more. Keepers left: {left}; it takes two.",
    "The account of {login} is closed, who is no keeper of the PIN any more. How many keepers are left is not"
    " known: the authority was asked, and did not say.",
    "The account of {login} is closed. But the authority or the portal's database does not answer: if {login} is a"
    " keeper of the PIN, or was to become one, that may not have ended; ask for keys.keeper_end when both answer"
    " again.",
)


def _ending(end: Callable[..., PinCustodianEnd], said: EndSentences) -> Perform:
    """What performs the *end* of an account's ways to sign in, and says what became of a PIN custodian."""

    def perform(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
        login = arguments["login"]
        told = end(parts.administrators, login, by=by).sentence(said, login)
        return AdminRequestOutcome(told.template, told.values)

    return perform


def _changing(change: Callable[..., None], template: str) -> Perform:
    """What performs a *change* of one account, and then says *template*."""

    def perform(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
        change(parts.administrators, arguments["login"], by=by)
        return AdminRequestOutcome(template, {"login": arguments["login"]})

    return perform


LINK = "administrators.link"

_alone = partial(Action, who=SECURITY, arguments=(_LOGIN,), executed_by=ExecutedBy.CONSOLE)
_by_two = partial(_alone, approvers=BOTH)

ACTIONS = (
    _by_two(
        "administrators.add",
        "Add an administrator",
        "{name} ({email}) becomes an administrator of the kind {role}, with the login {login}, for good.",
        undo="The action administrators.remove.",
        arguments=(
            _LOGIN,
            Argument("name", "Name of the human"),
            Argument("email", "Address of mail, which nobody in the portal has"),
            Argument("role", "Kind", ArgumentKind.CHOICE, choices=_ROLES),
        ),
        executed_by=ExecutedBy.SCHEDULER,
        perform=_add,
    ),
    _by_two(
        LINK,
        "Make a way in",
        "A new link lets {login}, who was added or reset, choose password and code; earlier links end. Who"
        " approves is shown the link, who asked a code: {login} needs both.",
        undo="A newer link, or the action administrators.suspend.",
        perform=_link,
    ),
    _by_two(
        "administrators.reset",
        "Reset password and code",
        "Password, code, passkeys and sessions of {login} end at once; a link then lets password and code"
        " be chosen anew. A keeper of the PIN is none any more: where fewer than two are left, only root on the"
        " machine unlocks the HSM until there are two again.",
        undo="Nothing brings the old ones back.",
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_ending(Administrators.reset, _RESET),
    ),
    _alone(
        "administrators.suspend",
        "Suspend an administrator",
        "{login} cannot sign in any more, for now; sessions end at once.",
        undo="The action administrators.resume.",
        perform=_changing(Administrators.suspend, "{login} is suspended."),
    ),
    _by_two(
        "administrators.resume",
        "End a suspension",
        "{login} can sign in again.",
        undo="The action administrators.suspend.",
        perform=_changing(Administrators.resume, "{login} may sign in again."),
    ),
    _alone(
        "administrators.unlock",
        "Unlock an account",
        "{login}, locked after too many failures to sign in, may try again.",
        undo="The action administrators.suspend.",
        perform=_changing(Administrators.unlock, "{login} may sign in again."),
    ),
    _by_two(
        "administrators.remove",
        "Remove an administrator",
        "The account of {login} is closed for good; its login is never used again. A keeper of the PIN is"
        " none any more: where fewer than two are left, only root on the machine unlocks the HSM until there are"
        " two again.",
        undo="Nothing opens it again; the human may be added under another login.",
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_ending(Administrators.remove, _REMOVED),
    ),
)
