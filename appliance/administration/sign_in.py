"""Administrators sign in: password, then code. Waits that double; a lock for who knows the password and guesses
codes.

1. The attempt is counted for login and network before anything is looked at (:mod:`appliance.accounts.throttle`).
So whoever guesses from elsewhere keeps no administrator out: not by waits, and not by a lock, which only wrong
codes lead to, after the right password.
2. The password is compared, with nobody's where there is no such account, so that it takes as long.
3. A ticket leads to the second step; five minutes, and only with the same login.
4. The code is compared, its time step is used up, and the session opens in the same transaction.
"""

from __future__ import annotations

from appliance.accounts import passwords, throttle
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.sign_in import BETWEEN_STEPS, folded
from appliance.accounts.throttle import SignInAttempt
from appliance.accounts.tickets import Ticket, spend_ticket
from appliance.administration.context import AdministrationContext
from appliance.administration.sessions import ConsoleSessions
from appliance.errors import SignInRefused
from appliance.model.administration import (
    NOBODY,
    Actor,
    Administrator,
    AdministratorState,
    JournalKind,
    OpenedConsoleSession,
)
from appliance.store.administration import administrators
from appliance.store.database import Transaction

LOCKED_AFTER = 10
"""Wrong codes in a row, whoever gave the right password before: somebody has that who should not. Then somebody
else has to unlock the account."""


class AdministratorSignIn:
    """The one way in. Each failure says the same, whatever was wrong. Thread-safe."""

    def __init__(self, room: AdministrationContext, sessions: ConsoleSessions) -> None:
        self._room = room
        self._sessions = sessions

    def check_password(self, login: str, password: str, where: ClientInfo) -> str:
        """The first step; the ticket for the second. Raises :class:`SignInRefused` and
        :class:`TooManyAttempts`."""
        name = folded(login)
        attempt = self._begin(name, where)
        self._require_password(name, password, attempt, where)
        with self._room.database.transaction() as tx:
            throttle.record_right_password(tx, attempt)
        return self._room.tickets().issue_ticket("sign-in", name, now=self._room.now(), lasting=BETWEEN_STEPS)

    def check_code(self, ticket: str, code: str, where: ClientInfo) -> OpenedConsoleSession:
        """The second step. Raises as the first, and :class:`StateRefused` when it took too long."""
        passed = self._room.tickets().read_ticket("sign-in", ticket, now=self._room.now())
        attempt = self._begin(passed.content, where)
        administrator = self._require_code(passed.content, code, attempt, where)
        with self._room.writing() as tx:
            self._let_in(tx, passed, attempt)
            actor = Actor(administrator.login, administrator.role)
            self._room.journal.append_line(tx, JournalKind.SIGNED_IN, actor, address=where.address)
            return self._sessions.open_session(tx, administrator.login, where)

    def confirm_password(self, login: str, password: str, where: ClientInfo) -> None:
        """Somebody who is signed in proves the password again, before factors change or something grave is
        done."""
        attempt = self._begin(login, where)
        self._require_password(login, password, attempt, where)
        with self._room.database.transaction() as tx:
            throttle.record_success(tx, attempt, now=self._room.now())

    def prove_both(self, login: str, password: str, code: str, where: ClientInfo) -> Actor:
        """Both steps at once, without a session: for the command line. Raises as they do."""
        name = folded(login)
        attempt = self._begin(name, where)
        self._require_password(name, password, attempt, where)
        administrator = self._require_code(name, code, attempt, where)
        with self._room.database.transaction() as tx:
            throttle.record_success(tx, attempt, now=self._room.now())
        return Actor(administrator.login, administrator.role)

    def _begin(self, login: str, where: ClientInfo) -> SignInAttempt:
        with self._room.database.transaction() as tx:
            return throttle.begin_attempt(tx, login, where.address, now=self._room.now())

    def _require_password(self, login: str, password: str, attempt: SignInAttempt, where: ClientInfo) -> None:
        found, factors = self._known(login)
        fits = passwords.password_matches(password, factors[0] if factors else None)
        if not fits or found is None or found.state is not AdministratorState.ACTIVE:
            self._failed(attempt, where)
            raise SignInRefused("Login or password are wrong, or the account is not active.")

    def _require_code(self, login: str, code: str, attempt: SignInAttempt, where: ClientInfo) -> Administrator:
        found, factors = self._known(login)
        step = None
        if factors is not None and found is not None and found.state is AdministratorState.ACTIVE:
            step = self._room.codes.matching_step_of(login, factors[1], code, now=self._room.now())
        if found is None or step is None or not self._use_step(login, step):
            self._failed(attempt, where, guessed=login)
            raise SignInRefused("The code is wrong or was used before; wait for the next one and enter it.")
        return found

    def _known(self, login: str) -> tuple[Administrator | None, tuple[str, bytes] | None]:
        with self._room.database.reading() as tx:
            return administrators.find(tx, login), administrators.factors(tx, login)

    def _use_step(self, login: str, step: int) -> bool:
        with self._room.database.transaction() as tx:
            return administrators.use_step(tx, login, step)

    def _let_in(self, tx: Transaction, ticket: Ticket, attempt: SignInAttempt) -> None:
        spend_ticket(tx, ticket, now=self._room.now())
        throttle.record_success(tx, attempt, now=self._room.now())

    def _failed(self, attempt: SignInAttempt, where: ClientInfo, *, guessed: str = "") -> None:
        """*guessed* is whose code was wrong after the right password."""
        with self._room.writing() as tx:
            if attempt.blocks:
                self._room.journal.append_line(
                    tx, JournalKind.SIGN_IN_BLOCKED, NOBODY, address=where.address, attempts=attempt.count
                )
            active, locked = AdministratorState.ACTIVE, AdministratorState.LOCKED
            failures = administrators.fail(tx, guessed) if guessed else 0
            if failures >= LOCKED_AFTER and administrators.move(tx, guessed, locked, active):
                self._room.journal.append_line(tx, JournalKind.ADMINISTRATOR_LOCKED, NOBODY, login=guessed)
                self._sessions.end_all_sessions(tx, guessed, by=NOBODY)
