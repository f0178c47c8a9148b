"""The first officers: by a set-up code of the ceremony, with an account and a passkey.

1. what the account will be is kept; 2. the authority checks the code and takes the passkey; 3. person, account,
passkey, event and the new session are one transaction. When we die between 2 and 3 the next visit of the page
does 3 again: the authority knows the passkey.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from appliance.accounts import passwords, throttle
from appliance.accounts.accounts import Accounts
from appliance.accounts.accounts import problems as problems_of
from appliance.accounts.passkeys import NewPasskey, Offer, Passkeys
from appliance.accounts.room import AccountsRoom
from appliance.accounts.sessions import Whereabouts
from appliance.accounts.signing_in import folded
from appliance.accounts.tickets import spend
from appliance.errors import PreconditionRefused, StateRefused
from appliance.history.events import EventKind, HistoryEvent
from appliance.model.accounts import AccountState, NewAccount, OpenedSession, Passkey, Role, Strength
from appliance.model.office import NewOfficer
from appliance.model.people import Person
from appliance.store import accounts, appointment, passkeys
from appliance.store.database import Transaction
from hsm.answers import Appointment
from hsm.client import AuthorityClient

_SUBJECT = re.compile(r"officer-[0-9a-f]{12}")
_LABEL = "Set-up"


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
        roles = frozenset({Role.OFFICER})
        return NewAccount("officer", self.login, self.name, self.organisation, self.email, roles)


class Appointing:
    """Appoints officers while the ceremony's codes last. Thread-safe."""

    def __init__(self, room: AccountsRoom, authority: AuthorityClient) -> None:
        self._database = room.database
        self._chronicle = room.chronicle
        self._sessions = room.sessions
        self._registry = room.registry
        self._interface = room.interface
        self._accounts = Accounts(room)
        self._passkeys: Passkeys = room.passkeys
        self._authority = authority
        self._now: Callable[[], datetime] = room.now

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

    def offer(self, subject: str, form: OfficerForm) -> Offer:
        """The options for the passkey of *subject*."""
        shown = form.login or "officer"
        return self._passkeys.registration(subject, login=shown, name=form.name or shown)

    def registered(self, subject: str, ticket: str, posted: str) -> NewPasskey:
        """The passkey that answered :meth:`offer`. Raises as :meth:`Passkeys.registered`."""
        return self._passkeys.registered(self.subject(subject), ticket, posted)

    def problems(self, form: OfficerForm) -> dict[str, PreconditionRefused]:
        """What is wrong with *form*, by field."""
        found = problems_of(form.account())
        found.pop("roles", None)
        if not form.code.strip():
            found["code"] = PreconditionRefused("Enter the set-up code of the key ceremony.")
        if form.organisation not in self._authority.organisations():
            found["organisation"] = PreconditionRefused("Choose one of the organisations.")
        try:
            passwords.require_good(form.password, login=form.login, name=form.name)
        except PreconditionRefused as refusal:
            found["password"] = refusal
        return found

    def appoint(self, form: OfficerForm, made: NewPasskey, where: Whereabouts) -> OpenedSession:
        """The officer, who is signed in at once. Raises what the authority refuses, :class:`PreconditionRefused`
        for values, :class:`StateRefused` for a login or a mail address that is taken, and
        :class:`TooManyAttempts` for a network from which there were too many wrong codes."""
        for problem in self.problems(form).values():
            raise problem
        with self._database.transaction() as tx:
            attempt = throttle.begin(tx, "set-up code", where.address, now=self._now(), guessable=False)
        login = folded(form.login)
        self._require_free(login)
        new = NewOfficer(
            subject=made.ticket.content,
            login=login,
            name=form.name.strip(),
            organisation=form.organisation,
            email=form.email.strip(),
            password=passwords.hashed(form.password),
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
        )
        with self._database.transaction() as tx:
            spend(tx, made.ticket, now=self._now())
            appointment.keep(tx, new)
        self._authority.appoint_officer(form.code, self._details(new))
        with self._database.transaction() as tx:
            self._open(tx, new)
            throttle.passed(tx, attempt, now=self._now())
            throttle.know(tx, new.login, where.address, now=self._now())
            return self._sessions.open(tx, new.subject, Strength.PASSKEY, where)

    def _complete(self) -> None:
        with self._database.reading() as tx:
            new = appointment.kept(tx)
        if new is None:
            return
        known = [each.credential_id for each in self._authority.credentials(new.subject)]
        if new.credential_id in known:
            with self._database.transaction() as tx:
                if appointment.kept(tx) == new:
                    self._open(tx, new)

    def _open(self, tx: Transaction, new: NewOfficer) -> None:
        roles = frozenset({Role.OFFICER})
        wanted = NewAccount("officer", new.login, new.name, new.organisation, new.email, roles)
        subject, interface = new.subject, self._interface
        person = Person(subject, new.name, new.organisation, new.email, interface.language, interface.zone)
        self._registry.register(tx, person, None, by=subject)
        self._accounts.open_account(tx, subject, wanted, by=subject)
        accounts.set_password(tx, subject, new.password)
        accounts.set_state(tx, subject, AccountState.ACTIVE)
        now = self._now()
        passkeys.insert(tx, Passkey(new.credential_id, subject, new.public_key, new.sign_count, _LABEL, now))
        public = {"subject": subject}
        self._chronicle.tell(tx, HistoryEvent(EventKind.OFFICER_APPOINTED, now, subject, None, public))
        appointment.forget(tx)

    def _require_free(self, login: str) -> None:
        with self._database.reading() as tx:
            if accounts.by_login(tx, login) is not None:
                raise StateRefused("The login {login} is taken; choose another.", login=login)

    def _details(self, new: NewOfficer) -> dict[str, object]:
        return {
            "subject": new.subject,
            "name": new.name,
            "organisation": new.organisation,
            "credential": {
                "kind": "webauthn",
                "credential_id": new.credential_id.hex(),
                "public_key": new.public_key.hex(),
                "rp_id": self._passkeys.rp_id,
            },
        }
