"""Actions on the authority: to stop it can never be too easy; what makes or opens something takes more."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.administration.action import Action, Hand
from appliance.administration.actions.people import BOTH, NOBODY
from appliance.administration.parts import Parts
from appliance.model.administration import Actor, Outcome


def _lock(parts: Parts, _arguments: Mapping[str, str], _by: Actor) -> Outcome:
    parts.authority.lock()
    return Outcome("The authority is locked: nothing is signed or timestamped until operators unlock it.")


def _issue_lists(parts: Parts, _arguments: Mapping[str, str], _by: Actor) -> Outcome:
    parts.authority.issue_crl()
    return Outcome("Fresh revocation lists are issued.")


ACTIONS = (
    Action(
        name="authority.lock",
        title="Lock the authority",
        effect="The authority forgets the PIN of its token: from now on nothing is signed and nothing is"
        " timestamped.",
        undo="Operators unlock it on the machine (`vermilion-unlock`); where the PIN is kept, a restart of the"
        " service authority is enough.",
        who=BOTH,
        approvers=NOBODY,
        arguments=(),
        hand=Hand.CONSOLE,
        perform=_lock,
    ),
    Action(
        name="crl.issue",
        title="Issue revocation lists",
        effect="Each issuing CA signs a fresh revocation list, which is published at once.",
        undo="Nothing has to be taken back.",
        who=BOTH,
        approvers=NOBODY,
        arguments=(),
        hand=Hand.CONSOLE,
        perform=_issue_lists,
    ),
)
