"""Keepers of the token's PIN, as the administration sees them: who is one, how many are left, and their end.

The authority knows them by itself, and officers make them. To end one it takes nobody (as with a seal, to stop
somebody can never be too easy), but root's socket alone asks for it: whoever ends the ways in of an administrator
there, by an act that two persons have signed, ends the keeper with them. What root takes back of passkeys does not
unlock any more either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.administration.room import AdministrationRoom
from appliance.model.administration import Actor, AdministratorState, JournalKind
from appliance.store.administration import administrators
from hsm.client import AuthorityClient
from hsm.errors import AuthorityError
from hsm.sentence import Sentence
from hsm.subjects import keeper_of

NEEDED = 2
"""Keepers that it takes to unlock."""

ENDING = frozenset({"administrators.reset", "administrators.remove", "keys.keeper_end"})
"""The actions after which somebody is a keeper no more."""


@dataclass(frozen=True, slots=True)
class KeeperEnd:
    """What came of it: whether something ``ended``, and how many keepers are ``left`` who can sign in; None when
    the authority did not answer, so that nobody knows."""

    ended: bool
    left: int | None

    def said(self, login: str) -> Sentence | None:
        """What there is to say of it; nothing for somebody who was no keeper."""
        if self.left is None:
            return Sentence(
                "The authority does not answer: if {login} is a keeper of the PIN, that has not ended. Ask for"
                " `keys.keeper_end` when it answers again.",
                {"login": login},
            )
        if not self.ended:
            return None
        template = (
            "{login} answers as a keeper of the PIN with none of these passkeys any more. Keepers left: {left}; it"
            " takes two."
        )
        return Sentence(template, {"login": login, "left": self.left})


class Keepers:
    """Asks the *authority*; ends by *roots*, its socket for whoever is root, which no other process opens.
    Thread-safe."""

    def __init__(self, room: AdministrationRoom, authority: AuthorityClient, roots: AuthorityClient) -> None:
        self._room = room
        self._authority = authority
        self._roots = roots

    def able(self) -> list[str]:
        """Who of the administrators is a keeper and can sign in, by login. Raises :class:`AuthorityError`."""
        with self._room.database.reading() as tx:
            everybody = administrators.everybody(tx)
        known = set(self._authority.keepers())
        active = [each.login for each in everybody if each.state is AdministratorState.ACTIVE]
        return [login for login in active if keeper_of(login) in known]

    def end(self, login: str, credential_id: bytes | None = None, *, by: Actor) -> KeeperEnd:
        """*login* unlocks no more, or not with this passkey; the journal tells of it. Raises
        :class:`AuthorityError`."""
        ended = self._roots.end_keeper(keeper_of(login), credential_id) > 0
        if ended:
            with self._room.writing() as tx:
                self._room.journal.write(tx, JournalKind.KEEPER_ENDED, by, login=login)
        return KeeperEnd(ended, len(self.able()))

    def end_if_it_can(self, login: str, credential_id: bytes | None = None, *, by: Actor) -> KeeperEnd:
        """The same after a way in has ended: an authority that does not answer is no reason to keep that open, and
        is said in what this returns."""
        try:
            return self.end(login, credential_id, by=by)
        except AuthorityError:
            return KeeperEnd(ended=False, left=None)

    def warning(self, action: str, arguments: Mapping[str, str]) -> Sentence | None:
        """What whoever asks for *action*, or approves it, should know of keepers now; None for what ends none."""
        login = arguments.get("login", "").strip().lower()
        if action not in ENDING or not login:
            return None
        try:
            able, known = self.able(), self._authority.keepers()
        except AuthorityError:
            return Sentence(
                "Whether {login} is a keeper of the PIN is not known now: the authority does not answer.",
                {"login": login},
            )
        if keeper_of(login) not in known:
            return None
        left = len([each for each in able if each != login])
        return Sentence(_TOO_FEW if left < NEEDED else _ENOUGH, {"login": login, "left": left})


_ENOUGH = "{login} is a keeper of the PIN and will be none. Keepers left then: {left}; it takes two."
_TOO_FEW = (
    "{login} is a keeper of the PIN and will be none. Keepers left then: {left}; it takes two, so that only root"
    " on the machine unlocks the HSM (`vermilion-unlock 2`) until there are two again (`keys.keeper`)."
)
