"""Accounts as officers look after them: inviting, roles, suspending, and starting a recovery."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from appliance.accounts.context import AccountsPart
from appliance.accounts.two_step import folded
from appliance.contact_details import email_address, organisation_name, person_name
from appliance.entered_text import problem_at
from appliance.errors import PreconditionRefused, StateRefused
from appliance.language.characters import words
from appliance.ledger.audit_trail import EventKind
from appliance.model.accounts import (
    AccountLink,
    AccountRole,
    AccountState,
    LinkPurpose,
    NewAccount,
    possible_roles,
)
from appliance.model.notice import Notice, NoticeKind
from appliance.model.people import LONGEST_DEPARTMENT, Person
from appliance.store import accounts, directories, members, outbox, people
from appliance.store.database import Transaction, reads
from hsm.names import is_outside

WELCOME_LASTS = timedelta(days=7)
RECOVERY_LASTS = timedelta(hours=24)

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_LONGEST_SLUG = 40


@dataclass(frozen=True, slots=True)
class InvitedAccount:
    """Somebody who was invited: the ``token`` of the link is also in the mail that goes out."""

    subject: str
    token: str = field(repr=False)


_PURPOSES = (LinkPurpose.WELCOME, LinkPurpose.RECOVER)


class AccountAdministration(AccountsPart):
    """What officers do with accounts; none of it gives anybody a key. Thread-safe."""

    account = reads(accounts.account)

    def invite(self, new: NewAccount, *, by: str) -> InvitedAccount:
        """A new person with an account, and a link by mail to set it up.

        Raises :class:`PreconditionRefused` for values or roles that are not possible, :class:`StateRefused` for a
        login or a mail address that is taken.
        """
        kept = checked_account(new)
        subject = subject_for(kept.kind, kept.login)
        with self._database.transaction() as tx:
            self.register_account(tx, subject, kept, by=by)
            return self._send_link(tx, subject, LinkPurpose.WELCOME, by)

    def register_account(self, tx: Transaction, subject: str, new: NewAccount, *, by: str) -> None:
        """Registers the person and opens an invited account for them; makes no link."""
        language, zone = self._interface.language, self._interface.zone
        person = Person(subject, new.name, new.organisation, new.email, language, zone)
        self._registry.register(tx, person, None, by=by)
        self.open_account(tx, subject, new, by=by)

    def open_and_invite(self, tx: Transaction, subject: str, new: NewAccount, *, by: str) -> InvitedAccount:
        """An account, and the link by mail that sets it up, for a person who is registered already."""
        self.open_account(tx, subject, new, by=by)
        return self.welcome(tx, subject, by=by)

    def welcome(self, tx: Transaction, subject: str, *, by: str) -> InvitedAccount:
        """The link by mail that sets up an invited account; an earlier one ends."""
        return self._send_link(tx, subject, LinkPurpose.WELCOME, by)

    def open_account(self, tx: Transaction, subject: str, new: NewAccount, *, by: str) -> None:
        """An account for a person who is registered already."""
        accounts.insert_account(
            tx, subject, new.login, handle=self._passkeys.user_handle(subject), now=self._now()
        )
        accounts.set_roles(tx, subject, new.roles)
        public = {"subject": subject, "roles": _listed(new.roles)}
        self._append_event(tx, EventKind.ACCOUNT_INVITED, by, public, login=new.login)

    def invite_again(self, subject: str, *, by: str) -> InvitedAccount:
        """A new link in place of the old one. Raises :class:`StateRefused` for an account that is set up."""
        with self._database.transaction() as tx:
            _require_state(tx, subject, AccountState.INVITED, "{subject} has set up the account already.")
            return self._send_link(tx, subject, LinkPurpose.WELCOME, by)

    def open_link(self, subject: str) -> AccountLink | None:
        """The newest link of *subject* that still works, or None."""
        with self._database.reading() as tx:
            links = [accounts.open_link(tx, subject, purpose) for purpose in _PURPOSES]
        good = [link for link in links if link is not None and link.expires > self._now()]
        return max(good, key=lambda link: link.made, default=None)

    def recover(self, subject: str, *, by: str) -> InvitedAccount:
        """A link that sets new login factors; signing credentials stay. The old factors end when it is used.

        Raises :class:`StateRefused` unless the account is active, and for one's own.
        """
        self._require_other(subject, by)
        with self._database.transaction() as tx:
            _require_state(tx, subject, AccountState.ACTIVE, "The account of {subject} is not active.")
            self._append_event(tx, EventKind.RECOVERY_STARTED, by, {"subject": subject})
            return self._send_link(tx, subject, LinkPurpose.RECOVER, by)

    def set_roles(self, subject: str, roles: frozenset[AccountRole], *, by: str) -> None:
        """Other roles, from now on. Raises :class:`PreconditionRefused` for a combination that must not be, and
        :class:`StateRefused` where a directory sets them."""
        self._require_other(subject, by)
        with self._database.transaction() as tx:
            _require_no_directory(tx, subject)
            before = accounts.account(tx, subject)
            _require_possible(subject, roles)
            accounts.set_roles(tx, subject, roles)
            if before.roles != roles:
                public = {"subject": subject, "roles": _listed(roles), "before": _listed(before.roles)}
                self._append_event(tx, EventKind.ROLES_CHANGED, by, public)

    def set_department(self, subject: str, department: str, *, by: str) -> None:
        """The department of somebody with an account, empty for none; contracts drafted from now on have it.

        Raises :class:`PreconditionRefused` for one that is too long, :class:`StateRefused` where a directory sets
        it."""
        tidied = words(department)
        if len(tidied) > LONGEST_DEPARTMENT:
            raise PreconditionRefused(
                "The department is too long; {most} characters are possible.", most=LONGEST_DEPARTMENT
            )
        with self._database.transaction() as tx:
            accounts.account(tx, subject)
            _require_no_directory(tx, subject)
            before = people.department_of(tx, subject)
            if people.set_department(tx, subject, tidied):
                public = {"subject": subject}
                self._append_event(tx, EventKind.DEPARTMENT_CHANGED, by, public, department=tidied, before=before)

    def set_manager(self, subject: str, named: str, *, by: str) -> None:
        """Who *subject* works under: somebody of the same organisation, *named* by login or mail address, empty
        for nobody. That one takes the manager's step of reviews, where policy has one.

        Raises :class:`PreconditionRefused` for who cannot be one, :class:`StateRefused` where a directory says it.
        """
        with self._database.transaction() as tx:
            accounts.account(tx, subject)
            _require_no_directory(tx, subject)
            before, manager = directories.manager_of(tx, subject), _manager_named(tx, subject, named.strip())
            if before != manager:
                directories.set_manager(tx, subject, manager)
                public = {"subject": subject}
                self._append_event(
                    tx, EventKind.MANAGER_CHANGED, by, public, manager=manager or "", before=before or ""
                )

    def suspend(self, subject: str, *, by: str) -> None:
        """Nobody signs in with this account any more, for now; sessions and links end at once."""
        self._require_other(subject, by)
        with self._database.transaction() as tx:
            _require_state(tx, subject, AccountState.ACTIVE, "The account of {subject} is not active.")
            accounts.set_state(tx, subject, AccountState.SUSPENDED)
            accounts.end_links_of(tx, subject, now=self._now())
            self._append_event(tx, EventKind.ACCOUNT_SUSPENDED, by, {"subject": subject})
            self._sessions.end_all_sessions(tx, subject, by=by)

    def resume(self, subject: str, *, by: str) -> None:
        self._require_other(subject, by)
        with self._database.transaction() as tx:
            _require_state(tx, subject, AccountState.SUSPENDED, "The account of {subject} is not suspended.")
            if people.has_left(tx, subject):
                raise StateRefused(
                    "The organisation's directory does not have {subject} any more; enable the user there, and the"
                    " account goes on.",
                    subject=subject,
                )
            accounts.set_state(tx, subject, AccountState.ACTIVE)
            self._append_event(tx, EventKind.ACCOUNT_RESUMED, by, {"subject": subject})

    def _send_link(self, tx: Transaction, subject: str, purpose: LinkPurpose, by: str) -> InvitedAccount:
        now, welcome = self._now(), purpose is LinkPurpose.WELCOME
        lasting = WELCOME_LASTS if welcome else RECOVERY_LASTS
        link = AccountLink(secrets.token_hex(16), purpose, subject, now, now + lasting)
        accounts.insert_link(tx, link, by=by)
        kind = NoticeKind.INVITED if welcome else NoticeKind.RECOVERY
        outbox.enqueue(tx, Notice(None, subject, kind, now, link.id))
        return InvitedAccount(subject, self._links.token_of(purpose, link.id))

    def _require_other(self, subject: str, by: str) -> None:
        if subject == by:
            raise PreconditionRefused("Nobody does this to their own account; another officer does.")


def _require_no_directory(tx: Transaction, subject: str) -> None:
    if members.directory_entry(tx, subject) is not None:
        raise StateRefused("The directory sets department, manager and roles of this account; change them there.")


def _manager_named(tx: Transaction, subject: str, named: str) -> str | None:
    """The subject of the manager; None for nobody."""
    if not named:
        return None
    account = None if "@" in named else accounts.by_login(tx, named.lower())
    manager = people.by_email(tx, named) if account is None else account.subject
    if (
        manager is None
        or not manager.startswith("person-")
        or is_outside(manager)
        or not people.is_active(tx, manager)
    ):
        raise PreconditionRefused(
            "Nobody here is called {manager}; give the login or the mail address.", manager=named
        )
    if manager == subject:
        raise PreconditionRefused("Nobody is their own manager.", manager=named)
    if people.person(tx, manager).organisation != people.person(tx, subject).organisation:
        raise PreconditionRefused("{manager} is of another organisation.", manager=named)
    return manager


def _require_state(tx: Transaction, subject: str, wanted: AccountState, otherwise: str) -> None:
    if accounts.account(tx, subject).state is not wanted:
        raise StateRefused(otherwise, subject=subject)


def account_problems(new: NewAccount) -> dict[str, PreconditionRefused]:
    """What is wrong with the values of an invitation, by the name of the field; empty when nothing is."""
    return {
        **problem_at("name", person_name, new.name),
        **problem_at("organisation", organisation_name, new.organisation),
        **problem_at("email", email_address, new.email),
        **problem_at("login", _require_login, new.login),
        **problem_at("roles", _require_possible, f"{new.kind}-", new.roles),
    }


def checked_account(new: NewAccount) -> NewAccount:
    """*new* as it is kept. Raises :class:`PreconditionRefused` for the first of its :func:`account_problems`."""
    for problem in account_problems(new).values():
        raise problem
    return NewAccount(
        new.kind,
        folded(new.login),
        person_name(new.name),
        organisation_name(new.organisation),
        email_address(new.email),
        new.roles,
    )


def _require_login(typed: str) -> None:
    if not _LOGIN.fullmatch(folded(typed)):
        raise PreconditionRefused(
            "A login has 2 to 64 letters a to z, digits, dots or hyphens, and begins with a letter or digit."
        )


def _require_possible(subject: str, roles: frozenset[AccountRole]) -> None:
    possible = possible_roles(subject)
    if not roles:
        raise PreconditionRefused("Choose at least one role.")
    if not roles <= possible:
        raise PreconditionRefused(
            "Whoever signs cannot also register, audit or operate: each duty is an account of its own."
        )


def subject_for(kind: str, login: str) -> str:
    """The subject of somebody with this *login*; *kind* is its prefix."""
    slug = re.sub(r"[^a-z0-9]+", "-", login).strip("-")[:_LONGEST_SLUG]
    # Guests have the prefix person-guest-; nobody else may look like one.
    return f"{kind}-{secrets.token_hex(6)}" if slug.startswith("guest") else f"{kind}-{slug}"


def _listed(roles: frozenset[AccountRole]) -> str:
    return " ".join(sorted(roles))
