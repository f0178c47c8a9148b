"""What an invitation leads to: a password, then a code, and one is in. Again after a reset.

The password waits beside the invitation until the code is there; both take effect together, and the invitation
ends.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.accounts import passwords
from appliance.accounts.codes import CodeDraft
from appliance.accounts.sessions import Whereabouts
from appliance.administration.room import AdministrationRoom
from appliance.administration.sessions import ConsoleSessions
from appliance.errors import NotFound, StateRefused
from appliance.model.administration import (
    Actor,
    Administrator,
    AdministratorState,
    Invitation,
    JournalKind,
    OpenedConsoleSession,
)
from appliance.store.administration import administrators, invitations
from appliance.store.database import Transaction

INVITATION_LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class AdministratorArrival:
    """Somebody with an invitation that works; ``has_password``: the first of the two steps is done."""

    identifier: bytes
    administrator: Administrator
    has_password: bool


class AdministratorWelcoming:
    """Sets accounts up. Thread-safe."""

    def __init__(self, room: AdministrationRoom, sessions: ConsoleSessions) -> None:
        self._room = room
        self._sessions = sessions

    def arrive(self, token: str) -> AdministratorArrival:
        """Who stands behind a link. Raises :class:`NotFound`, and :class:`StateRefused` for one that is over."""
        identifier = _identifier(token)
        with self._room.database.reading() as tx:
            administrator = self._open(tx, identifier)
            return AdministratorArrival(
                identifier, administrator, invitations.password(tx, identifier) is not None
            )

    def choose_password(self, arrival: AdministratorArrival, password: str) -> None:
        """The first step. Raises :class:`PreconditionRefused` for a password that is not good enough."""
        owner = arrival.administrator
        passwords.require_good(password, login=owner.login, name=owner.name)
        hashed = passwords.hashed(password)
        with self._room.database.transaction() as tx:
            self._open(tx, arrival.identifier)
            invitations.keep_password(tx, arrival.identifier, hashed)

    def code_draft(self, arrival: AdministratorArrival, *, sealed: str = "") -> CodeDraft:
        """A secret to scan, or the one in *sealed* when its form came back with a mistake in it."""
        login = arrival.administrator.login
        return self._room.codes.draft(login, login, sealed=sealed)

    def with_code(
        self, arrival: AdministratorArrival, sealed: str, code: str, where: Whereabouts
    ) -> OpenedConsoleSession:
        """The second step: the account works from now on, and its owner is signed in.

        Raises :class:`PreconditionRefused` for a wrong code, :class:`StateRefused` without a password.
        """
        owner, now = arrival.administrator, self._room.now()
        proven = self._room.codes.proven(owner.login, sealed, code, now=now)
        with self._room.writing() as tx:
            self._open(tx, arrival.identifier)
            hashed = invitations.password(tx, arrival.identifier)
            if hashed is None:
                raise StateRefused("Choose a password first.")
            invitations.end(tx, arrival.identifier, now=now)
            administrators.set_factors(tx, owner.login, hashed, proven.wrapped, step=proven.step)
            administrators.move(tx, owner.login, AdministratorState.ACTIVE, AdministratorState.INVITED)
            actor = Actor(owner.login, owner.role)
            self._room.journal.write(tx, JournalKind.ADMINISTRATOR_SET_UP, actor, address=where.address)
            return self._sessions.open(tx, owner.login, where)

    def _open(self, tx: Transaction, identifier: bytes) -> Administrator:
        found = invitations.find(tx, identifier)
        if found is None:
            raise NotFound("This link is not one of ours, or it was cut off; copy it from the message once more.")
        if found.ended is not None:
            raise StateRefused("This link was used already, or a newer one was made; ask for another.")
        if found.expires <= self._room.now():
            raise StateRefused("This link has expired; ask for another.")
        return administrators.administrator(tx, found.login)


def invite(tx: Transaction, login: str, *, by: Actor, now: datetime) -> str:
    """A new invitation of *login* in place of an earlier one; its token, which is kept nowhere."""
    token = secrets.token_urlsafe(32)
    invitations.insert(tx, _identifier(token), Invitation(login, now, now + INVITATION_LASTS), by=by.login)
    return token


def _identifier(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
