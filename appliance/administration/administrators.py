"""Administrators come and go: the first of each kind by who is root on the machine, later ones by two persons.

Nobody is an administrator and has an account in the portal: login and address are reserved in the portal's
database, which refuses those that somebody there has, before the administrator is written here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.accounts.two_step import folded
from appliance.administration.account_setup import insert_invitation, welcome_code
from appliance.administration.context import AdministrationContext
from appliance.administration.pin_custodians import PinCustodianEnd, PinCustodians
from appliance.administration.sign_in import ConsoleSessions
from appliance.contact_details import email_address, person_name
from appliance.errors import PreconditionRefused, StateRefused
from appliance.model.administration import (
    ROOT,
    Actor,
    Administrator,
    AdministratorState,
    JournalKind,
    NewAdministrator,
)
from appliance.store import administrators as known_to_the_portal
from appliance.store.administration import administrators
from appliance.store.database import Transaction
from hsm.names import LONGEST_LOGIN, is_login

_NOT_LOGINS = frozenset({"root", "system"})
_OPEN = tuple(state for state in AdministratorState if state is not AdministratorState.LEFT)


@dataclass(frozen=True, slots=True)
class InvitedAdministrator:
    """Somebody who has not set up the account yet: the ``token`` of the link is shown once and kept nowhere."""

    login: str
    token: str = field(repr=False)


class Administrators:
    """Who administrates. Who may ask for which of this is the registry's to say. Thread-safe."""

    def __init__(
        self, context: AdministrationContext, sessions: ConsoleSessions, pin_custodians: PinCustodians
    ) -> None:
        self._context = context
        self._sessions = sessions
        self._pin_custodians = pin_custodians

    def everybody(self) -> list[Administrator]:
        """All that there ever were, by login."""
        return self._context.database.query(administrators.everybody)

    def administrator(self, login: str) -> Administrator:
        """One of them. Raises :class:`NotFound`."""
        return self._context.database.query(administrators.administrator, folded(login))

    def add_first(self, new: NewAdministrator) -> InvitedAdministrator:
        """The first of a kind, by root. Raises :class:`StateRefused` when there is one already."""
        with self._context.database.reading() as tx:
            if administrators.has_role(tx, new.role):
                raise StateRefused(
                    "There is an administrator of the kind {role} already; further ones take two persons"
                    " (`vermilion do administrators.add`).",
                    role=new.role,
                )
        return self.link(self.add(new, by=ROOT), by=ROOT)

    def add(self, new: NewAdministrator, *, by: Actor) -> str:
        """A new administrator, invited; the login. Whoever looks after accounts then makes a :meth:`link`.

        Raises :class:`PreconditionRefused` for values that are not possible, :class:`StateRefused` when somebody
        has the login or the address, here or in the portal.
        """
        checked = checked_administrator(new)
        is_new = self._context.portal().commit(known_to_the_portal.reserve, checked.login, checked.email)
        try:
            self._insert(checked, by)
        except StateRefused:
            if is_new:  # nothing is kept for somebody who was not added
                self._context.portal().commit(known_to_the_portal.release, checked.login)
            raise
        return checked.login

    def link(self, login: str, *, by: Actor, request_id: str = "") -> InvitedAdministrator:
        """A new link in place of an earlier one; it takes the code of the request *request_id* too, if any.

        Raises :class:`StateRefused` for an account that is set up.
        """
        name, now = _other(login, by), self._context.now()
        code = welcome_code(self._context, request_id) if request_id else ""
        with self._context.writing() as tx:
            found = administrators.administrator(tx, name)
            if found.state is not AdministratorState.INVITED:
                raise StateRefused("{login} has set up the account already.", login=name)
            self._append_line(tx, JournalKind.LINK_MADE, name, by)
            return InvitedAdministrator(name, insert_invitation(tx, name, by=by, now=now, code=code))

    def reset(self, login: str, *, by: Actor) -> PinCustodianEnd:
        """Ends password, code, passkeys and sessions at once; by a :meth:`link` password and code are chosen anew.
        A PIN custodian is ended as such; returns the result of that.

        Raises :class:`StorageError` where this process may not say which passkeys count, and one does.
        """
        name = _other(login, by)
        with self._context.writing() as tx:
            _move(tx, name, AdministratorState.INVITED, *_OPEN)
            administrators.forget_factors(tx, name)
            administrators.remove_passkeys(tx, name, now=self._context.now())
            self._end_ways_in(tx, name, by)
            self._append_line(tx, JournalKind.FACTORS_RESET, name, by)
            self._unconfirm(name)
        return self._pin_custodians.try_end_custodian(name, by=by)

    def suspend(self, login: str, *, by: Actor) -> None:
        """Nobody signs in with this account any more, for now; sessions end at once."""
        name = _other(login, by)
        with self._context.writing() as tx:
            _move(tx, name, AdministratorState.SUSPENDED, AdministratorState.ACTIVE, AdministratorState.LOCKED)
            self._end_ways_in(tx, name, by)
            self._append_line(tx, JournalKind.ADMINISTRATOR_SUSPENDED, name, by)

    def resume(self, login: str, *, by: Actor) -> None:
        self._reactivate(login, AdministratorState.SUSPENDED, JournalKind.ADMINISTRATOR_RESUMED, by)

    def unlock(self, login: str, *, by: Actor) -> None:
        """Ends the lock that too many failures led to."""
        self._reactivate(login, AdministratorState.LOCKED, JournalKind.ADMINISTRATOR_UNLOCKED, by)

    def remove(self, login: str, *, by: Actor) -> PinCustodianEnd:
        """Closes the account for good; the person may have one in the portal from now on. A PIN custodian is ended
        as such; returns the result of that.

        Raises :class:`StateRefused` for the last one of a kind, without whom nothing of the kind could be done.
        """
        name = _other(login, by)
        with self._context.writing() as tx:
            role = administrators.administrator(tx, name).role
            others = [each for each in administrators.everybody(tx) if each.role is role and each.login != name]
            if not any(each.state is AdministratorState.ACTIVE for each in others):
                raise StateRefused(
                    "{login} is the last one of the kind {role}; add another first.", login=name, role=role
                )
            self._end_ways_in(tx, name, by)
            administrators.remove_passkeys(tx, name, now=self._context.now())
            _move(tx, name, AdministratorState.LEFT, *_OPEN)
            self._append_line(tx, JournalKind.ADMINISTRATOR_REMOVED, name, by)
            self._unconfirm(name)
        ended = self._pin_custodians.try_end_custodian(name, by=by)
        self._context.portal().commit(known_to_the_portal.release, name)
        return ended

    def end_pin_custodian(self, login: str, *, by: Actor) -> PinCustodianEnd:
        """*login* keeps no part of the PIN any more, whatever becomes of the account.

        Raises :class:`StateRefused` for who keeps none, and what the authority refuses.
        """
        ended = self._pin_custodians.end_custodian(folded(login), by=by)
        if not ended.ended and not ended.withdrawn:
            raise StateRefused("{login} is no keeper of the PIN.", login=folded(login))
        return ended

    def _reactivate(self, login: str, before: AdministratorState, kind: JournalKind, by: Actor) -> None:
        name = _other(login, by)
        with self._context.writing() as tx:
            _move(tx, name, AdministratorState.ACTIVE, before)
            self._append_line(tx, kind, name, by)

    def _unconfirm(self, login: str) -> None:
        for key in self._context.confirmed.keys_of(login):
            self._context.confirmed.unconfirm_key(key)

    def _insert(self, new: NewAdministrator, by: Actor) -> None:
        with self._context.writing() as tx:
            administrators.insert(tx, new, by=by.login, now=self._context.now())
            detail = {"login": new.login, "name": new.name, "role": new.role.value}
            self._context.journal.append_line(tx, JournalKind.ADMINISTRATOR_ADDED, by, **detail)

    def _end_ways_in(self, tx: Transaction, login: str, by: Actor) -> None:
        administrators.end_invitations_of(tx, login, now=self._context.now())
        self._sessions.end_all_sessions(tx, login, by=by)

    def _append_line(self, tx: Transaction, kind: JournalKind, login: str, by: Actor) -> None:
        self._context.journal.append_line(tx, kind, by, login=login)


def _other(login: str, by: Actor) -> str:
    name = folded(login)
    if name == by.login:
        raise PreconditionRefused("Nobody does this to their own account; another administrator does.")
    return name


def _move(tx: Transaction, login: str, after: AdministratorState, *before: AdministratorState) -> None:
    found = administrators.administrator(tx, login)
    if not administrators.move(tx, login, after, *before):
        raise StateRefused(
            "The account of {login} is {state}; this is not done to it.", login=login, state=found.state
        )


def checked_administrator(new: NewAdministrator) -> NewAdministrator:
    """The same, trimmed and folded. Raises :class:`PreconditionRefused` for values that are not possible."""
    login = folded(new.login)
    if not is_login(login) or login in _NOT_LOGINS:
        raise PreconditionRefused(
            "A login has 2 to {most} letters a to z, digits, dots, hyphens or underscores, and begins with a"
            " letter; root and system are taken.",
            most=LONGEST_LOGIN,
        )
    return NewAdministrator(login, person_name(new.name), email_address(new.email), new.role)
