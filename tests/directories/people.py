"""An organisation of any size, evidently invented, as LDIF for slapd or for Samba; tests and benchmarks use it."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

SUFFIX = "dc=enterprise,dc=example"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
DEPARTMENTS = ("法务部", "财务部", "采购部", "销售部", "人力资源部", "Engineering", "信息技术部", "行政部")
_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = ("伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明")


@dataclass(frozen=True, slots=True)
class Person:
    """The ``number``-th person: the key, the login, the name and the place follow from it."""

    number: int

    @property
    def key(self) -> str:
        return str(uuid.UUID(int=self.number + (1 << 96)))

    @property
    def login(self) -> str:
        return f"user{self.number:06}"

    @property
    def name(self) -> str:
        return _FAMILY[self.number % 16] + _GIVEN[self.number // 16 % 16] + _GIVEN[self.number // 256 % 16]

    @property
    def email(self) -> str:
        return f"{self.login}@enterprise.example"

    @property
    def department(self) -> str:
        return DEPARTMENTS[self.number % len(DEPARTMENTS)]

    @property
    def dn(self) -> str:
        return f"uid={self.login},{PEOPLE}"

    @property
    def manager(self) -> Person | None:
        """Everybody's but the first one's: the first of their hundred, of these, of all."""
        above = self.number // 100 * 100
        return None if not self.number else Person(above if above != self.number else 0)


def organisation(count: int) -> Iterator[str]:
    """LDIF records of *count* people for slapadd, with a group for each department, and one of everybody in which
    the departments' groups are."""
    people = [Person(number) for number in range(count)]
    for person in people:
        yield entry(person.dn, openldap_attributes(person), key=person.key)
    for number, department in enumerate(DEPARTMENTS):
        members = [each.dn for each in people if each.department == department] or [people[0].dn]
        yield entry(f"cn=department{number},{GROUPS}", {"objectClass": "groupOfNames", "member": members})
    departments = [f"cn=department{number},{GROUPS}" for number in range(len(DEPARTMENTS))]
    yield entry(f"cn=everybody,{GROUPS}", {"objectClass": "groupOfNames", "member": departments})


def openldap_attributes(person: Person) -> dict[str, str | list[str]]:
    """What an inetOrgPerson has."""
    found: dict[str, str | list[str]] = {
        "objectClass": "inetOrgPerson",
        "uid": person.login,
        "cn": person.name,
        "sn": person.name[0],
        "displayName": person.name,
        "mail": person.email,
        "departmentNumber": person.department,
    }
    return found | ({"manager": person.manager.dn} if person.manager else {})


def entry(dn: str, attributes: Mapping[str, str | bytes | Iterable[str | bytes]], key: str = "") -> str:
    """One record (RFC 2849), with *key* as its entryUUID."""
    lines = [_line("dn", dn)]
    for name, values in attributes.items():
        lines += [_line(name, each) for each in ([values] if isinstance(values, str | bytes) else values)]
    if key:
        lines.append(_line("entryUUID", key))
    return "\n".join(lines) + "\n"


def _line(name: str, value: str | bytes) -> str:
    data = value if isinstance(value, bytes) else value.encode()
    return f"{name}:: {base64.b64encode(data).decode()}"
