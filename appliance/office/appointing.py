"""Officers by a code of a ceremony: the first ones, and those who lost their passkeys and register a new one.

1. what the account will be is kept; 2. the authority checks the code and takes the passkey; 3. person, account,
passkey, event and the new session are one transaction. When we die between 2 and 3 the next visit of the page
does 3 again: the authority knows the passkey.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from appliance.accounts import passwords, throttle
from appliance.accounts.accounts import AccountAdministration, checked_account
from appliance.accounts.accounts import account_problems as problems_of
from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.accounts.passkeys import NewPasskey, PasskeyOffer
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.throttle import SignInAttempt
from appliance.accounts.tickets import spend_ticket
from appliance.accounts.two_step import folded
from appliance.entered_text import problem_at
from appliance.errors import PreconditionRefused, StateRefused
from appliance.language import translator
from appliance.ledger.audit_trail import EventKind, Field
from appliance.model.accounts import AccountRole, AccountState, NewAccount, OpenedSession, Passkey, Strength
from appliance.model.notice import NoticeKind
from appliance.model.office import NewOfficer, ProposedPasskey
from appliance.office.notifying import notify_officers
from appliance.store import accounts, enrolment, people
from appliance.store.database import Transaction
from hsm.errors import ActivationRefused
from hsm.operation_types import Appointment

_SUBJECT = re.compile(r"officer-[0-9a-f]{12}")
_LABEL = "Made at set-up"
"""What the list of passkeys calls the first one (message id), in the language of its owner."""


@dataclass(frozen=True, slots=True)
class OfficerForm:
    """What was entered: ``code`` is the ceremony's."""

    code: str = field(repr=False)
    login: str
    name: str
    organisation: str
    email: str
    password: str = field(repr=False)

    def account(self) -> NewAccount:
        """The account that this would be."""
        return _account(self.login, self.name, self.organisation, self.email)


@dataclass(frozen=True, slots=True)
class RecoveryForm:
    """What an officer who lost the passkey enters: ``code`` is that of the recovery, ``password`` a new one."""

    code: str = field(repr=False)
    login: str
    password: str = field(repr=False)


class Appointing(AccountsPart):
    """Appoints officers while the ceremony's codes last, and restores them while a recovery's do. Thread-safe."""

    def __init__(self, context: AccountsContext) -> None:
        super().__init__(context)
        self._accounts = AccountAdministration(context)

    def is_new(self) -> bool:
        """Whether nobody has an account yet: then the first page leads to the set-up."""
        with self._database.reading() as tx:
            return not accounts.any_account(tx)

    def state(self) -> Appointment:
        """Whether a code still counts; completes an appointment that was broken off."""
        self._complete()
        return self._authority.appointment()

    def subject(self, posted: str = "") -> str:
        """Whom the page's passkey is made for: the same as *posted* when the form is shown again."""
        return posted if _SUBJECT.fullmatch(posted) else f"officer-{secrets.token_hex(6)}"

    def offer(self, subject: str, form: OfficerForm) -> PasskeyOffer:
        """The options for the passkey of *subject*."""
        shown = form.login or "officer"
        return self._passkeys.offer_registration(subject, login=shown, name=form.name or shown)

    def registered(self, subject: str, ticket: str, posted: str) -> NewPasskey:
        """The passkey that answered :meth:`offer`. Raises as ``PasskeyVerifier.verify_registration``."""
        return self._passkeys.verify_registration(self.subject(subject), ticket, posted)

    def problems(self, form: OfficerForm) -> dict[str, PreconditionRefused]:
        """What is wrong with *form*, by field."""
        found = problems_of(form.account())
        if not form.code.strip():
            found["code"] = PreconditionRefused("Enter the set-up code of the key ceremony.")
        if form.organisation not in self._authority.organisations():
            found["organisation"] = PreconditionRefused("Choose one of the organisations.")
        return found | _password_problem(form, form.name)

    def appoint(self, form: OfficerForm, made: NewPasskey, where: ClientInfo) -> OpenedSession:
        """The officer, who is signed in at once. Raises what the authority refuses, :class:`PreconditionRefused`
        for values, :class:`StateRefused` for a login or a mail address that is taken, and
        :class:`TooManyAttempts` for a network from which there were too many wrong codes."""
        for problem in self.problems(form).values():
            raise problem
        attempt = self._begin(where)
        account = checked_account(form.account())
        self._require_free(account.login, made.ticket.content)
        new = _new_officer(
            made.ticket.content, replace(account, organisation=form.organisation), form.password, made
        )
        with self._database.transaction() as tx:
            spend_ticket(tx, made.ticket, now=self._now())
            enrolment.save_appointment(tx, new)
        with self._kept(new):
            details = {"subject": new.subject, "name": new.name, "organisation": new.organisation}
            self._authority.appoint_officer(form.code, {**details, "credential": self._credential(made)})
        return self._let_in(new, attempt, where)

    def recovery_offer(self, login: str) -> PasskeyOffer:
        """The options for the new passkey of the officer with *login*; whether there is one, they do not tell."""
        return self._passkeys.offer_registration(self._recovering(login), login=login, name=login)

    def recovery_problems(self, form: RecoveryForm) -> dict[str, PreconditionRefused]:
        """What is wrong with *form*, by field."""
        found: dict[str, PreconditionRefused] = {}
        if not form.code.strip():
            found["code"] = PreconditionRefused("Enter the code of the recovery.")
        return found | _password_problem(form, form.login)

    def recover(self, form: RecoveryForm, ticket: str, answer: str, where: ClientInfo) -> OpenedSession:
        """The officer, who is signed in at once with the new passkey; every other way in has ended.

        Raises what the authority refuses (the code is not this officer's, was used or has run out),
        :class:`PreconditionRefused` for values, :class:`TooManyAttempts` as :meth:`appoint`, and as
        ``PasskeyVerifier.verify_registration``.
        """
        for problem in self.recovery_problems(form).values():
            raise problem
        attempt = self._begin(where)
        made = self._passkeys.verify_registration(self._recovering(form.login), ticket, answer)
        subject = made.ticket.content
        with self._database.transaction() as tx:
            spend_ticket(tx, made.ticket, now=self._now())
            new = self._restored(tx, subject, form, made)
            if new is not None:
                enrolment.save_appointment(tx, new)
        with self._kept(new):
            self._authority.restore_officer(form.code, {"subject": subject, "credential": self._credential(made)})
        if new is None:
            raise StateRefused("The account of {subject} cannot be restored; it was closed.", subject=subject)
        return self._let_in(new, attempt, where)

    def _begin(self, where: ClientInfo) -> SignInAttempt:
        return self._database.commit(
            throttle.begin_attempt, "set-up code", where.address, now=self._now(), guessable=False
        )

    def _let_in(self, new: NewOfficer, attempt: SignInAttempt, where: ClientInfo) -> OpenedSession:
        with self._database.transaction() as tx:
            self._open(tx, new)
            throttle.record_success(tx, attempt, now=self._now())
            throttle.record_known_network(tx, new.login, where.address, now=self._now())
            return self._sessions.open_session(tx, new.subject, Strength.PASSKEY, where)

    def _recovering(self, login: str) -> str:
        """The officer with *login* who is to be restored; else a name that nobody has, always the same for it."""
        waiting = self._authority.appointment().recovering
        known = self._database.query(accounts.by_login, folded(login))
        if known is not None and known.subject in waiting and known.state is not AccountState.LEFT:
            return known.subject
        return f"officer-{self._passkeys.user_handle(f'no officer: {folded(login)}').hex()[:12]}"

    def _restored(self, tx: Transaction, subject: str, form: RecoveryForm, made: NewPasskey) -> NewOfficer | None:
        """The officer as the account will be; None when there is no such account."""
        if accounts.by_login(tx, folded(form.login)) is None or not people.is_known(tx, subject):
            return None
        known = people.person(tx, subject)
        account = _account(folded(form.login), known.name, known.organisation, known.email)
        return _new_officer(subject, account, form.password, made)

    def _complete(self) -> None:
        kept = self._database.query(enrolment.appointments)
        for new in kept:
            # Whoever posts to /setup chooses the id of a passkey, and could choose another's; the key proves whose
            # it is.
            known = [(each.credential_id, each.public_key) for each in self._authority.credentials(new.subject)]
            if (new.credential_id, new.public_key) in known:
                with self._database.transaction() as tx:
                    if new in enrolment.appointments(tx):
                        self._open(tx, new)

    @contextmanager
    def _kept(self, new: NewOfficer | None) -> Iterator[None]:
        """*new* stays kept when it is not known what the authority did; what it refused is dropped."""
        try:
            yield
        except ActivationRefused:
            if new is not None:
                self._database.commit(enrolment.drop_appointment, new)
            raise

    def _open(self, tx: Transaction, new: NewOfficer) -> None:
        subject, now = new.subject, self._now()
        restored = people.is_known(tx, subject)
        if restored:
            self._sessions.end_all_sessions(tx, subject, by=subject)
            accounts.remove_passkeys(tx, subject)
            accounts.set_code_secret(tx, subject, None)
        else:
            wanted = _account(new.login, new.name, new.organisation, new.email)
            self._accounts.register_account(tx, subject, wanted, by=subject)
        accounts.set_password(tx, subject, new.password)
        accounts.set_state(tx, subject, AccountState.ACTIVE)
        label = translator(people.person(tx, subject).language)(_LABEL)
        accounts.insert_passkey(
            tx, Passkey(new.credential_id, subject, new.public_key, new.sign_count, label, now)
        )
        kind = EventKind.ACCOUNT_RECOVERED if restored else EventKind.OFFICER_APPOINTED
        public: dict[str, Field] = {"subject": subject, **({"factor": "ceremony"} if restored else {})}
        self._append_event(tx, kind, subject, public)
        if restored:
            notify_officers(tx, NoticeKind.OFFICER_RECOVERY, now, about=subject)
        enrolment.forget_appointments(tx, subject)

    def _require_free(self, login: str, subject: str) -> None:
        with self._database.reading() as tx:
            if accounts.by_login(tx, login) is not None:
                raise StateRefused("The login {login} is taken; choose another.", login=login)
            if people.is_known(tx, subject):
                raise StateRefused(
                    "This page is too old or was used already; load it again and repeat the last step."
                )

    def _credential(self, made: NewPasskey) -> dict[str, str]:
        return ProposedPasskey(made.credential_id, made.public_key, self._passkeys.rp_id).fields()


def _password_problem(form: OfficerForm | RecoveryForm, name: str) -> dict[str, PreconditionRefused]:
    return problem_at("password", passwords.require_good_password, form.password, login=form.login, name=name)


def _account(login: str, name: str, organisation: str, email: str) -> NewAccount:
    return NewAccount("officer", login, name, organisation, email, frozenset({AccountRole.OFFICER}))


def _new_officer(subject: str, account: NewAccount, password: str, made: NewPasskey) -> NewOfficer:
    return NewOfficer(
        subject=subject,
        login=account.login,
        name=account.name,
        organisation=account.organisation,
        email=account.email,
        password=passwords.hash_password(password),
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
    )
