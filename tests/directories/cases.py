"""People and groups of slapd, each for one thing that directories have."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.directories.people import SUFFIX, entry

PLACE = f"ou=cases,{SUFFIX}"
GROUPS = f"ou=groups,{PLACE}"
PARTLY = f"ou=partly,{SUFFIX}"
"""Where a referral is beside a person."""
EMPTY = f"ou=empty,{SUFFIX}"
MOVING = f"ou=moving,{SUFFIX}"
"""Where somebody gets another name."""
LONGEST_NAME = "阿" * 80


def key(number: int) -> str:
    """The key of the person *number* of the cases."""
    return f"0f000000-0000-4000-8000-{number:012x}"


def dn(login: str) -> str:
    """The place of the person *login*."""
    return f"uid={login},{PLACE}"


def records() -> Iterator[str]:
    """LDIF records for slapadd."""
    for place in (PLACE, GROUPS, PARTLY, EMPTY, MOVING):
        name = place.split(",")[0].partition("=")[2]
        yield entry(place, {"objectClass": "organizationalUnit", "ou": name})
    yield from _people()
    yield from _groups()
    yield entry(f"uid=before,{MOVING}", _person("before", "Before"), key(98))
    url = f"ldap://elsewhere.enterprise.example/ou=more,{PARTLY}"
    yield entry(f"ou=more,{PARTLY}", {"objectClass": ["referral", "extensibleObject"], "ou": "more", "ref": url})
    yield entry(f"uid=partly,{PARTLY}", _person("partly", "Part Ly"), key(99))


def _person(login: str, name: str, **more: str | bytes | list[str]) -> dict[str, str | bytes | list[str]]:
    return {"objectClass": ["inetOrgPerson"], "uid": login, "cn": name, "sn": name[:1], **more}


def _people() -> Iterator[str]:
    yield entry(dn("wang1"), _person("wang1", "王芳", mail="wang1@enterprise.example", ou="法务部"), key(1))
    manager = dn("WANG1").replace(",", " , ")  # the same place, spelt in another way
    yield entry(dn("wang2"), _person("wang2", "王芳", mail="wang2@enterprise.example", manager=manager), key(2))
    yield entry(dn("bare"), _person("bare", "Bare Example"), key(3))
    yield entry(dn("long"), _person("long", "L", displayName=LONGEST_NAME, mail="long@enterprise.example"), key(4))
    yield entry(dn("broken"), _person("broken", "Broken Example", mail="x" * 1200 + "@enterprise.example"), key(5))
    yield entry(dn("locked"), _person("locked", "Locked") | {"pwdAccountLockedTime": "000001010000Z"}, key(6))
    yield entry(dn("tried"), _person("tried", "Tried") | {"pwdAccountLockedTime": "20200101000000Z"}, key(7))
    for number, (login, day) in enumerate({"over": "1", "later": str(int(time.time()) // 86400 + 30)}.items(), 8):
        shadow = _person(login, login, shadowExpire=day)
        yield entry(dn(login), shadow | {"objectClass": ["inetOrgPerson", "shadowAccount"]}, key(number))
    yield entry(dn("manager-gone"), _person("manager-gone", "Alone", manager=dn("nobody")), key(10))


def _groups() -> Iterator[str]:
    def group(name: str, *members: str, place: str = GROUPS) -> str:
        return entry(f"cn={name},{place}", {"objectClass": "groupOfNames", "cn": name, "member": list(members)})

    yield group("inner", dn("wang1"))
    yield group("middle", f"cn=inner,{GROUPS}")
    yield group("outer", f"CN=middle, {GROUPS}")
    yield group("circle", f"cn=outer,{GROUPS}", f"cn=round,{GROUPS}")
    yield group("round", f"cn=circle,{GROUPS}")
    yield entry(f"ou=branch,{GROUPS}", {"objectClass": "organizationalUnit", "ou": "branch"})
    yield group("twin", dn("bare"))
    yield group("Twin", dn("wang2"), place=f"ou=branch,{GROUPS}")
    yield group("trusted", dn("wang2"))
    yield group("trusted\u00a0", dn("long"), place=f"ou=branch,{GROUPS}")
    imitated = f"cn=trusted,{GROUPS}"
    escaped = imitated.replace(",", "\\,").replace("=", "\\3d")
    imitation = {"objectClass": "groupOfNames", "cn": imitated, "member": dn("long")}
    yield entry(f"cn={escaped},ou=branch,{GROUPS}", imitation)
    unique = {"objectClass": "groupOfUniqueNames", "cn": "unique", "uniqueMember": f"{dn('wang2')}#'0101'B"}
    yield entry(f"cn=unique,{GROUPS}", unique)
    posix = {"objectClass": "posixGroup", "cn": "posix", "gidNumber": "1000", "memberUid": ["wang2", "nobody"]}
    yield entry(f"cn=posix,{GROUPS}", posix)
