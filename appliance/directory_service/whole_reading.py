"""A reading of the LDAP directory: everybody, whole, or nothing; and who is in which groups, those of nested
groups too."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from appliance.config import DirectoryKind, LdapSettings
from appliance.directory_service import reaching
from appliance.directory_service.ldap_connection import Directory, Entry
from appliance.directory_service.messages import (
    BATCH,
    LONGEST_VALUE,
    MOST_USERS,
    DirectoryFault,
    FrameKind,
    RequestFailed,
)
from appliance.directory_service.request import Request
from appliance.directory_service.schemas import SCHEMAS, Reader, Schema, Values, primary_group
from appliance.model.directories import group_key

_ELSEWHERE = ("DC=DomainDnsZones,", "DC=ForestDnsZones,", "CN=Configuration,")
"""Where Active Directory's continuations at the root of a domain lead (MS-ADTS, 3.1.1.1.9): nobody is there."""


@dataclass(slots=True)
class DirectoryReading:
    """What was read: ``users`` as USERS frames have them, ``groups`` as GROUPS frames do. ``keyless`` people have
    no key; ``left_out`` as :class:`Reader` counts; ``shared`` as :class:`Groups` does; ``references`` were not
    followed."""

    users: list[dict[str, Any]]
    groups: list[list[str]]
    keyless: int
    shared: int
    left_out: Counter[str] = field(default_factory=Counter)
    references: list[str] = field(default_factory=list)


def user_frames(request: Request) -> Iterator[dict[str, Any]]:
    """The frames of an answer. Raises RequestFailed before the first one, for whatever is not whole."""
    settings = required(request)
    trust = reaching.trusted_by(request)
    server = reaching.Server.of(settings)
    reaching.probe(server, request, trust)
    with closing(Directory.secured(server, request, trust)) as directory:
        directory.bind()
        reading = read(directory, settings)
    require_believable(reading, settings)
    yield from _in_batches(FrameKind.GROUPS, reading.groups)
    yield from _in_batches(FrameKind.USERS, reading.users)
    yield {FrameKind.COMPLETE.value: len(reading.users)}


def required(request: Request) -> LdapSettings:
    """The settings of the directory. Raises RequestFailed where there is none."""
    if not request.settings.ldap.configured:
        raise RequestFailed(DirectoryFault.UNSET, "the setting ldap.url is empty")
    return request.settings.ldap


def read(directory: Directory, settings: LdapSettings) -> DirectoryReading:
    """Everybody below ``ldap.people``, with their groups below ``ldap.groups``. Raises RequestFailed."""
    schema, reader = SCHEMAS[settings.kind], Reader()
    place_of = _places(directory.ldap)
    people = list(directory.below(settings.people, people_filter(settings), schema.of_people))
    found = (
        list(directory.below(settings.groups, schema.group_filter, schema.of_groups)) if settings.groups else []
    )
    groups = Groups(found, reader, place_of)
    users = _users(people, schema, reader, groups, place_of)
    keyless = sum(1 for each in users if not each["key"])
    return DirectoryReading(users, groups.names, keyless, groups.shared, reader.left_out, directory.references)


def people_filter(settings: LdapSettings) -> str:
    """The filter that finds people."""
    return settings.filter or SCHEMAS[settings.kind].filter


def require_believable(reading: DirectoryReading, settings: LdapSettings) -> None:
    """Raises RequestFailed for a reading by which nobody should go."""
    if not reading.users:
        raise RequestFailed(DirectoryFault.UNBELIEVABLE, f"nobody is found below {settings.people}")
    if reading.keyless:
        attribute = SCHEMAS[settings.kind].key
        why = f"the reading account sees no {attribute} of {reading.keyless} out of {len(reading.users)} people"
        raise RequestFailed(DirectoryFault.UNBELIEVABLE, why)
    if len(reading.users) > MOST_USERS:
        raise RequestFailed(DirectoryFault.INCOMPLETE, f"there are more than {MOST_USERS} people")
    if leading := missing_parts(reading.references, settings.kind):
        why = f"part of it is on other servers, where nothing is asked: {leading[0]}"
        raise RequestFailed(DirectoryFault.INCOMPLETE, why)


def missing_parts(references: Iterable[str], kind: DirectoryKind) -> list[str]:
    """Those of *references* behind which people may be."""
    if kind is not DirectoryKind.ACTIVE_DIRECTORY:
        return list(references)
    return [each for each in references if not each.partition("//")[2].partition("/")[2].startswith(_ELSEWHERE)]


def _users(
    people: Sequence[Entry], schema: Schema, reader: Reader, groups: Groups, place_of: Callable[[str], Place]
) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    keys = {place_of(each.name): schema.key_in(each) for each in people}
    logins = [reader.texts(each.values, schema.login[0]) for each in people]
    # posixGroup names people by login: of two with the same one, neither is meant for certain.
    count = Counter(login.casefold() for each in logins for login in each)
    return [
        {
            "key": schema.key_in(each),
            "login": reader.text(each.values, *schema.login),
            "name": reader.text(each.values, *schema.name),
            "email": reader.text(each.values, *schema.email),
            "department": reader.text(each.values, *schema.department),
            "manager": keys.get(place_of(reader.text(each.values, "manager")), ""),
            "enabled": schema.is_enabled(each.values, now),
            "groups": groups.of_person(each, [login for login in own if count[login.casefold()] == 1]),
        }
        for each, own in zip(people, logins, strict=True)
    ]


def _places(ldap: Any) -> Callable[[str], Place]:
    """What tells whether two distinguished names (RFC 4514) are the same: by the names of attributes and their
    values, neither case nor the number of blanks counting (RFC 4518, as for most attributes)."""
    known: dict[str, Place] = {}

    def place_of(name: str) -> Place:
        if name not in known:
            try:
                parts = ldap.dn.str2dn(name)
            except ldap.LDAPError:
                known[name] = name
            else:
                known[name] = tuple(
                    tuple(sorted((kind.lower(), " ".join(value.casefold().split())) for kind, value, _ in part))
                    for part in parts
                )
        return known[name]

    return place_of


def _in_batches(kind: FrameKind, rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(rows), BATCH):
        yield {kind.value: rows[start : start + BATCH]}


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
