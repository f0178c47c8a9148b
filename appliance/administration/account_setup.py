"""What an invitation leads to: a password, then a code, and one is in. Again after a reset.

The password waits beside the invitation until the code is there; both take effect together, and end it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.accounts import passwords, throttle
from appliance.accounts.codes import CodeDraft
from appliance.accounts.sessions import ClientInfo
from appliance.administration.context import AdministrationContext
from appliance.administration.sign_in import ConsoleSessions
from appliance.errors import NotFound, SignInRefused, StateRefused
from appliance.model.administration import (
    NOBODY,
    Actor,
    Administrator,
    AdministratorInvitation,
    AdministratorState,
    JournalKind,
    OpenedConsoleSession,
)
from appliance.store.administration import administrators
from appliance.store.database import Transaction

INVITATION_LASTS = timedelta(hours=24)
MOST_WRONG = 5
"""Wrong codes after which a link has ended."""


@dataclass(frozen=True, slots=True)
class AdministratorArrival:
    """Somebody with an invitation that works; ``has_password``: the first of the two steps is done;
    ``needs_code``: the link alone is not enough for it."""

    identifier: bytes
    administrator: Administrator
    has_password: bool
    needs_code: bool = False


class AdministratorSetup:
    """Sets accounts up. Thread-safe."""

    def __init__(self, context: AdministrationContext, sessions: ConsoleSessions) -> None:
        self._context = context
        self._sessions = sessions

    def open_link(self, token: str) -> AdministratorArrival:
        """Who stands behind a link. Raises :class:`NotFound`, and :class:`StateRefused` for one that is over."""
        identifier = _identifier(token)
        with self._context.database.reading() as tx:
            invitation, administrator = self._open(tx, identifier)
            chosen = administrators.invited_password(tx, identifier) is not None
        return AdministratorArrival(identifier, administrator, chosen, invitation.code is not None)

    def choose_password(self, arrival: AdministratorArrival, password: str, *, code: str = "") -> str:
        """The first step. Where the link takes a *code*, the token of another link, which alone leads on: whoever
        gave the first one has no use of it any more. Else nothing.

        Raises :class:`SignInRefused` for a wrong code, after some of which the link has ended;
        :class:`PreconditionRefused` for a password that is not good enough.
        """
        owner, token = arrival.administrator, ""
        self._require_code(arrival, code)
        passwords.require_good_password(password, login=owner.login, name=owner.name)
        hashed = passwords.hash_password(password)
        with self._context.database.transaction() as tx:
            invitation, _ = self._open(tx, arrival.identifier)
            administrators.keep_invited_password(tx, arrival.identifier, hashed)
            if invitation.code is not None:
                token = secrets.token_urlsafe(32)
                administrators.move_invitation(tx, arrival.identifier, _identifier(token))
        return token

    def code_for(self, request_id: str) -> str:
        """The code that goes with the link which the admin request *request_id* makes, for who asked for it."""
        return welcome_code(self._context, request_id)

    def code_draft(self, arrival: AdministratorArrival, *, sealed: str = "") -> CodeDraft:
        """A secret to scan, or the one in *sealed* when its form came back with a mistake in it."""
        login = arrival.administrator.login
        return self._context.codes.draft_secret(login, login, sealed=sealed)

    def finish_with_code(
        self, arrival: AdministratorArrival, sealed: str, code: str, where: ClientInfo
    ) -> OpenedConsoleSession:
        """The second step: the account works from now on, and its owner is signed in.

        Raises :class:`PreconditionRefused` for a wrong code, :class:`StateRefused` without a password.
        """
        owner, now = arrival.administrator, self._context.now()
        proven = self._context.codes.prove_secret(owner.login, sealed, code, now=now)
        with self._context.writing() as tx:
            self._open(tx, arrival.identifier)
            hashed = administrators.invited_password(tx, arrival.identifier)
            if hashed is None:
                raise StateRefused("Choose a password first.")
            administrators.end_invitation(tx, arrival.identifier, now=now)
            administrators.set_factors(tx, owner.login, hashed, proven.wrapped, step=proven.step)
            administrators.move(tx, owner.login, AdministratorState.ACTIVE, AdministratorState.INVITED)
            actor = Actor(owner.login, owner.role)
            self._context.journal.append_line(tx, JournalKind.ADMINISTRATOR_SET_UP, actor, address=where.address)
            throttle.record_known_network(tx, owner.login, where.address, now=now)
            return self._sessions.open_session(tx, owner.login, where)

    def _require_code(self, arrival: AdministratorArrival, code: str) -> None:
        with self._context.writing() as tx:
            invitation, owner = self._open(tx, arrival.identifier)
            if invitation.code is None or hmac.compare_digest(_digest(code), invitation.code):
                return
            if administrators.count_wrong_code(tx, arrival.identifier) >= MOST_WRONG:
                administrators.end_invitation(tx, arrival.identifier, now=self._context.now())
                self._context.journal.append_line(tx, JournalKind.LINK_ENDED, NOBODY, login=owner.login)
        raise SignInRefused(
            "This is not the code that goes with this link; after {most} wrong ones the link ends.",
            most=MOST_WRONG,
        )

    def _open(self, tx: Transaction, identifier: bytes) -> tuple[AdministratorInvitation, Administrator]:
        found = administrators.find_invitation(tx, identifier)
        if found is None:
            raise NotFound("This link is not one of ours, or it was cut off; copy it from the message once more.")
        if found.ended is not None:
            raise StateRefused("This link was used already, or a newer one was made; ask for another.")
        if found.expires <= self._context.now():
            raise StateRefused("This link has expired; ask for another.")
        return found, administrators.administrator(tx, found.login)


def insert_invitation(tx: Transaction, login: str, *, by: Actor, now: datetime, code: str = "") -> str:
    """A new invitation of *login* in place of an earlier one; its token, which is kept nowhere. Whoever comes with
    it needs the *code* too, where there is one."""
    token = secrets.token_urlsafe(32)
    invitation = AdministratorInvitation(login, now, now + INVITATION_LASTS, code=_digest(code) if code else None)
    administrators.insert_invitation(tx, _identifier(token), invitation, by=by.login)
    return token


def welcome_code(context: AdministrationContext, request_id: str) -> str:
    """The code (eight letters and digits) that goes with the link which the request *request_id* makes. It is kept
    nowhere: whoever asked for the request is shown it, and whoever approves is shown the link."""
    digest = hmac.digest(context.derive_key("welcome codes"), request_id.encode(), "sha256")
    letters = base64.b32encode(digest).decode()
    return f"{letters[:4]}-{letters[4:8]}"


def _digest(code: str) -> bytes:
    return hashlib.sha256("".join(each for each in code.upper() if each.isalnum()).encode()).digest()


def _identifier(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
