"""Whoever performs an act looks again: it is what somebody who may asked for and, where it takes two, another
person approved.

Between the decision and the deed accounts change, and so may a release. And the row need not come from
:mod:`appliance.administration.acts`: whoever took over a process that writes this database can make one. What
takes two persons is therefore signed by both (:mod:`appliance.administration.signatures`), by keys that are
confirmed elsewhere; what takes one could be made up, but nothing is performed that could not have been asked for.
"""

from __future__ import annotations

from datetime import datetime

from appliance.administration.action import Action
from appliance.administration.signatures import RequestSignatures
from appliance.administration.statement import RequestStatement
from appliance.errors import NotAllowed, PreconditionRefused, StateRefused
from appliance.model.administration import (
    ROOT,
    AdministratorRole,
    AdministratorState,
    AdminRequest,
    DualControlRole,
)
from appliance.store.administration import administrators
from appliance.store.database import Transaction


def require_approved(
    tx: Transaction, act: AdminRequest, action: Action, signatures: RequestSignatures, *, now: datetime
) -> None:
    """Raises :class:`StateRefused` when *act* is not what *action* says and takes, :class:`NotAllowed` when who
    asked for it, or approved it, may not or may not any more, or has not signed it."""
    if not _is_what_it_says(act, action):
        raise StateRefused(
            "{id} is not what {action} takes and says now; it was not done, ask anew.",
            id=act.id,
            action=act.action,
        )
    require_author(tx, act, action)
    if action.approvers:
        second = act.decided_by or ""
        if second == act.asked_by or not _is_one_of(tx, second, action.approvers):
            raise NotAllowed("{who} may not approve this any more.", who=second)
        signatures.require_signature(
            tx, RequestStatement(act, DualControlRole.ASKS, act.asked_by), action.who, now=now
        )
        signatures.require_signature(
            tx, RequestStatement(act, DualControlRole.APPROVES, second), action.approvers, now=now
        )


def require_author(tx: Transaction, act: AdminRequest, action: Action) -> None:
    """Raises :class:`NotAllowed` when who asked for *act* may not ask for it any more."""
    if act.asked_by != ROOT.login and not _is_one_of(tx, act.asked_by, action.who):
        raise NotAllowed("{who} may not ask for this any more.", who=act.asked_by)


def _is_what_it_says(act: AdminRequest, action: Action) -> bool:
    kept = dict(act.arguments)
    try:
        same = action.checked_without_secrets(kept) == kept
    except PreconditionRefused:
        return False
    return same and act.persons == action.persons and action.effect_in_english(kept) == act.effect


def _is_one_of(tx: Transaction, login: str, roles: frozenset[AdministratorRole]) -> bool:
    found = administrators.find(tx, login)
    return found is not None and found.state is AdministratorState.ACTIVE and found.role in roles
