"""Signing in with password and login code, the same for portal and console: storage and audit are injected.

1. The attempt is counted for login and network before anything is looked at (:mod:`throttle`): whoever guesses
from elsewhere keeps nobody out.
2. The password is compared, with nobody's where there is no such account, so that it takes as long.
3. A ticket leads to the second step; five minutes, and only with the same account.
4. The code is compared and its time step is used up. The caller spends the ticket (:meth:`TwoStepSignIn.complete`)
and opens the session in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from appliance.accounts import passwords, throttle
from appliance.accounts.codes import LoginCodes
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.throttle import SignInAttempt
from appliance.accounts.tickets import Ticket, Tickets, spend_ticket
from appliance.errors import SignInRefused
from appliance.store.database import Database, Transaction

BETWEEN_STEPS = timedelta(minutes=5)
LONGEST_LOGIN = 64


@dataclass(frozen=True, slots=True)
class SignInAccount:
    """An account as sign-in needs it. ``key`` names it in tickets and codes; without ``password`` (argon2id) or
    ``code_secret`` (wrapped) the step fails like a wrong one."""

    key: str
    login: str
    active: bool
    password: str | None = field(repr=False)
    code_secret: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class PassedSignIn:
    """Both steps are done: what :meth:`TwoStepSignIn.complete` takes."""

    account: SignInAccount
    ticket: Ticket
    attempt: SignInAttempt


class SignInAccounts(Protocol):
    """The stored accounts of one application. Each method runs in the caller's transaction."""

    def find_by_login(self, tx: Transaction, login: str) -> SignInAccount | None:
        """The account with this login (:func:`folded`), or None."""

    def find_by_key(self, tx: Transaction, key: str) -> SignInAccount | None:
        """The account that a ticket names, or None."""

    def use_step(self, tx: Transaction, key: str, step: int) -> bool:
        """Uses a time step up; False when it was used before, or a later one was."""

    def record_right_password(self, tx: Transaction, account: SignInAccount, password: str) -> None:
        """Called once the password was right in the first step."""


RecordFailure = Callable[[SignInAttempt, ClientInfo, str, bool], None]
"""Hears of each failed attempt, from where, of which login, and whether the second step failed, after the right
password; in a transaction of its own."""


class TwoStepSignIn:
    """Throttle, password, ticket and code of one application. Each failure says the same. Thread-safe."""

    def __init__(
        self,
        database: Database,
        accounts: SignInAccounts,
        record_failure: RecordFailure,
        codes: LoginCodes,
        tickets: Callable[[], Tickets],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._record_failure = record_failure
        self._codes = codes
        self._tickets = tickets
        self._now = now

    def check_password(self, login: str, password: str, where: ClientInfo) -> tuple[str, SignInAccount]:
        """The ticket for the second step, and whose. Raises :class:`SignInRefused`, :class:`TooManyAttempts`."""
        name = folded(login)
        attempt = self.begin(name, where)
        account = self.require_password(name, password, attempt, where)
        with self._database.transaction() as tx:
            throttle.record_right_password(tx, attempt)
            self._accounts.record_right_password(tx, account, password)
        ticket = self._tickets().issue_ticket("sign-in", account.key, now=self._now(), lasting=BETWEEN_STEPS)
        return ticket, account

    def check_code(self, ticket: str, code: str, where: ClientInfo) -> PassedSignIn:
        """The second step. Raises as the first, and :class:`StateRefused` when it took too long."""
        passed = self._tickets().read_ticket("sign-in", ticket, now=self._now())
        account = self._find_by_key(passed.content)
        attempt = self.begin(account.login if account else passed.content, where)
        return PassedSignIn(self.require_code(passed.content, code, attempt, where), passed, attempt)

    def complete(self, tx: Transaction, ticket: Ticket, attempt: SignInAttempt) -> None:
        """Spends the ticket, in the session's transaction. Raises :class:`StateRefused` for one that was used."""
        spend_ticket(tx, ticket, now=self._now())
        throttle.record_success(tx, attempt, now=self._now())

    def begin(self, login: str, where: ClientInfo, *, guessable: bool = True) -> SignInAttempt:
        """Counts an attempt. Raises :class:`TooManyAttempts`."""
        return self._database.commit(
            throttle.begin_attempt, login, where.address, now=self._now(), guessable=guessable
        )

    def succeed(self, attempt: SignInAttempt) -> None:
        """The attempt was right, without a session."""
        self._database.commit(throttle.record_success, attempt, now=self._now())

    def require_password(
        self, login: str, password: str, attempt: SignInAttempt, where: ClientInfo
    ) -> SignInAccount:
        """The active account of *login*, whose password it is. Raises :class:`SignInRefused`."""
        account = self._database.query(self._accounts.find_by_login, login)
        matches = passwords.password_matches(password, account.password if account else None)
        if not matches or account is None or not account.active:
            self._record_failure(attempt, where, login, False)
            raise SignInRefused("Login or password are wrong, or the account is not active.")
        return account

    def require_code(self, key: str, code: str, attempt: SignInAttempt, where: ClientInfo) -> SignInAccount:
        """The active account *key*, whose code of now it is, not used before. Raises :class:`SignInRefused`."""
        account, step = self._find_by_key(key), None
        if account is not None and account.active and account.code_secret is not None:
            step = self._codes.matching_step_of(key, account.code_secret, code, now=self._now())
        if account is None or step is None or not self._use_step(key, step):
            login = account.login if account else key
            self._record_failure(attempt, where, login, True)
            raise SignInRefused("The code is wrong or was used before; wait for the next one and enter it.")
        return account

    def _find_by_key(self, key: str) -> SignInAccount | None:
        return self._database.query(self._accounts.find_by_key, key)

    def _use_step(self, key: str, step: int) -> bool:
        return self._database.commit(self._accounts.use_step, key, step)


def folded(login: str) -> str:
    """A login as it is compared: without spaces around it, in lower case, and no longer than one can be."""
    return login.strip().lower()[: LONGEST_LOGIN + 1]
