"""Accounts that follow the organisation's directories: what a reading, or one pushed user, changes here.

A synchronisation compares once (:mod:`appliance.directories.comparing`) and then does what differs, in
transactions of some two hundred users, in this order: who goes; whoever only changes; mail addresses, each after
the one who gives it up; new accounts; managers, when everybody is there. A user who has changed since the
comparison is left to the next one. Every change is in the log in its own transaction, so what was broken off is
simply compared again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Final

from appliance.accounts.accounts import AccountAdministration
from appliance.accounts.context import AccountsContext, AccountsPart
from appliance.config import Settings
from appliance.directories import comparing
from appliance.directories.comparing import (
    Brake,
    Difference,
    Plan,
    Read,
    Rules,
    UserChange,
    Wanted,
    listed,
)
from appliance.directories.leaving import Leaving
from appliance.directories.naming import new_login, new_subject
from appliance.directory_service.client import DirectoryUnavailable
from appliance.directory_service.messages import DirectoryFault
from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.ledger.audit_trail import DIRECTORY, EventKind, Field
from appliance.model.accounts import AccountState, NewAccount
from appliance.model.directories import (
    AddressHolder,
    DirectoryProblem,
    DirectoryReport,
    DirectoryRound,
    DirectorySource,
    DirectoryUser,
    FollowingAccount,
    HeldKind,
    KnownUser,
    RoundOutcome,
    StoredUser,
)
from appliance.model.directory_status import DifferenceKind
from appliance.sharing import make_file
from appliance.store import accounts, directories, outbox, people, single_sign_on
from appliance.store.database import Transaction
from hsm.files import file_lock

AT_ONCE: Final = 200
"""Users of one transaction: other writers wait for less than a second."""

A_DAY: Final = timedelta(hours=24)
"""In which departures count towards too many."""

SHOWN_ROUNDS: Final = 20
SHOWN_PROBLEMS: Final = 200

_OPENS = frozenset({DifferenceKind.ADDED, DifferenceKind.REPLACED, DifferenceKind.LINKED})

_Unit = Sequence[UserChange]
"""Changes that are done together: one, or several people who exchange their addresses."""


def go_on(_step: str) -> None:
    """Does nothing, where tests break off."""


class DirectoryAccounts(AccountsPart):
    """Does what the directories ask for, and no more. Thread-safe; of synchronisations one runs at a time.

    *reach* is called between two transactions with what has just been done.
    """

    def __init__(
        self,
        context: AccountsContext,
        administration: AccountAdministration,
        leaving: Leaving,
        settings: Settings,
        reach: Callable[[str], None] = go_on,
    ) -> None:
        super().__init__(context)
        self._administration, self.leaving, self._reach = administration, leaving, reach
        self._settings, self._lock = settings.directory, settings.home.directory_lock
        self._single_sign_on = settings.openid.configured
        self._organisation = settings.directory.organisation or settings.organisation.name
        compared = [asdict(settings.directory), self._organisation, self._single_sign_on]
        self.rules = hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()
        """By which settings accounts are compared: SHA-256."""

    # --- one user

    def follow(self, source: DirectorySource, user: DirectoryUser) -> KnownUser:
        """One user as the directory has them now: new, changed, disabled, or there again; in a transaction of its
        own. What could not be done is the ``problem`` of what is returned; what waits for two administrators
        leaves the account as it is."""
        with self._database.transaction() as tx:
            self._follow_some(tx, source, {user.key: user})
            known = _followed(tx, source, user.key)
        self.finish()
        return self._database.query(directories.load_user, known.id)

    def follow_within(self, tx: Transaction, source: DirectorySource, *users: DirectoryUser) -> None:
        """The same for several *users*, in the caller's transaction, after which :meth:`finish` has to be
        called. They are compared together, which costs little more than one of many."""
        self._follow_some(tx, source, {each.key: each for each in users})

    def remove(self, source: DirectorySource, key: str) -> KnownUser:
        """The directory has the user no more. Raises :class:`NotFound` for one whom it never had."""
        known = self._database.commit(self.remove_within, source, key)
        self.finish()
        return self._database.query(directories.load_user, known.id)

    def remove_within(self, tx: Transaction, source: DirectorySource, key: str) -> KnownUser:
        """The same in the caller's transaction, after which :meth:`finish` has to be called."""
        _followed(tx, source, key)
        self._follow_some(tx, source, {key: None})
        return _followed(tx, source, key)

    def _follow_some(self, tx: Transaction, source: DirectorySource, read: Read) -> None:
        """Users who were *read*, among all whom they could have to do with."""
        stored = {key: directories.stored_user(tx, source, key) for key in read}
        emails = {user.email for user in read.values() if user}
        for each in stored.values():
            if each is not None:
                emails |= {each.known.user.email, each.account.email if each.account else ""}
        subset = {each.known.id: each for each in directories.rivals(tx, source, emails - {""})}
        subset |= {each.known.id: each for each in stored.values() if each is not None}
        self._reconcile(tx, source, list(subset.values()), read)
        for key in read:
            self._set_managers(tx, source, key)

    def _reconcile(
        self, tx: Transaction, source: DirectorySource, stored: Sequence[StoredUser], read: Read
    ) -> Counter[str]:
        """Compares *stored*, some of the users of *source*, and does what differs."""
        rules = self._rules(tx, source, lambda email: directories.address_holder(tx, email))
        changes = comparing.compare(source, stored, read, rules)
        counts: Counter[str] = Counter()
        for unit in _ordered(changes):
            counts += self._do_unit(tx, unit)
        return counts

    # --- all users

    def plan(self, source: DirectorySource, users: Iterable[DirectoryUser]) -> Plan:
        """What :meth:`synchronise` would do. Raises :class:`DirectoryUnavailable` as it does."""
        read = _by_key(users)
        return self._plan(source, read)

    def synchronise(self, source: DirectorySource, users: Iterable[DirectoryUser]) -> DirectoryRound:
        """Everybody as a whole reading has them: who is not in it is removed.

        Raises :class:`DirectoryUnavailable` for a reading that cannot be believed, :class:`StateRefused` while
        another synchronisation runs. What was begun and broken off is gone on with by the next one.
        """
        began, read = self._now(), _by_key(users)
        return self._synchronise(source, began, read)

    def plan_again(self, source: DirectorySource) -> Plan:
        """What :meth:`synchronise_again` would do."""
        return self._plan(source, None)

    def synchronise_again(self, source: DirectorySource) -> DirectoryRound:
        """Everybody as a program, or an ID token, said last: neither says it again where what groups give, or who
        has which mail address, is different since. Raises :class:`StateRefused` as :meth:`synchronise`."""
        return self._synchronise(source, self._now(), None)

    def _plan(self, source: DirectorySource, read: Mapping[str, DirectoryUser] | None) -> Plan:
        count, changes = self._compared(source, read)
        return Plan(source, count, tuple(comparing.with_managers(changes)))

    def _synchronise(
        self, source: DirectorySource, began: datetime, read: Mapping[str, DirectoryUser] | None
    ) -> DirectoryRound:
        with self._alone():
            count, changes = self._compared(source, read)
            counts = self._do_all(changes)
            if managed := self._manage_all(source):
                counts[DifferenceKind.MANAGER] += managed
            done = self._conclude(source, began, count, counts)
        self.finish()
        return done

    def _compared(
        self, source: DirectorySource, read: Mapping[str, DirectoryUser] | None
    ) -> tuple[int, Sequence[UserChange]]:
        """How many users there are, and what is to be done about everybody, by a whole reading; None: by what is
        known of them. Raises :class:`DirectoryUnavailable` for a reading that cannot be believed."""
        with self._database.reading() as tx:
            stored = directories.every_user(tx, source)
            if read is not None:
                _require_believable(stored, read)
            holders = directories.every_address(tx)
            rules = self._rules(tx, source, holders.get)
            if read is None:
                present = sum(each.known.removed is None for each in stored)
                return present, comparing.compare(source, stored, {}, rules)
            return len(read), comparing.compare(source, stored, _completed(stored, read), rules)

    def _do_all(self, changes: Sequence[UserChange]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for some in batched(_ordered(changes), AT_ONCE):
            with self._database.transaction() as tx:
                for unit in some:
                    counts += self._do_unit(tx, unit)
            self._reach("users")
        return counts

    def _manage_all(self, source: DirectorySource) -> int:
        found = self._database.query(directories.manager_changes, source)
        for some in batched(found, AT_ONCE):
            with self._database.transaction() as tx:
                for each in some:
                    self._set_manager(tx, each)
            self._reach("managers")
        return len(found)

    def _conclude(
        self, source: DirectorySource, began: datetime, read: int, counts: Mapping[str, int]
    ) -> DirectoryRound:
        with self._database.transaction() as tx:
            waits = any(directories.count_held(tx, source, kind) for kind in HeldKind)
            outcome = RoundOutcome.HELD if waits else RoundOutcome.DONE
            changed = {kind.value: counts[kind] for kind in DifferenceKind if counts.get(kind)}
            done = DirectoryRound(source, began, self._now(), outcome, {"read": read, **changed}, rules=self.rules)
            directories.insert_round(tx, done)
            if changed:
                public: dict[str, Field] = {"source": source.value, "read": read}
                public |= {name.replace("-", "_"): count for name, count in changed.items()}
                self._append_event(tx, EventKind.DIRECTORY_SYNCHRONISED, DIRECTORY, public)
        return done

    def record_failure(
        self, source: DirectorySource, began: datetime, why: DirectoryUnavailable
    ) -> DirectoryRound:
        """Keeps that a synchronisation failed: nothing was changed."""
        done = DirectoryRound(source, began, self._now(), RoundOutcome.FAILED, {}, str(why))
        self._database.commit(directories.insert_round, done)
        return done

    @contextmanager
    def _alone(self) -> Iterator[None]:
        make_file(self._lock)  # for the scheduler and the command, which are different users
        try:
            with file_lock(self._lock, wait=False):
                yield
        except BlockingIOError as error:
            raise StateRefused("Another synchronisation runs just now; try again in a moment.") from error

    def _rules(
        self, tx: Transaction, source: DirectorySource, holder_of: Callable[[str], AddressHolder | None]
    ) -> Rules:
        now = self._now()
        departed = directories.count_departed(tx, source, now - A_DAY)
        brake = Brake(departed, lambda: directories.count_provisioned(tx, source) + departed, self._settings)
        return Rules(self._settings, self._single_sign_on, holder_of, brake, now)

    # --- afterwards, and administrators

    def finish(self) -> None:
        """Does what was released, and offers the open work of who has departed to their managers."""
        while self._database.commit(self._do_released):
            self._reach("released")
        while self.leaving.offer_work():
            self._reach("work")

    def _do_released(self, tx: Transaction) -> int:
        waiting = directories.released(tx, AT_ONCE)
        for source in sorted({each.known.source for each in waiting}):
            own = {each.known.id: each for each in waiting if each.known.source is source}
            emails = {each.known.user.email for each in own.values()} - {""}
            own |= {each.known.id: each for each in directories.rivals(tx, source, emails)}
            self._reconcile(tx, source, list(own.values()), {})
        for each in waiting:  # whatever came of it: what two administrators were shown is not kept for later
            if (found := directories.load_stored(tx, each.known.id)).held is not None and found.held.released:
                directories.hold(tx, each.known.id, None, at=self._now())
        return len(waiting)

    def release(self, kind: HeldKind, *, count: int, digest: str, by: str) -> int:
        """Two administrators (*by*, logins) agree to all that waits of one *kind*, of which they were shown
        *count* and *digest*; how many. Raises :class:`StateRefused` where other users wait now."""
        with self._database.transaction() as tx:
            held = directories.held_users(tx, kind)
            if held is None or (held.count, held.digest) != (count, digest):
                raise StateRefused("Other users wait now than were shown; look at them again.")
            directories.release(tx, kind, self._now())
            public: dict[str, Field] = {"kind": kind.value, "count": count, "digest": digest, "administrators": by}
            self._append_event(tx, EventKind.DIRECTORY_RELEASED, DIRECTORY, public)
        self.finish()
        return count

    def report(self) -> DirectoryReport:
        """What the console shows."""
        with self._database.reading() as tx:
            held = (directories.held_users(tx, kind) for kind in HeldKind)
            return DirectoryReport(
                rounds=tuple(directories.last_rounds(tx, SHOWN_ROUNDS)),
                users=directories.count_users(tx),
                held=tuple(each for each in held if each is not None),
                problems=tuple(directories.problems(tx, SHOWN_PROBLEMS)),
                problem_count=directories.count_problems(tx),
                successes={
                    each: at for each in DirectorySource if (at := directories.last_success(tx, each)) is not None
                },
            )

    # --- what differs

    def _do_unit(self, tx: Transaction, unit: _Unit) -> Counter[str]:
        """Does the changes of *unit*; what cannot be done because something else has changed is left out."""
        if any(self._has_changed(tx, each) for each in unit):
            return Counter()
        tx.execute("SAVEPOINT directory_user")
        try:
            if len(unit) > 1:
                for each in unit:  # nobody has any of these addresses, and each can get another one's
                    if each.account is not None:
                        directories.set_address(tx, each.account.subject, _nobodys(each.account))
            for each in unit:
                self._do(tx, each)
        except (StateRefused, PreconditionRefused):
            tx.execute("ROLLBACK TO directory_user")
            for each in unit:
                self._leave(tx, each)
            return Counter({DifferenceKind.PROBLEM: len(unit)})
        finally:
            tx.execute("RELEASE directory_user")
        return Counter(each.kind for change in unit for each in change.differences)

    def _has_changed(self, tx: Transaction, change: UserChange) -> bool:
        """Whether the user, or the account, is not as it was compared."""
        return directories.stored_user(tx, change.known.source, change.known.user.key) != change.stored

    def _leave(self, tx: Transaction, change: UserChange) -> None:
        known = replace(change.known, problem=DirectoryProblem.NOT_DONE)
        directories.save_user(tx, known, at=self._now())

    def _do(self, tx: Transaction, change: UserChange) -> None:
        known, kinds = change.known, change.kinds
        if change.account is not None:
            self._change_account(tx, change, change.account, change.wanted)
        if change.wanted is not None and kinds & {DifferenceKind.ADDED, DifferenceKind.REPLACED}:
            known = replace(known, subject=self._open(tx, change, change.wanted))
        if change.wanted is not None and DifferenceKind.LINKED in kinds and change.target is not None:
            known = replace(known, subject=self._link(tx, change, change.target, change.wanted))
        if change.stored is None or known != change.stored.known:
            directories.save_user(tx, known, at=self._now())
        if change.held != (change.stored.held if change.stored else None):
            directories.hold(tx, known.id, change.held, at=self._now())
        if DifferenceKind.DEPARTED in kinds and not _is_released(change):
            directories.set_departed(tx, known.id, self._now())
        if DifferenceKind.LINKED in kinds:
            linked = directories.load_stored(tx, known.id)
            self._reconcile(tx, known.source, [linked], {})

    def _change_account(
        self, tx: Transaction, change: UserChange, account: FollowingAccount, wanted: Wanted | None
    ) -> None:
        kinds, subject = change.kinds, account.subject
        if DifferenceKind.DEPARTED in kinds or change.gone:
            self.leaving.depart(tx, subject, change.known.source)
        if change.roles is not None:
            accounts.set_roles(tx, subject, change.roles)
            public = {"subject": subject, "roles": listed(change.roles), "before": listed(account.roles)}
            self._append_event(tx, EventKind.ROLES_CHANGED, DIRECTORY, public)
        if wanted is None:
            return
        if DifferenceKind.RETURNED in kinds:
            self._come_back(tx, account)
        for difference in change.differences:
            match difference.kind:
                case DifferenceKind.ADDRESS:
                    self._set_address(tx, subject, difference)
                case DifferenceKind.DEPARTMENT:
                    self._set_department(tx, subject, difference)
                case DifferenceKind.NAME:
                    self._set_name(tx, subject, difference)
                case DifferenceKind.OTHER_NAME:
                    other = None if difference.after == account.name else difference.after
                    directories.set_directory_name(tx, subject, other)
                case DifferenceKind.SIGN_ON:
                    self._use_single_sign_on(tx, subject)
                case _:
                    pass

    def _come_back(self, tx: Transaction, account: FollowingAccount) -> None:
        was = self.leaving.come_back(tx, account.subject)
        if was is AccountState.INVITED and not account.single_sign_on and not self._single_sign_on:
            self._administration.welcome(tx, account.subject, by=DIRECTORY)

    def _set_address(self, tx: Transaction, subject: str, difference: Difference) -> None:
        self._free_address(tx, difference.after, but=subject)
        directories.set_address(tx, subject, difference.after)
        self._record_change(tx, EventKind.PROFILE_CHANGED, subject, difference, "email")

    def _record_change(
        self, tx: Transaction, kind: EventKind, subject: str, difference: Difference, name: str
    ) -> None:
        private = {name: difference.after, "before": difference.before}
        self._append_event(tx, kind, DIRECTORY, {"subject": subject}, **private)

    def _free_address(self, tx: Transaction, email: str, *, but: str = "") -> None:
        holder = directories.address_holder(tx, email)
        if holder is None or holder.subject == but or not (holder.left or holder.departed):
            return
        if (freed := directories.free_address(tx, email)) is not None:
            self._append_event(
                tx, EventKind.PROFILE_CHANGED, DIRECTORY, {"subject": freed}, email="", before=email
            )

    def _set_department(self, tx: Transaction, subject: str, difference: Difference) -> None:
        people.set_department(tx, subject, difference.after)
        self._record_change(tx, EventKind.DEPARTMENT_CHANGED, subject, difference, "department")

    def _set_name(self, tx: Transaction, subject: str, difference: Difference) -> None:
        people.update_profile(tx, replace(people.person(tx, subject), name=difference.after))
        self._record_change(tx, EventKind.PROFILE_CHANGED, subject, difference, "name")

    def _use_single_sign_on(self, tx: Transaction, subject: str) -> None:
        before = accounts.account(tx, subject).state
        accounts.use_single_sign_on(tx, subject)
        if before is AccountState.INVITED:
            accounts.end_links_of(tx, subject, now=self._now())
            outbox.withdraw(tx, subject, self._now())
            public = {"subject": subject, "factor": "single-sign-on"}
            self._append_event(tx, EventKind.ACCOUNT_ACTIVATED, DIRECTORY, public)

    def _open(self, tx: Transaction, change: UserChange, wanted: Wanted) -> str:
        """A new person with an account: active at once where people sign in through the identity provider, else
        invited by mail, as every auditor and operator is."""
        if change.account is not None:
            accounts.close_account(tx, change.account.subject)  # which gives its login free
        self._free_address(tx, wanted.email)
        login = new_login(tx, change.known.user.login)
        subject = new_subject(tx, wanted.kind, login)
        new = NewAccount(wanted.kind, login, wanted.name, self._organisation, wanted.email, wanted.roles)
        self._administration.register_account(tx, subject, new, by=DIRECTORY)
        if change.account is not None and wanted.kind == "person":
            single_sign_on.pass_identities(tx, change.account.subject, subject)
        if wanted.department:
            self._set_department(tx, subject, Difference(DifferenceKind.DEPARTMENT, "", wanted.department))
        self._let_in(tx, subject)
        return subject

    def _let_in(self, tx: Transaction, subject: str) -> None:
        """Who has a new account signs in through the identity provider, or is invited."""
        if self._single_sign_on and subject.startswith("person-"):
            self._use_single_sign_on(tx, subject)
        else:
            self._administration.welcome(tx, subject, by=DIRECTORY)

    def _link(self, tx: Transaction, change: UserChange, subject: str, wanted: Wanted) -> str:
        """*subject*, who may have been registered and never invited, is the user from now on."""
        account, person = accounts.find_account(tx, subject), people.person(tx, subject)
        left = account is not None and account.state is AccountState.LEFT
        if left or person.guest or not subject.startswith("person-"):
            raise StateRefused("The account of {subject} follows no directory.", subject=subject)
        if account is None:
            login = new_login(tx, change.known.user.login)
            new = NewAccount("person", login, person.name, person.organisation, person.email, wanted.roles)
            self._administration.open_account(tx, subject, new, by=DIRECTORY)
            self._let_in(tx, subject)
        directories.give_up_subject(tx, subject)
        public = {"subject": subject, "source": change.known.source.value, "user": change.known.id}
        self._append_event(tx, EventKind.DIRECTORY_LINKED, DIRECTORY, public)
        return subject

    def _set_managers(self, tx: Transaction, source: DirectorySource, key: str) -> None:
        for each in directories.manager_changes(tx, source, key):
            self._set_manager(tx, each)

    def _set_manager(self, tx: Transaction, change: directories.ManagerChange) -> None:
        directories.set_manager(tx, change.subject, change.after)
        public = {"subject": change.subject, "manager": change.after or "", "before": change.before or ""}
        self._append_event(tx, EventKind.MANAGER_CHANGED, DIRECTORY, public)


def _followed(tx: Transaction, source: DirectorySource, key: str) -> KnownUser:
    """The user as they are known now. Raises :class:`NotFound` for one whom *source* never had."""
    found = directories.stored_user(tx, source, key)
    if found is None:
        raise NotFound("The directory never had a user {key}.", key=key)
    return found.known


def _by_key(users: Iterable[DirectoryUser]) -> dict[str, DirectoryUser]:
    found: dict[str, DirectoryUser] = {}
    for each in users:
        if each.key in found:
            raise DirectoryUnavailable(
                DirectoryFault.UNBELIEVABLE,
                "The directory has two users with the key {key}, {one} and {other}; keys have to be unique.",
                key=each.key,
                one=found[each.key].login,
                other=each.login,
            )
        found[each.key] = each
    return found


def _completed(stored: Sequence[StoredUser], read: Mapping[str, DirectoryUser]) -> Read:
    """A whole reading: who is not in it is not in the directory."""
    gone = {each.known.user.key: None for each in stored if each.known.user.key not in read}
    return {**read, **gone}


def _require_believable(stored: Sequence[StoredUser], read: Mapping[str, DirectoryUser]) -> None:
    """Raises :class:`DirectoryUnavailable` for a reading in which everybody, or every group, is missing."""
    present = [each for each in stored if each.known.removed is None]
    if not read and any(each.account is not None and each.account.here for each in present):
        raise DirectoryUnavailable(
            DirectoryFault.UNBELIEVABLE,
            "The directory has nobody at all, where it had users before; nothing was changed.",
        )
    had = any(each.known.user.groups for each in present)
    if had and read and not any(each.groups for each in read.values()):
        raise DirectoryUnavailable(
            DirectoryFault.UNBELIEVABLE,
            "The directory has nobody in any group any more; nothing was changed. Check that groups can be read.",
        )


def _is_released(change: UserChange) -> bool:
    return change.stored is not None and change.stored.held is not None and change.stored.held.released


def _nobodys(account: FollowingAccount) -> str:
    return f"{account.subject}@gone.invalid"


def _ordered(changes: Sequence[UserChange]) -> Iterator[_Unit]:
    """What is to be done, in the order of the module's description."""
    doing = [each for each in changes if each.changes]
    opening = [each for each in doing if each.kinds & _OPENS]
    moving = [each for each in doing if DifferenceKind.ADDRESS in each.kinds]
    others = [each for each in doing if DifferenceKind.ADDRESS not in each.kinds and not each.kinds & _OPENS]
    going = [each for each in others if DifferenceKind.DEPARTED in each.kinds]
    yield from ([each] for each in going)
    yield from ([each] for each in others if DifferenceKind.DEPARTED not in each.kinds)
    yield from _moves(moving)
    yield from ([each] for each in opening)


def _moves(moving: Sequence[UserChange]) -> Iterator[_Unit]:
    """Changes of addresses, each after the one who has the address until then; those who exchange theirs together
    are one unit."""
    having = {each.account.email.casefold(): each for each in moving if each.account is not None}
    done: set[str] = set()
    for each in moving:
        path: list[UserChange] = []
        step: UserChange | None = each
        while step is not None and step.known.id not in done and step not in path:
            path.append(step)
            step = having.get(step.wanted.email.casefold()) if step.wanted is not None else None
        if step is not None and step in path:
            circle = path[path.index(step) :]
            path = path[: path.index(step)]
            done.update(one.known.id for one in circle)
            yield circle
        for one in reversed(path):
            done.add(one.known.id)
            yield [one]
