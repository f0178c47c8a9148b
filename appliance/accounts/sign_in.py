"""Signing in: password, then login code; or a passkey alone.

1. The attempt is counted for login and network before anything is looked at (:mod:`throttle`): whoever guesses
from elsewhere keeps nobody out.
2. The password is compared, with nobody's where there is no such account, so that it takes as long.
3. A ticket leads to the second step; five minutes, and only with the same login.
4. The code is compared, its time step is used up, and the session opens in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from appliance.accounts import passwords, throttle
from appliance.accounts.context import AccountsContext
from appliance.accounts.passkeys import PasskeyOffer, claimed_by_answer, unknown_passkey
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.throttle import SignInAttempt
from appliance.accounts.tickets import Ticket, spend_ticket
from appliance.errors import SignInRefused
from appliance.ledger.audit_trail import SYSTEM, AuditEvent, EventKind
from appliance.model.accounts import Account, AccountState, OpenedSession, Strength
from appliance.store import accounts
from appliance.store import passkeys as stored_passkeys
from appliance.store.database import Transaction

BETWEEN_STEPS = timedelta(minutes=5)
LONGEST_LOGIN = 64


@dataclass(frozen=True, slots=True)
class PasswordPassed:
    """The first step is done: ``ticket`` goes into the second form. Without ``has_code`` only a passkey helps."""

    ticket: str
    has_code: bool


class SignIn:
    """The two ways in. Each failure says the same, whatever was wrong. Thread-safe."""

    def __init__(self, context: AccountsContext) -> None:
        self._database = context.database
        self._audit = context.audit
        self._sessions = context.sessions
        self._codes = context.codes
        self._passkeys = context.passkeys
        self._tickets = context.tickets
        self._now = context.now

    def check_password(self, login: str, password: str, where: ClientInfo) -> PasswordPassed:
        """The first step. Raises :class:`SignInRefused` and :class:`TooManyAttempts`."""
        name = folded(login)
        attempt = self._begin(name, where)
        account, hashed = self._known(name)
        if (
            not passwords.password_matches(password, hashed)
            or account is None
            or account.state is not AccountState.ACTIVE
        ):
            raise self._refused(attempt, name, where)
        with self._database.transaction() as tx:
            throttle.record_right_password(tx, attempt)
            if hashed is not None and passwords.is_outdated(hashed):
                accounts.set_password(tx, account.subject, passwords.hash_password(password))
        ticket = self._tickets.issue_ticket("sign-in", account.subject, now=self._now(), lasting=BETWEEN_STEPS)
        return PasswordPassed(ticket, account.has_code)

    def check_code(self, ticket: str, code: str, where: ClientInfo) -> OpenedSession:
        """The second step. Raises as the first, and :class:`StateRefused` when it took too long."""
        passed = self._tickets.read_ticket("sign-in", ticket, now=self._now())
        with self._database.reading() as tx:
            account = accounts.account(tx, passed.content)
            secret = accounts.code_secret(tx, account.subject)
        attempt = self._begin(account.login, where)
        step = None
        if secret is not None and account.state is AccountState.ACTIVE:
            step = self._codes.matching_step_of(account.subject, secret[0], code, now=self._now())
        if step is None or not self._use_step(account.subject, step):
            raise self._refused(attempt, account.login, where, code=True)
        with self._database.transaction() as tx:
            return self._let_in(tx, account.subject, Strength.PASSWORD_AND_CODE, passed, (attempt, where))

    def passkey_offer(self) -> PasskeyOffer:
        """What the page needs for its passkey button."""
        return self._passkeys.offer_sign_in()

    def check_passkey(self, ticket: str, posted: str, where: ClientInfo) -> OpenedSession:
        """The other way: the authenticator names the account. Raises as :meth:`code`."""
        credential_id, handle = claimed_by_answer(posted)
        with self._database.reading() as tx:
            passkey = stored_passkeys.find(tx, credential_id)
            account = accounts.by_handle(tx, handle) if handle else None
        attempt = self._begin(f"passkey {credential_id.hex()}", where, guessable=False)
        known = passkey is not None and account is not None and passkey.subject == account.subject
        if passkey is None or account is None or not known or account.state is not AccountState.ACTIVE:
            raise unknown_passkey()
        answered, count = self._passkeys.verify_assertion(passkey, ticket, posted)
        with self._database.transaction() as tx:
            if not stored_passkeys.use(tx, passkey, sign_count=count, now=self._now()):
                raise unknown_passkey()
            throttle.record_known_network(tx, account.login, where.address, now=self._now())
            return self._let_in(tx, account.subject, Strength.PASSKEY, answered, (attempt, where))

    def confirm_password(self, subject: str, password: str, where: ClientInfo) -> None:
        """Somebody who is signed in proves the password again, before factors change."""
        with self._database.reading() as tx:
            login, hashed = accounts.account(tx, subject).login, accounts.password(tx, subject)
        attempt = self._begin(login, where)
        if not passwords.password_matches(password, hashed):
            self._refused(attempt, login, where)
            raise SignInRefused("This is not your password.")
        with self._database.transaction() as tx:
            throttle.record_success(tx, attempt, now=self._now())

    def _begin(self, login: str, where: ClientInfo, *, guessable: bool = True) -> SignInAttempt:
        with self._database.transaction() as tx:
            return throttle.begin_attempt(tx, login, where.address, now=self._now(), guessable=guessable)

    def _known(self, login: str) -> tuple[Account | None, str | None]:
        with self._database.reading() as tx:
            account = accounts.by_login(tx, login)
            return account, accounts.password(tx, account.subject) if account else None

    def _use_step(self, subject: str, step: int) -> bool:
        with self._database.transaction() as tx:
            return accounts.use_step(tx, subject, step)

    def _let_in(
        self,
        tx: Transaction,
        subject: str,
        strength: Strength,
        ticket: Ticket,
        come: tuple[SignInAttempt, ClientInfo],
    ) -> OpenedSession:
        attempt, where = come
        spend_ticket(tx, ticket, now=self._now())
        throttle.record_success(tx, attempt, now=self._now())
        public, private = {"subject": subject, "strength": strength.value}, {"address": where.address}
        event = AuditEvent(EventKind.SIGNED_IN, self._now(), subject, None, public, private)
        self._audit.append(tx, event)
        return self._sessions.open_session(tx, subject, strength, where)

    def _refused(
        self, attempt: SignInAttempt, login: str, where: ClientInfo, *, code: bool = False
    ) -> SignInRefused:
        if attempt.blocks:
            with self._database.transaction() as tx:
                private = {"login": login, "address": where.address}
                public = {"attempts": attempt.count}
                event = AuditEvent(EventKind.SIGN_IN_BLOCKED, self._now(), SYSTEM, None, public, private)
                self._audit.append(tx, event)
        if code:
            return SignInRefused("The code is wrong or was used before; wait for the next one and enter it.")
        return SignInRefused("Login or password are wrong, or the account is not active.")


def folded(login: str) -> str:
    """A login as it is compared: without spaces around it, in lower case, and no longer than one can be."""
    return login.strip().lower()[: LONGEST_LOGIN + 1]
