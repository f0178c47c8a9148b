"""One run: read, compare, be sure about those who leave, push."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from directory_adapters.address_book import AddressBook, Reader
from directory_adapters.comparing import Change, Known, Plan, brake, plan, wanted_of
from directory_adapters.records import Group, KnownUser, User
from directory_adapters.scim import NotTakenError, Scim
from directory_adapters.settings import Settings


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found: the appliance's state, the people whom the address book has now, and what to do."""

    known: Known
    book: AddressBook
    plan: Plan


@dataclass(slots=True)
class Outcome:
    """What a run did, and for whom it did not: ``problems`` are sentences."""

    created: int = 0
    changed: int = 0
    departed: int = 0
    groups: int = 0
    problems: list[str] = field(default_factory=list)


def find(reader: Reader, scim: Scim, settings: Settings) -> Found:
    """What has to be done. Raises an AdapterError when either side cannot be read whole."""
    book = reader.read()
    known = scim.known()
    return Found(known, book, plan(wanted_of(book, settings.rules), known))


def confirm(found: Found, reader: Reader, settings: Settings, allowed: int) -> Found:
    """The same, after the brake, without those who were only missed: the server is asked for everybody who would
    leave because the reading has not got them. Whoever moves from a department that is not read yet to one that
    was read before, is in neither list.

    Raises :class:`RemovalsError`, and AddressBookError if the server does not say clearly that somebody is gone.
    """
    brake(found.plan, found.known, settings.brake, allowed)
    looked_up = [reader.look_up(key.partition(":")[2]) for key in found.plan.missing]
    there = {member.userid: member for member in looked_up if member}
    if not there:
        return found
    book = found.book.with_members(there)
    again = plan(wanted_of(book, settings.rules), found.known)
    missed = {f"{book.source}:{userid}" for userid in there}  # the next reading says all of them
    changes = tuple(change for change in again.changes if change.user.key not in missed)
    return Found(found.known, book, replace(again, changes=changes))


def push(found: Found, scim: Scim, say: Callable[[str], None]) -> Outcome:
    """Does it, those who leave at last. What the appliance does not take is a problem, and the rest goes on."""
    return _Push(found, scim, say).run()


def described(found: Found) -> list[str]:
    """What would be done, one line each."""
    todo = found.plan
    return [
        *(_creation(user) for user in todo.creations),
        *(_change(change) for change in todo.changes),
        *(line for group in todo.groups if (line := _group(group, found.known))),
        *(f"end group {group.name}" for group in todo.ended_groups),
        *(_departure(change) for change in todo.departures),
        *(_problem(key, reason) for key, reason in todo.left_alone.items()),
    ]


class _Push:
    def __init__(self, found: Found, scim: Scim, say: Callable[[str], None]) -> None:
        self._found, self._plan, self._scim, self._say = found, found.plan, scim, say
        self._users = dict(found.known.users)
        self._outcome = Outcome(problems=[_problem(*each) for each in found.plan.left_alone.items()])

    def run(self) -> Outcome:
        late = []
        for user in _managers_first(self._plan.creations):
            if user.manager not in self._users:
                late.append(user)
            self._try(user.key, _creation(user), partial(self._create, user))
        for user in late:  # they manage each other in a circle
            if user.manager in self._users and user.key in self._users:
                self._try(user.key, "", partial(self._replace, self._users[user.key], user))
        for change in self._plan.changes:
            if self._try(change.user.key, _change(change), partial(self._replace, change.known, change.user)):
                self._outcome.changed += 1
        for group in self._plan.groups:
            self._try(group.key, _group(group, self._found.known), partial(self._group, group))
        for ended in self._plan.ended_groups:
            self._try(ended.key, f"end group {ended.name}", partial(self._scim.delete_group, ended))
        for change in self._plan.departures:
            if self._try(change.user.key, _departure(change), partial(self._replace, change.known, change.user)):
                self._outcome.departed += 1
        return self._outcome

    def _try(self, key: str, line: str, act: Callable[[], None]) -> bool:
        try:
            act()
        except NotTakenError as error:
            self._outcome.problems.append(_problem(key, f"was not taken: {error}"))
            return False
        if line:
            self._say(line)
        return True

    def _create(self, user: User) -> None:
        self._users[user.key] = self._scim.create(user, self._id_of(user.manager))
        self._outcome.created += 1

    def _replace(self, known: KnownUser, user: User) -> None:
        self._users[user.key] = self._scim.replace(known, user, self._id_of(user.manager))

    def _id_of(self, key: str) -> str:
        return self._users[key].id if key in self._users else ""

    def _group(self, group: Group) -> None:
        known = self._found.known.groups.get(group.key) or self._scim.create_group(group)
        members = {self._users[key].id for key in group.members if key in self._users}
        added, removed = sorted(members - known.members), sorted(known.members - members)
        if known.name != group.name:
            self._scim.rename_group(known, group.name)
        self._scim.change_members(known, added, removed)
        self._outcome.groups += bool(added or removed or known.name != group.name)


def _managers_first(users: tuple[User, ...]) -> list[User]:
    """*users*, each after their manager, so that the manager has an id; those of a circle are left at the end."""
    placed: dict[str, User] = {}
    new = {user.key for user in users}
    waiting = list(users)
    while ready := [user for user in waiting if user.manager not in new or user.manager in placed]:
        placed |= {user.key: user for user in ready}
        waiting = [user for user in waiting if user.key not in placed]
    return [*placed.values(), *waiting]


def _creation(user: User) -> str:
    return f"create {user.key}: {user.name} <{user.mail}>{f', {user.department}' if user.department else ''}"


def _change(change: Change) -> str:
    old, new = change.known.user, change.user
    what = ", ".join(
        f"{name} {_shown(getattr(old, name))} -> {_shown(getattr(new, name))}" for name in change.fields
    )
    return f"change {new.key}: {what}"


def _departure(change: Change) -> str:
    return f"leave {change.user.key}: {change.user.name}"


def _group(group: Group, known: Known) -> str:
    there = known.groups.get(group.key)
    users = {each.id: key for key, each in known.users.items()}
    before = {users.get(each, each) for each in there.members} if there else set()
    after = set(group.members)
    if there and before == after and there.name == group.name:
        return ""
    return f"{'change' if there else 'create'} group {group.name}: +{len(after - before)} -{len(before - after)}"


def _problem(key: str, reason: str) -> str:
    return f"{key} {reason}"


def _shown(value: object) -> str:
    return str(value) if value != "" else "none"
