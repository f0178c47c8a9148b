"""Officers by a code of a ceremony: the first ones, and those who lost their passkeys and register a new one.

1. what belongs to the account is kept here; 2. on the activation service's page the officer types the code and
makes the passkey, and the authority takes both; 3. back here person, account, passkey, event and the new session
are one transaction. Anybody can send the form of 1 for anybody and lead the officer to the page of 2. So only the
browser that has made the passkey gets in, by the receipt for it, and address and password count only if they were
typed in the same browser. In any other they are typed again, and the new passkey answers once more.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field, replace

from appliance.accounts import passwords, throttle
from appliance.accounts.accounts import AccountAdministration, checked_account
from appliance.accounts.accounts import account_problems as problems_of
from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.accounts.passkeys import PasskeyOffer
from appliance.accounts.sessions import ClientInfo
from appliance.accounts.tickets import spend_ticket, stale_page
from appliance.accounts.two_step import folded
from appliance.activation_requests import is_receipt_of, was_led_by
from appliance.contact_details import person_name
from appliance.entered_text import problem_at
from appliance.errors import PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import EventKind, Field
from appliance.model.accounts import (
    AT_SET_UP,
    AccountRole,
    AccountState,
    NewAccount,
    OpenedSession,
    Passkey,
    Strength,
)
from appliance.model.notice import NoticeKind
from appliance.model.office import NewOfficer
from appliance.office.notifying import notify_officers
from appliance.store import accounts, enrolment, people
from appliance.store.database import Transaction
from hsm.operation_types import Appointment


@dataclass(frozen=True, slots=True)
class OfficerForm:
    """What was entered, and in which ``browser``; the ceremony's code is typed where the passkey is made."""

    login: str
    name: str
    organisation: str
    email: str
    password: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OfficerAccountForm:
    """What the officer enters at the end, with the answer of the new passkey (``offer`` is its ticket)."""

    email: str
    password: str = field(repr=False)
    offer: str = field(repr=False)
    answer: str = field(repr=False)


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
        """Whether a code still counts."""
        return self._authority.appointment()

    def problems(self, form: OfficerForm) -> dict[str, PreconditionRefused]:
        """What is wrong with *form*, by field."""
        found = problems_of(_account(form.login, form.name, form.organisation, form.email))
        found |= _password_problem(form.password, form.login, form.name)
        if form.organisation not in self._authority.organisations():
            found["organisation"] = PreconditionRefused("Choose one of the organisations.")
        return found

    def begin(self, form: OfficerForm, where: ClientInfo) -> NewOfficer:
        """The officer as they will be, kept until the authority knows them. Raises :class:`PreconditionRefused`
        for values, :class:`StateRefused` for a login or a mail address that is taken, and
        :class:`TooManyAttempts` for a network from which there were too many."""
        for problem in self.problems(form).values():
            raise problem
        self._begin(where)
        login = folded(form.login)
        self._require_free(login)
        new = NewOfficer(
            subject=f"officer-{secrets.token_hex(6)}",
            login=login,
            name=person_name(form.name),
            organisation=form.organisation,
            ticket=_new_ticket(),
            email=form.email,
            password=passwords.hash_password(form.password),
            browser=form.browser,
        )
        return self._saved(new)

    def begin_recovery(self, login: str, where: ClientInfo) -> NewOfficer:
        """The officer with this login; for a login that nobody recovers somebody whom no code fits, so that nobody
        is told which logins there are. Raises :class:`TooManyAttempts`."""
        self._begin(where)
        return self._saved(NewOfficer(self._recovering(login), folded(login), folded(login), "", _new_ticket()))

    def made(self, ticket: str) -> NewOfficer | None:
        """The officer whose form had this *ticket*, once the authority has taken code and passkey."""
        kept = self._database.query(enrolment.appointments)
        found = next((each for each in kept if each.ticket == ticket), None)
        return found if found is not None and self._passkey_of(found) is not None else None

    def unfinished(self) -> list[NewOfficer]:
        """First officers who have made their passkey and not come back to finish; their code is used up."""
        kept = self._database.query(enrolment.appointments)
        return [each for each in kept if not self.is_restored(each) and self._passkey_of(each) is not None]

    def offer(self, new: NewOfficer) -> PasskeyOffer:
        """The options for the answer of the passkey that *new* has made. Raises :class:`StateRefused` for none."""
        return self._passkeys.offer_sign_in([self._made_passkey(new).credential_id])

    def is_restored(self, new: NewOfficer) -> bool:
        """Whether *new* has an account already, and only comes back."""
        with self._database.reading() as tx:
            return people.is_known(tx, new.subject)

    def account_problems(self, new: NewOfficer, form: OfficerAccountForm) -> dict[str, PreconditionRefused]:
        """What is wrong with *form*, by field."""
        found: dict[str, PreconditionRefused] = {}
        if not self.is_restored(new):
            found = problems_of(_account(new.login, new.name, new.organisation, form.email))
        return found | _password_problem(form.password, new.login, new.name)

    def enter(self, new: NewOfficer, receipt: str, browser: str, where: ClientInfo) -> OpenedSession | None:
        """The session of *new*, who comes with the *receipt* for the passkey and in the *browser* in which address
        and password were typed. Else None: they finish by :meth:`finish`. Raises as that does."""
        passkey = self._passkey_of(new, receipt)
        if not (new.browser and hmac.compare_digest(new.browser, browser)) or passkey is None:
            return None
        with self._database.transaction() as tx:
            return self._enter(tx, new, new.email, new.password, passkey, where)

    def finish(self, new: NewOfficer, form: OfficerAccountForm, where: ClientInfo) -> OpenedSession:
        """The session of *new*, whose account there is from now on; every other way in has ended.

        Raises :class:`SignInRefused` unless the new passkey answers, :class:`PreconditionRefused` for values,
        :class:`StateRefused` for an old page, and a login or mail address that is taken.
        """
        for problem in self.account_problems(new, form).values():
            raise problem
        passkey = self._made_passkey(new)
        answered, count = self._passkeys.verify_assertion(passkey, form.offer, form.answer)
        hashed = passwords.hash_password(form.password)
        with self._database.transaction() as tx:
            spend_ticket(tx, answered, now=self._now())
            return self._enter(tx, new, form.email, hashed, replace(passkey, sign_count=count), where)

    def _enter(
        self, tx: Transaction, new: NewOfficer, email: str, password: str, passkey: Passkey, where: ClientInfo
    ) -> OpenedSession:
        if new not in enrolment.appointments(tx):
            raise stale_page()
        self._open(tx, new, email, password, passkey)
        throttle.record_known_network(tx, new.login, where.address, now=self._now())
        return self._sessions.open_session(tx, new.subject, Strength.PASSKEY, where)

    def _saved(self, new: NewOfficer) -> NewOfficer:
        self._database.commit(enrolment.save_appointment, new, at=self._now())
        return new

    def _passkey_of(self, new: NewOfficer, receipt: str | None = None) -> Passkey | None:
        """The passkey to which this very form has led, and for which the *receipt* is, if one is asked for."""
        for each in self._authority.credentials(new.subject):
            if receipt is None:
                own = was_led_by(each.reference, new.reference)
            else:
                own = is_receipt_of(receipt, each.reference, new.reference, now=self._now())
            if own and each.credential_id is not None and each.public_key is not None:
                return Passkey(each.credential_id, new.subject, each.public_key, 0, AT_SET_UP, self._now())
        return None

    def _made_passkey(self, new: NewOfficer) -> Passkey:
        found = self._passkey_of(new)
        if found is None:
            raise stale_page()
        return found

    def _begin(self, where: ClientInfo) -> None:
        """Counts a form, so that nobody fills the table."""
        self._database.commit(
            throttle.begin_attempt, "set-up code", where.address, now=self._now(), guessable=False
        )

    def _recovering(self, login: str) -> str:
        """The officer with *login* who is to be restored; else a name that nobody has, always the same for it."""
        waiting = self._authority.appointment().recovering
        known = self._database.query(accounts.by_login, folded(login))
        if known is not None and known.subject in waiting and known.state is not AccountState.LEFT:
            return known.subject
        return f"officer-{self._passkeys.user_handle(f'no officer: {folded(login)}').hex()[:12]}"

    def _open(self, tx: Transaction, new: NewOfficer, email: str, password: str, passkey: Passkey) -> None:
        subject, now = new.subject, self._now()
        restored = people.is_known(tx, subject)
        if restored:
            self._sessions.end_all_sessions(tx, subject, by=subject)
            accounts.remove_passkeys(tx, subject)
            accounts.set_code_secret(tx, subject, None)
        else:
            self._require_unused(tx, new.login)
            wanted = checked_account(_account(new.login, new.name, new.organisation, email))
            wanted = replace(wanted, organisation=new.organisation)
            self._accounts.register_account(tx, subject, wanted, by=subject)
        accounts.set_password(tx, subject, password)
        accounts.set_state(tx, subject, AccountState.ACTIVE)
        accounts.insert_passkey(tx, passkey)
        kind = EventKind.ACCOUNT_RECOVERED if restored else EventKind.OFFICER_APPOINTED
        public: dict[str, Field] = {"subject": subject, **({"factor": "ceremony"} if restored else {})}
        self._append_event(tx, kind, subject, public)
        if restored:
            notify_officers(tx, NoticeKind.OFFICER_RECOVERY, now, about=subject)
        enrolment.forget_appointments(tx, subject)

    def _require_free(self, login: str) -> None:
        with self._database.reading() as tx:
            self._require_unused(tx, login)

    def _require_unused(self, tx: Transaction, login: str) -> None:
        if accounts.by_login(tx, login) is not None:
            raise StateRefused("The login {login} is taken; choose another.", login=login)


def _new_ticket() -> str:
    return secrets.token_urlsafe(24)


def _password_problem(password: str, login: str, name: str) -> dict[str, PreconditionRefused]:
    return problem_at("password", passwords.require_good_password, password, login=login, name=name)


def _account(login: str, name: str, organisation: str, email: str) -> NewAccount:
    return NewAccount("officer", login, name, organisation, email, frozenset({AccountRole.OFFICER}))
