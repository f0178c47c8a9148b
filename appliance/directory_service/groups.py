"""Who is in which groups, those of nested groups too. No I/O."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from appliance.directory_service.ldap_connection import Entry
from appliance.directory_service.messages import LONGEST_VALUE
from appliance.directory_service.schemas import Reader, Values, primary_group
from appliance.model.directories import group_key

Place = Hashable
"""A distinguished name by which two spellings of the same one are equal."""


class Groups:
    """The groups below one place. ``names`` are those of each: its common name, where no other has the same
    one and it cannot be taken for a distinguished name, and its distinguished name; ``shared`` counts those whose
    common name another one has."""

    def __init__(self, entries: Sequence[Entry], reader: Reader, place_of: Callable[[str], Place]) -> None:
        known = [each for each in entries if len(each.name) <= LONGEST_VALUE]
        reader.left_out["dn"] += len(entries) - len(known)
        self._reader = reader
        self._place_of = place_of
        self._numbers = {place_of(each.name): number for number, each in enumerate(known)}
        self._by_sid = {
            sid: number for number, each in enumerate(known) for sid in each.values.get("objectsid", ())
        }
        self._of_members: dict[Place, set[int]] = defaultdict(set)
        self._of_logins: dict[str, set[int]] = defaultdict(set)
        common = [reader.text(each.values, "cn") for each in known]
        count = Counter(map(group_key, common))
        self.names = [
            [name, each.name] if name and "=" not in name and count[group_key(name)] == 1 else [each.name]
            for name, each in zip(common, known, strict=True)
        ]
        self.shared = sum(1 for name in common if name and count[group_key(name)] > 1)
        for number, each in enumerate(known):
            self._note_members(number, each.values)
        self._above = [self._direct(each) for each in known]
        self._all: dict[int, frozenset[int]] = {}

    def _note_members(self, number: int, values: Values) -> None:
        for attribute in ("member", "uniquemember"):
            for name in self._reader.texts(values, attribute):
                self._of_members[self._place_of(_without_bits(name))].add(number)
        for login in self._reader.texts(values, "memberuid"):
            self._of_logins[login.casefold()].add(number)

    def of_person(self, entry: Entry, logins: Iterable[str]) -> list[int]:
        """The numbers of all groups of a person whom posixGroup calls one of *logins*, in order."""
        direct = set(self._direct(entry))
        for login in logins:
            direct |= self._of_logins.get(login.casefold(), set())
        return sorted(set[int]().union(*(self._with_above(each) for each in direct)))

    def _direct(self, entry: Entry) -> set[int]:
        found = set(self._of_members.get(self._place_of(entry.name), ()))
        for name in self._reader.texts(entry.values, "memberof"):
            number = self._numbers.get(self._place_of(name))
            if number is not None:
                found.add(number)
        primary = self._by_sid.get(primary_group(entry.values) or b"")
        return found if primary is None else found | {primary}

    def _with_above(self, number: int) -> frozenset[int]:
        """The group and all that it is in, by whatever way; a cycle is walked through once."""
        if number not in self._all:
            found, left = {number}, [number]
            while left:
                fresh = self._above[left.pop()] - found
                found |= fresh
                left += fresh
            self._all[number] = frozenset(found)
        return self._all[number]


def _without_bits(name: str) -> str:
    """The name in a value of Name And Optional UID (RFC 4517, 3.3.21): ``dn#'0101'B``."""
    before, hash_sign, bits = name.rpartition("#'")
    return before if hash_sign and bits.endswith("'B") else name
