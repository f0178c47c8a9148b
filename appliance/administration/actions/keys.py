"""Actions on the authority: to stop it can never be too easy; what makes or opens something takes more."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from appliance.administration.action import (
    BOTH,
    SECURITY,
    SYSTEM,
    Action,
    ActionContext,
    Argument,
    ArgumentKind,
    ExecutedBy,
)
from appliance.administration.confirmed import RootConfirmations
from appliance.administration.pin_custodians import TO_BE_NONE, EndSentences
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.administration import Actor, AdministratorRole, AdminRequestOutcome
from appliance.model.office import NewPinCustodian, OfficerDecision
from appliance.office.drafts import REASONS, SERVICES
from hsm.names import pin_custodian_subject


def _lock(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    parts.authority.lock()
    return AdminRequestOutcome(
        "The authority is locked: nothing is signed or timestamped until operators unlock it."
    )


def _issue_lists(parts: ActionContext, _arguments: Mapping[str, str], _by: Actor) -> AdminRequestOutcome:
    parts.authority.issue_crl()
    return AdminRequestOutcome("Fresh revocation lists are issued.")


def _rotate(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    services = parts.appliance.office.drafts.services
    return _prepared(services.draft_rotation(arguments["service"], by=f"administrator-{by.login}"))


def _revoke(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    services = parts.appliance.office.drafts.services
    return _prepared(services.draft_revocation(**arguments, by=f"administrator-{by.login}"))


def _make_pin_custodian(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    administrator = parts.administrators.administrator(arguments["login"])
    if administrator.role is AdministratorRole.AUDITOR:
        raise PreconditionRefused("Auditors keep no part of the PIN.")
    confirmed = RootConfirmations(parts.settings.home.confirmed).keys_of(administrator.login)
    if not confirmed:
        raise StateRefused(
            "{login} has no passkey that root has confirmed (`vermilion administrators confirm`).",
            login=administrator.login,
        )
    custodian = NewPinCustodian(
        subject=pin_custodian_subject(administrator.login),
        name=administrator.name,
        passkeys=tuple((each.credential_id, each.public_key) for each in confirmed),
        rp_id=parts.settings.console.relying_party,
    )
    services, organisation = parts.appliance.office.drafts.services, parts.settings.organisation.name
    return _prepared(
        services.draft_pin_custodian(custodian, organisation=organisation, by=f"administrator-{by.login}")
    )


_ENDED = EndSentences(
    TO_BE_NONE,
    "{login} is no keeper of the PIN any more. Keepers left: {left}; it takes two.",
    "{login} is no keeper of the PIN any more. How many keepers are left is not known: the authority was asked,"
    " and did not say.",
)


def _end_pin_custodian(parts: ActionContext, arguments: Mapping[str, str], by: Actor) -> AdminRequestOutcome:
    login = arguments["login"]
    told = parts.administrators.end_pin_custodian(login, by=by).sentence(_ENDED, login)
    return AdminRequestOutcome(told.template, told.values)


def _prepared(act: OfficerDecision) -> AdminRequestOutcome:
    template = "It waits for the officers in the portal (Registration), for {hours} hours."
    return AdminRequestOutcome(template, {"hours": int((act.expires - act.prepared).total_seconds() // 3600)})


_SERVICE = Argument("service", "Service", ArgumentKind.CHOICE, choices=SERVICES)

_LOGIN = Argument("login", "Login")

_by_officers = partial(Action, approvers=SECURITY, executed_by=ExecutedBy.SCHEDULER)
_at_once = partial(Action, who=BOTH, executed_by=ExecutedBy.CONSOLE)

ACTIONS = (
    _by_officers(
        "keys.rotate",
        "Give a service a new key",
        "The service {service} gets a new key and certificate, once officers have activated that in the"
        " portal; the certificate before it stays valid until it ends.",
        undo="The action keys.rotate again; an earlier key does not come back.",
        who=SYSTEM,
        arguments=(_SERVICE,),
        perform=_rotate,
    ),
    _by_officers(
        "keys.revoke",
        "Revoke an earlier certificate of a service",
        "The certificate {serial} of the service {service} is revoked for good ({reason}), once officers"
        " have activated that in the portal; a fresh revocation list says so at once.",
        undo="Nothing takes a revocation back.",
        who=SYSTEM,
        arguments=(
            _SERVICE,
            Argument("serial", "Serial number, in hexadecimal digits"),
            Argument("reason", "Reason", ArgumentKind.CHOICE, choices=REASONS),
        ),
        perform=_revoke,
    ),
    _by_officers(
        "keys.keeper",
        "Make somebody a keeper of the PIN",
        "The administrator {login} becomes a keeper of the token's PIN, by the passkeys that root has"
        " confirmed and by no others, once officers have activated that in the portal: two keepers unlock the HSM"
        " together. Who is one already takes this way, too, to replace a lost passkey.",
        undo="The action keys.keeper_end.",
        who=BOTH,
        arguments=(_LOGIN,),
        perform=_make_pin_custodian,
    ),
    Action(
        "keys.keeper_end",
        "End a keeper of the PIN",
        "The administrator {login} unlocks the HSM no more, from now on. Where fewer than two keepers are"
        " left, only root on the machine unlocks it until there are two again.",
        undo="The action keys.keeper.",
        who=BOTH,
        approvers=SECURITY,
        arguments=(_LOGIN,),
        executed_by=ExecutedBy.PRIVILEGED_HELPER,
        perform=_end_pin_custodian,
    ),
    _at_once(
        "authority.lock",
        "Lock the authority",
        "The authority forgets the PIN of its token: from now on, also after a restart, nothing is signed"
        " and nothing is timestamped.",
        undo="Two keepers of the PIN unlock it, in the console (`/unlock`) or with root on the"
        " machine (`vermilion-unlock 2`); where the PIN is kept, two persons start it again (the action"
        " authority.restart).",
        perform=_lock,
    ),
    _at_once(
        "crl.issue",
        "Issue revocation lists",
        "Each issuing CA signs a fresh revocation list, which is published at once.",
        perform=_issue_lists,
    ),
)
