"""Administrators sign in: password, then code (:mod:`appliance.accounts.two_step`). A lock for who knows the
password and guesses codes. Sessions of the console; the portal's cookies are worth nothing here.

Whoever guesses from elsewhere keeps no administrator out: not by waits, and not by the lock, which only wrong
codes lead to, after the right password.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from appliance.accounts.sessions import KEPT, LONGEST_AGENT, ClientInfo, SessionRules, session_id_of
from appliance.accounts.throttle import SignInAttempt
from appliance.accounts.two_step import SignInAccount, TwoStepSignIn, folded
from appliance.administration.context import AdministrationContext
from appliance.model.administration import (
    NOBODY,
    Actor,
    Administrator,
    AdministratorState,
    ConsoleSession,
    JournalKind,
    OpenedConsoleSession,
)
from appliance.store.administration import administrators
from appliance.store.administration import sessions as store
from appliance.store.database import Transaction

LOCKED_AFTER = 10
"""Wrong codes in a row, whoever gave the right password before: somebody has that who should not. Then somebody
else has to unlock the account."""


@dataclass(frozen=True, slots=True)
class ConsoleSessionHolder:
    """Somebody who is signed in to the console."""

    session: ConsoleSession
    administrator: Administrator

    @property
    def login(self) -> str:
        """The name that somebody signs in with."""
        return self.administrator.login

    @property
    def actor(self) -> Actor:
        """Who acts in this session."""
        return Actor(self.administrator.login, self.administrator.role)


class ConsoleSessions(SessionRules[ConsoleSession]):
    """Opens, finds and ends sessions of the console. Thread-safe."""

    def __init__(self, context: AdministrationContext) -> None:
        super().__init__(context.database, store, context.limits, context.now)
        self._context = context

    def open_session(self, tx: Transaction, login: str, where: ClientInfo) -> OpenedConsoleSession:
        """A new session, in the transaction that found the sign-in right."""
        now, secret = self._context.now(), secrets.token_urlsafe(32)
        name = session_id_of(secret).hex()
        agent = where.agent[:LONGEST_AGENT]
        session = ConsoleSession(name, login, now, now, now + self.longest, where.address, agent)
        store.forget(tx, now - KEPT)
        store.insert(tx, session)
        return OpenedConsoleSession(session, secret)

    def find_holder(self, secret: str, *, touch: bool = True) -> ConsoleSessionHolder | None:
        """Who holds the cookie's *secret*, or None: unknown, ended, run out, or the account is not active.

        Without *touch* it is no sign of life: a page that asks again by itself does not keep anybody signed in.
        """
        with self._context.database.reading() as tx:
            session = self.find_session(tx, secret)
            if session is None:
                return None
            administrator = administrators.administrator(tx, session.login)
        if administrator.state is not AdministratorState.ACTIVE:
            return None
        if touch:
            self.touch_session(session, secret)
        return ConsoleSessionHolder(session, administrator)

    def revoke_session(self, session_id: str, *, by: Actor) -> None:
        """Ends one's own session. Raises as :meth:`end_own`."""
        with self._context.writing() as tx:
            self.end_own(tx, session_id, by.login)
            self._context.journal.append_line(tx, JournalKind.SESSIONS_ENDED, by, login=by.login, count=1)

    def end_all_sessions(self, tx: Transaction, login: str, *, by: Actor, but: str = "") -> int:
        """Ends all sessions of *login* but one, inside the caller's transaction; how many there were."""
        ended = store.end_all(tx, login, now=self._context.now(), but=bytes.fromhex(but))
        if ended:
            self._context.journal.append_line(tx, JournalKind.SESSIONS_ENDED, by, login=login, count=ended)
        return ended


class AdministratorSignIn:
    """The one way in. Each failure says the same, whatever was wrong. Thread-safe."""

    def __init__(self, context: AdministrationContext, sessions: ConsoleSessions) -> None:
        self._context = context
        self._sessions = sessions
        self._steps = TwoStepSignIn(
            context.database,
            _ConsoleAccounts(),
            self._record_failure,
            context.codes,
            context.tickets,
            context.now,
        )

    def check_password(self, login: str, password: str, where: ClientInfo) -> str:
        """The first step: the ticket for the second. Raises :class:`SignInRefused`, :class:`TooManyAttempts`."""
        return self._steps.check_password(login, password, where)[0]

    def check_code(self, ticket: str, code: str, where: ClientInfo) -> OpenedConsoleSession:
        """The second step. Raises as the first, and :class:`StateRefused` when it took too long."""
        passed = self._steps.check_code(ticket, code, where)
        login = passed.account.key
        with self._context.writing() as tx:
            self._steps.complete(tx, passed.ticket, passed.attempt)
            actor = self._actor(tx, login)
            self._context.journal.append_line(tx, JournalKind.SIGNED_IN, actor, address=where.address)
            return self._sessions.open_session(tx, login, where)

    def confirm_password(self, login: str, password: str, where: ClientInfo) -> None:
        """Somebody who is signed in proves the password again, before factors change or something grave."""
        attempt = self._steps.begin(login, where)
        self._steps.require_password(login, password, attempt, where)
        self._steps.succeed(attempt)

    def prove_both(self, login: str, password: str, code: str, where: ClientInfo) -> Actor:
        """Both steps at once, without a session: for the command line. Raises as they do."""
        name = folded(login)
        attempt = self._steps.begin(name, where)
        self._steps.require_password(name, password, attempt, where)
        self._steps.require_code(name, code, attempt, where)
        self._steps.succeed(attempt)
        return self._context.database.query(self._actor, name)

    def _record_failure(self, attempt: SignInAttempt, where: ClientInfo, login: str, wrong_code: bool) -> None:
        """Writes attempts that were too many into the journal, and locks the account whose codes are guessed."""
        journal, active, locked = self._context.journal, AdministratorState.ACTIVE, AdministratorState.LOCKED
        with self._context.writing() as tx:
            if attempt.blocks:
                kind, count = JournalKind.SIGN_IN_BLOCKED, attempt.count
                journal.append_line(tx, kind, NOBODY, address=where.address, attempts=count)
            failures = administrators.fail(tx, login) if wrong_code else 0
            if failures >= LOCKED_AFTER and administrators.move(tx, login, locked, active):
                journal.append_line(tx, JournalKind.ADMINISTRATOR_LOCKED, NOBODY, login=login)
                self._sessions.end_all_sessions(tx, login, by=NOBODY)

    def _actor(self, tx: Transaction, login: str) -> Actor:
        return Actor(login, administrators.administrator(tx, login).role)


class _ConsoleAccounts:
    """Administrators, by login. Before both factors are set there is none to sign in with."""

    def find_by_login(self, tx: Transaction, login: str) -> SignInAccount | None:
        found, factors = administrators.find(tx, login), administrators.factors(tx, login)
        if found is None:
            return None
        password, secret = factors or (None, None)
        return SignInAccount(login, login, found.state is AdministratorState.ACTIVE, password, secret)

    find_by_key = find_by_login

    def use_step(self, tx: Transaction, key: str, step: int) -> bool:
        return administrators.use_step(tx, key, step)

    def record_right_password(self, tx: Transaction, account: SignInAccount, password: str) -> None:
        """Nothing: hashes are made anew when a password is changed."""
