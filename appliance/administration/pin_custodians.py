"""PIN custodians as the administration sees them: who is one, how many are left, and how one is ended.

The authority stores them itself; officers enrol them. Ending one needs nobody's activation, because stopping must
always be possible (as with a seal), but only root's socket can ask for it. Resetting or removing an administrator,
by a request that two persons have signed, also ends that person as PIN custodian. A passkey that root no longer
confirms does not unlock either. No earlier decision undoes this: one that waits for officers is refused first.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from appliance.accounts.two_step import folded
from appliance.administration.context import AdministrationContext
from appliance.enrolment_requests import refuse_decision
from appliance.errors import StorageError
from appliance.model.administration import ROOT, Actor, AdministratorState, JournalKind
from appliance.model.office import OfficerDecision, OfficerDecisionKind
from appliance.store import officer_decisions
from appliance.store.administration import administrators
from hsm.client import AuthorityClient
from hsm.errors import ActivationUsed, AuthorityError, Sentence
from hsm.names import pin_custodian_subject

NEEDED = 2
"""PIN custodians that it takes to unlock."""

ENDING = frozenset({"administrators.reset", "administrators.remove", "keys.keeper_end"})
"""The actions after which somebody is no longer a PIN custodian."""

TO_BE_NONE = "{login} is to be no keeper of the PIN: what waited for the officers has ended."


@dataclass(frozen=True, slots=True)
class EndSentences:
    """What is said about somebody whose ways to sign in were ended: for no PIN custodian (``plain``), for one
    (``custodian``), for one where those left could not be counted, and where it is not known."""

    plain: str
    custodian: str
    uncounted: str
    unknown: str = ""


_PASSKEYS_ENDED = EndSentences(
    TO_BE_NONE,
    "{login} answers as a keeper of the PIN with none of these passkeys any more. Keepers left: {left}; it takes"
    " two.",
    "{login} answers as a keeper of the PIN with none of these passkeys any more. How many keepers are left is not"
    " known: the authority was asked, and did not say.",
    "The authority or the portal's database does not answer: if {login} is a keeper of the PIN, or was to become"
    " one, that may not have ended. Ask for `keys.keeper_end` when both answer again.",
)


@dataclass(frozen=True, slots=True)
class PinCustodianEnd:
    """What came of it: whether something ``ended`` (None when the authority or the portal's database did not
    answer, so that nobody knows), how many PIN custodians are ``left`` who can sign in (None: not known), and
    whether a decision that waited for officers was ``withdrawn``."""

    ended: bool | None
    left: int | None
    withdrawn: bool = False

    def sentence(self, said: EndSentences, login: str) -> Sentence:
        """The sentence of *said* that fits this result."""
        if self.ended is None:
            return Sentence(said.unknown, {"login": login})
        if not self.ended:
            return Sentence(said.plain, {"login": login})
        if self.left is None:
            return Sentence(said.uncounted, {"login": login})
        return Sentence(said.custodian, {"login": login, "left": self.left})

    def sentence_about(self, login: str) -> Sentence | None:
        """The sentence about passkeys that are no longer confirmed; None for somebody who was no PIN custodian."""
        nothing = self.ended is False and not self.withdrawn
        return None if nothing else self.sentence(_PASSKEYS_ENDED, login)


class PinCustodians:
    """Asks the *authority*; ends by *roots*, its socket for root, which no other process opens. Thread-safe."""

    def __init__(self, context: AdministrationContext, authority: AuthorityClient, roots: AuthorityClient) -> None:
        self._context = context
        self._authority = authority
        self._roots = roots

    def able_logins(self) -> list[str]:
        """The administrators who are PIN custodians and can sign in, by login. Raises :class:`AuthorityError`."""
        everybody = self._context.database.query(administrators.everybody)
        known = set(self._authority.pin_custodians())
        active = [each.login for each in everybody if each.state is AdministratorState.ACTIVE]
        return [login for login in active if pin_custodian_subject(login) in known]

    def end_custodian(self, login: str, credential_id: bytes | None = None, *, by: Actor) -> PinCustodianEnd:
        """*login* can no longer unlock, or not with this passkey, and no earlier decision of officers undoes that;
        journal and log record it.

        Raises :class:`AuthorityError`, and :class:`StorageError` for a portal's database that cannot be used:
        either one when the other was asked all the same.
        """
        try:
            # First: whoever is activating it now comes before.
            withdrawn = self._withdraw(login, credential_id, by)
        finally:
            ended = self._end(login, credential_id, by)
        return PinCustodianEnd(ended, self._left(), withdrawn)

    def _withdraw(self, login: str, credential_id: bytes | None, by: Actor) -> bool:
        """Refuses what waits in the portal to make *login* a PIN custodian by this passkey, and has the authority
        forget who approved it; whether any did."""
        now, subject = self._context.now(), pin_custodian_subject(login)
        who = by.login if by == ROOT else f"administrator-{by.login}"
        with self._context.portal().transaction() as tx:
            officer_decisions.expire(tx, now)
            found = officer_decisions.open_about(tx, subject, OfficerDecisionKind.ENROL_PIN_CUSTODIAN)
            waiting = [act for act in found if credential_id is None or _is_by(act, credential_id)]
            for act in waiting:
                refuse_decision(tx, act, reason=WITHDRAWN.template, by=who, at=now)
        for act in waiting:
            with suppress(ActivationUsed):  # then it was done, and is ended next
                self._roots.withdraw(act.intent())
        return bool(waiting)

    def _end(self, login: str, credential_id: bytes | None, by: Actor) -> bool:
        ended = self._roots.end_pin_custodian(pin_custodian_subject(login), credential_id) > 0
        if ended:
            with self._context.writing() as tx:
                self._context.journal.append_line(tx, JournalKind.PIN_CUSTODIAN_ENDED, by, login=login)
        return ended

    def _left(self) -> int | None:
        try:
            return len(self.able_logins())
        except AuthorityError:  # another socket than that which ended it
            return None

    def try_end_custodian(self, login: str, credential_id: bytes | None = None, *, by: Actor) -> PinCustodianEnd:
        """The same after a way in has ended: an authority, or a portal, that does not answer is no reason to keep
        that open, and is said in what this returns."""
        try:
            return self.end_custodian(login, credential_id, by=by)
        except (AuthorityError, StorageError):
            return PinCustodianEnd(ended=None, left=None)

    def warning(self, action: str, arguments: Mapping[str, str]) -> Sentence | None:
        """A warning about PIN custodians for who asks for *action* or approves it; None when it ends none."""
        login = folded(arguments.get("login", ""))
        if action not in ENDING or not login:
            return None
        try:
            able, known = self.able_logins(), self._authority.pin_custodians()
        except AuthorityError:
            return Sentence(
                "Whether {login} is a keeper of the PIN is not known now: the authority does not answer.",
                {"login": login},
            )
        if pin_custodian_subject(login) not in known:
            return None
        left = len([each for each in able if each != login])
        return Sentence(_TOO_FEW if left < NEEDED else _ENOUGH, {"login": login, "left": left})


def _is_by(act: OfficerDecision, credential_id: bytes) -> bool:
    return any(each["credential_id"] == credential_id.hex() for each in act.details["credentials"])


WITHDRAWN = Sentence("The keeper was ended, or root took the passkey back, before officers had activated this.")
"""Why such a decision is refused."""

_ENOUGH = "{login} is a keeper of the PIN and will be none. Keepers left then: {left}; it takes two."
_TOO_FEW = (
    "{login} is a keeper of the PIN and will be none. Keepers left then: {left}; it takes two, so that only root"
    " on the machine unlocks the HSM (`vermilion-unlock 2`) until there are two again (`keys.keeper`)."
)
