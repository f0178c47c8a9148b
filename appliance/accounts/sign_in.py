"""People sign in to the portal: password, then login code (:mod:`appliance.accounts.two_step`); or a passkey."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.accounts import passwords, throttle
from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.accounts.passkeys import claimed_by_answer, unknown_passkey
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.throttle import SignInAttempt
from appliance.accounts.tickets import Ticket
from appliance.accounts.two_step import SignInAccount, TwoStepSignIn
from appliance.errors import SignInRefused
from appliance.ledger.audit_trail import SYSTEM, EventKind
from appliance.model.accounts import Account, AccountState, OpenedSession, Strength
from appliance.store import accounts
from appliance.store import accounts as stored_passkeys
from appliance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class PasswordPassed:
    """The first step is done: ``ticket`` goes into the second form. Without ``has_code`` only a passkey helps."""

    ticket: str
    has_code: bool


class SignIn(AccountsPart):
    """The two ways in. Each failure says the same, whatever was wrong. Thread-safe."""

    def __init__(self, context: AccountsContext) -> None:
        super().__init__(context)
        self._steps = TwoStepSignIn(
            context.database,
            _PortalAccounts(),
            self._record_failure,
            context.codes,
            lambda: context.tickets,
            context.now,
        )

    def check_password(self, login: str, password: str, where: ClientInfo) -> PasswordPassed:
        """The first step. Raises :class:`SignInRefused` and :class:`TooManyAttempts`."""
        ticket, account = self._steps.check_password(login, password, where)
        return PasswordPassed(ticket, account.code_secret is not None)

    def check_code(self, ticket: str, code: str, where: ClientInfo) -> OpenedSession:
        """The second step. Raises as the first, and :class:`StateRefused` when it took too long."""
        passed = self._steps.check_code(ticket, code, where)
        with self._database.transaction() as tx:
            subject = passed.account.key
            return self._let_in(tx, subject, Strength.PASSWORD_AND_CODE, passed.ticket, (passed.attempt, where))

    def check_passkey(self, ticket: str, posted: str, where: ClientInfo) -> OpenedSession:
        """The other way: the authenticator names the account. Raises as :meth:`check_code`."""
        credential_id, handle = claimed_by_answer(posted)
        with self._database.reading() as tx:
            passkey = stored_passkeys.find_passkey(tx, credential_id)
            account = accounts.by_handle(tx, handle) if handle else None
        attempt = self._steps.begin(f"passkey {credential_id.hex()}", where, guessable=False)
        known = passkey is not None and account is not None and passkey.subject == account.subject
        if passkey is None or account is None or not known or account.state is not AccountState.ACTIVE:
            raise unknown_passkey()
        answered, count = self._passkeys.verify_assertion(passkey, ticket, posted)
        with self._database.transaction() as tx:
            if not stored_passkeys.use_passkey(tx, passkey, sign_count=count, now=self._now()):
                raise unknown_passkey()
            throttle.record_known_network(tx, account.login, where.address, now=self._now())
            return self._let_in(tx, account.subject, Strength.PASSKEY, answered, (attempt, where))

    def confirm_password(self, subject: str, password: str, where: ClientInfo) -> None:
        """Somebody who is signed in proves the password again, before factors change."""
        with self._database.reading() as tx:
            login, hashed = accounts.account(tx, subject).login, accounts.password(tx, subject)
        attempt = self._steps.begin(login, where)
        if not passwords.password_matches(password, hashed):
            self._record_failure(attempt, where, login, False)
            raise SignInRefused("This is not your password.")
        self._steps.succeed(attempt)

    def _record_failure(self, attempt: SignInAttempt, where: ClientInfo, login: str, _wrong_code: bool) -> None:
        """Tells the log of attempts that were too many. Accounts of the portal are not locked by wrong codes."""
        if attempt.blocks:
            with self._database.transaction() as tx:
                public = {"attempts": attempt.count}
                self._append_event(
                    tx, EventKind.SIGN_IN_BLOCKED, SYSTEM, public, login=login, address=where.address
                )

    def _let_in(
        self,
        tx: Transaction,
        subject: str,
        strength: Strength,
        ticket: Ticket,
        come: tuple[SignInAttempt, ClientInfo],
    ) -> OpenedSession:
        attempt, where = come
        self._steps.complete(tx, ticket, attempt)
        public = {"subject": subject, "strength": strength.value}
        self._append_event(tx, EventKind.SIGNED_IN, subject, public, address=where.address)
        return self._sessions.open_session(tx, subject, strength, where)


class _PortalAccounts:
    """People's accounts, by subject."""

    def find_by_login(self, tx: Transaction, login: str) -> SignInAccount | None:
        account = accounts.by_login(tx, login)
        return None if account is None else self._loaded(tx, account)

    def find_by_key(self, tx: Transaction, key: str) -> SignInAccount | None:
        """Raises :class:`NotFound` for a subject without an account: tickets name nobody else."""
        return self._loaded(tx, accounts.account(tx, key))

    def use_step(self, tx: Transaction, key: str, step: int) -> bool:
        return accounts.use_step(tx, key, step)

    def record_right_password(self, tx: Transaction, account: SignInAccount, password: str) -> None:
        """Keeps a hash of today's parameters in place of an outdated one."""
        if account.password is not None and passwords.is_outdated(account.password):
            accounts.set_password(tx, account.key, passwords.hash_password(password))

    def _loaded(self, tx: Transaction, account: Account) -> SignInAccount:
        subject, secret = account.subject, accounts.code_secret(tx, account.subject)
        return SignInAccount(
            key=subject,
            login=account.login,
            active=account.state is AccountState.ACTIVE,
            password=accounts.password(tx, subject),
            code_secret=secret[0] if secret else None,
        )
