"""An address book as it was read, whichever server it came from. No I/O.

Ids are those of the server: ``userid`` of a member, a number for a department.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from directory_adapters.errors import AddressBookError


@dataclass(frozen=True, slots=True)
class Department:
    """A department below ``parent``; the root is its own parent."""

    id: int
    name: str
    parent: int


@dataclass(frozen=True, slots=True)
class Member:
    """A person. ``mails`` are the addresses that the server has, by the names of its fields; those that it hides
    are missing. ``departments`` has the main one first. ``manager`` is a userid, empty for none. ``enabled``:
    whether they work here; whoever has not yet opened the app does, too."""

    userid: str
    name: str
    mails: Mapping[str, str]
    departments: tuple[int, ...]
    manager: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class AddressBook:
    """Everybody below the department ``root``. ``labels`` are groups of people beside the departments (标签 of
    企业微信, 角色 of 钉钉), as userids by name: those that were asked for."""

    source: str
    root: int
    departments: Mapping[int, Department]
    members: Mapping[str, Member]
    labels: Mapping[str, frozenset[str]]

    def __post_init__(self) -> None:
        """Raises :class:`AddressBookError` for what is not a whole address book."""
        if self.root not in self.departments:
            raise AddressBookError(
                f"The application does not see the whole company: department {self.root} is not among those that"
                " it may read. Make the whole company its visible range, or set root to the one to start from."
            )
        for department in self.departments.values():
            if department.id != self.root and department.parent not in self.departments:
                raise AddressBookError(
                    f"Department {department.id} is below {department.parent}, which was not read: the address"
                    " book is incomplete."
                )
        if not any(member.enabled for member in self.members.values()):
            raise AddressBookError("The address book has nobody in it.")

    def with_members(self, found: Mapping[str, Member]) -> AddressBook:
        """The same with some more people."""
        return replace(self, members={**self.members, **found})

    def path(self, department: int) -> tuple[str, ...]:
        """The names from below the root down to *department*; that of the root itself for the root."""
        names = tuple(self.departments[each].name for each in self.up(department) if each != self.root)
        return names[::-1] or (self.departments[self.root].name,)

    def up(self, department: int) -> Iterator[int]:
        """*department* and those that it is in, to the root. Raises :class:`AddressBookError` for a circle."""
        for _ in self.departments:
            yield department
            if department == self.root:
                return
            department = self.departments[department].parent
        raise AddressBookError(f"Department {department} is below itself: the address book is wrong.")

    def department_called(self, name: str) -> int:
        """The one department with this name, or with this path (``总部/法务部``). Raises
        :class:`AddressBookError` when there is none, or more than one."""
        found = [
            each for each in self.departments if name in (self.departments[each].name, "/".join(self.path(each)))
        ]
        if len(found) != 1:
            many = "more than one department is" if found else "no department is"
            raise AddressBookError(f"groups.departments: {many} called {name}; use its path, like 总部/法务部.")
        return found[0]

    def people_of(self, department: int) -> frozenset[str]:
        """Who is in *department* or in one below it."""
        below = {each for each in self.departments if department in self.up(each)}
        return frozenset(key for key, member in self.members.items() if not below.isdisjoint(member.departments))


class Reader(Protocol):
    """Reads one address book."""

    def read(self) -> AddressBook:
        """All of it. Raises an :class:`AdapterError` for anything that is not a whole, believable reading."""

    def look_up(self, userid: str) -> Member | None:
        """One person, None when the server says that there is no such person. Raises as :meth:`read`."""
