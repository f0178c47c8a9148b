"""What has to change at the appliance so that it has what the address book says. No I/O.

A person who is not in the address book any more is made inactive, not deleted: whoever comes back is the same
person then. Whom the address book has without a mail address, or with the login or address of somebody else, is
left as they are, and named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, replace

from directory_adapters.address_book import AddressBook, Member
from directory_adapters.errors import RemovalsError
from directory_adapters.records import Group, KnownGroup, KnownUser, User
from directory_adapters.settings import MAIL, USERID, Brake, Rules


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the appliance is to have, by key. ``left_alone`` are people of the address book about whom nothing is
    pushed, with the reason."""

    users: Mapping[str, User]
    groups: Mapping[str, Group]
    left_alone: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Known:
    """What the appliance has of this address book, by key."""

    users: Mapping[str, KnownUser]
    groups: Mapping[str, KnownGroup]

    @property
    def active(self) -> int:
        """How many people are active."""
        return sum(each.user.active for each in self.users.values())


@dataclass(frozen=True, slots=True)
class Change:
    """A known user, how they are to be, and the names of what is different."""

    known: KnownUser
    user: User
    fields: tuple[str, ...]

    @property
    def leaves(self) -> bool:
        """Whether the user is not active any more."""
        return self.known.user.active and not self.user.active


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done: first creations, then changes, groups, and at last departures. ``missing`` are the
    departures of people whom the address book no longer has at all; the others are disabled there. ``groups``
    are those that are to be, ``ended_groups`` those that are not configured any more."""

    creations: tuple[User, ...]
    changes: tuple[Change, ...]
    departures: tuple[Change, ...]
    missing: tuple[str, ...]
    groups: tuple[Group, ...]
    ended_groups: tuple[KnownGroup, ...]
    left_alone: Mapping[str, str]


def wanted_of(book: AddressBook, rules: Rules) -> Wanted:
    """What *book* says, by *rules*. Raises AddressBookError for a group that it does not have."""
    users, left_alone = {}, {}
    for member in book.members.values():
        user = _user(member, book, rules)
        users[user.key] = user
        if user.active and not user.mail:
            left_alone[user.key] = "has no mail address (see people.mail)"
    left_alone |= _clashes([user for user in users.values() if user.active])
    return Wanted(users, _groups(book, rules), left_alone)


def plan(wanted: Wanted, known: Known) -> Plan:
    """What to do so that the appliance has what is *wanted*, where it has what is *known*."""
    creations = [user for key, user in wanted.users.items() if _is_new(key, user, wanted, known)]
    there = known.users.keys() | {user.key for user in creations}
    changes: list[Change] = []
    departures: list[Change] = []
    for key in sorted((wanted.users.keys() & known.users.keys()) - wanted.left_alone.keys()):
        change = _change(known.users[key], wanted.users[key], there)
        if change.fields:
            (departures if change.leaves else changes).append(change)
    missing = [key for key, there in known.users.items() if key not in wanted.users and there.user.active]
    departures += [
        Change(known.users[key], replace(known.users[key].user, active=False), ("active",)) for key in missing
    ]
    return Plan(
        tuple(creations),
        tuple(changes),
        tuple(departures),
        tuple(missing),
        tuple(wanted.groups.values()),
        tuple(each for key, each in known.groups.items() if key not in wanted.groups),
        wanted.left_alone,
    )


def brake(plan: Plan, known: Known, limits: Brake, allowed: int) -> None:
    """Raises :class:`RemovalsError` if more people would leave than may: by *limits*, or *allowed* by somebody
    who has looked at them."""
    leaving = len(plan.departures)
    few = leaving <= 2 or (leaving <= limits.most and leaving * 100 <= limits.percent * known.active)
    if not few and leaving > allowed:
        raise RemovalsError(
            f"{leaving} of {known.active} people would leave at once: nothing was pushed. See who with --dry-run;"
            f" if it is right, run again with --allow-removals {leaving}."
        )


def _is_new(key: str, user: User, wanted: Wanted, known: Known) -> bool:
    return user.active and key not in known.users and key not in wanted.left_alone


def _change(there: KnownUser, user: User, keys: Set[str]) -> Change:
    """Of somebody who is gone, nothing else matters; a manager who has no account is none."""
    if not user.active:
        user = replace(there.user, active=False)
    elif user.manager not in keys:
        user = replace(user, manager="")
    return Change(there, user, user.differs_from(there.user))


def _user(member: Member, book: AddressBook, rules: Rules) -> User:
    mail = next((found for each in rules.mail if (found := _mail(member, each))), "")
    inside = [each for each in member.departments if each in book.departments]
    path = book.path(inside[0]) if inside else ("",)
    manager = book.members.get(member.manager)
    return User(
        f"{book.source}:{member.userid}",
        mail if rules.login == MAIL else rules.login.replace(USERID, member.userid),
        member.name,
        mail,
        "/".join(path) if rules.whole_path else path[-1],
        f"{book.source}:{manager.userid}" if manager and manager.enabled and manager != member else "",
        member.enabled,
    )


def _mail(member: Member, rule: str) -> str:
    found = rule.replace(USERID, member.userid) if USERID in rule else member.mails.get(rule, "")
    return found if found.count("@") == 1 and not found.startswith("@") and not found.endswith("@") else ""


def _clashes(users: list[User]) -> dict[str, str]:
    """People who have the login or the address of somebody else: the appliance would take one for the other."""
    found: dict[str, str] = {}
    for name, values in (
        ("login", {user.key: user.login.casefold() for user in users}),
        ("mail address", {user.key: user.mail.casefold() for user in users}),
    ):
        many = Counter(value for value in values.values() if value)
        found |= {key: f"has the {name} of somebody else" for key, value in values.items() if many[value] > 1}
    return found


def _groups(book: AddressBook, rules: Rules) -> dict[str, Group]:
    def keys(people: Iterable[str]) -> frozenset[str]:
        there = (book.members.get(each) for each in people)
        return frozenset(f"{book.source}:{each.userid}" for each in there if each and each.enabled)

    found = [
        Group(f"{book.source}:label:{name}", name, keys(book.labels[name])) for name in dict.fromkeys(rules.labels)
    ]
    for name in dict.fromkeys(rules.departments):
        department = book.department_called(name)
        found.append(Group(f"{book.source}:department:{department}", name, keys(book.people_of(department))))
    return {group.key: group for group in found}
