"""What OpenLDAP's and Active Directory's entries mean. No I/O; values may be anything."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from appliance.config import DirectoryKind
from appliance.directory_service.ldap_connection import Entry
from appliance.directory_service.messages import LONGEST_VALUE

Values = Mapping[str, list[bytes]]

_LOCKED_FOREVER = "000001010000Z"
"""pwdAccountLockedTime of an account that an administrator has locked (draft-behera-ldap-password-policy, 5.3.3).
Any other time there is the end of too many tries, which passes."""
_ACCOUNT_DISABLED = 0x2
"""ADS_UF_ACCOUNTDISABLE of userAccountControl (MS-ADTS, 2.2.16)."""
_NEVER = (0, 0x7FFF_FFFF_FFFF_FFFF)
"""accountExpires of accounts that do not expire (MS-ADTS, 2.2.16 and attribute accountExpires)."""
_FIRST_FILETIME = datetime(1601, 1, 1, tzinfo=UTC)
_TICKS = 10_000_000
"""Of a FILETIME, in a second."""
_RID = 4
"""Octets of the last part of a SID (MS-DTYP, 2.4.2.2), little-endian: the object within its domain."""
_CONTROLS = frozenset(map(chr, (*range(32), *range(127, 160))))


class Reader:
    """Texts of entries. ``left_out`` counts, by attribute, the values that are no UTF-8, have control characters
    or are too long: they are as if they were not there."""

    def __init__(self) -> None:
        self.left_out: Counter[str] = Counter()

    def text(self, values: Values, *attributes: str) -> str:
        """The first text that there is of the first of *attributes* that has one; empty for none."""
        return next((text for name in attributes for text in self.texts(values, name)), "")

    def texts(self, values: Values, attribute: str) -> list[str]:
        """All of them."""
        return [text for each in values.get(attribute, ()) if (text := self._text(attribute, each))]

    def _text(self, attribute: str, value: bytes) -> str:
        try:
            text = value.decode().strip(" ")
        except UnicodeDecodeError:
            text = None
        if text is None or len(text) > LONGEST_VALUE or not _CONTROLS.isdisjoint(text):
            self.left_out[attribute] += 1
            return ""
        return text


@dataclass(frozen=True, slots=True)
class Schema:
    """A kind of directory: the names of attributes in small letters, those of people in order of preference."""

    filter: str
    """Finds people, where the settings have none."""
    key: str
    login: tuple[str, ...]
    name: tuple[str, ...]
    email: tuple[str, ...]
    department: tuple[str, ...]
    states: tuple[str, ...]
    """What ``is_enabled`` goes by."""
    memberships: tuple[str, ...]
    """What people and groups say of their own groups."""
    group_filter: str
    members: tuple[str, ...]
    """What groups say of their members."""
    key_of: Callable[[bytes], str]
    is_enabled: Callable[[Values, datetime], bool]

    @property
    def of_people(self) -> tuple[str, ...]:
        """The attributes that are asked for."""
        texts = (*self.login, *self.name, *self.email, *self.department)
        return (self.key, *dict.fromkeys(texts), "manager", *self.states, *self.memberships)

    @property
    def of_groups(self) -> tuple[str, ...]:
        """The attributes that are asked for."""
        return ("cn", *self.members, *self.memberships)

    def key_in(self, entry: Entry) -> str:
        """The key of *entry*; empty where it has none that can be read."""
        values = entry.values.get(self.key, [])
        return self.key_of(values[0]) if len(values) == 1 else ""


def _entry_uuid(value: bytes) -> str:
    try:
        return str(uuid.UUID(value.decode("ascii")))
    except ValueError:
        return ""


def _object_guid(value: bytes) -> str:
    return str(uuid.UUID(bytes_le=value)) if len(value) == 16 else ""


def _number(values: Values, attribute: str) -> int:
    """The number there; 0 for none."""
    found = values.get(attribute, [b"0"])[0]
    return int(found) if found.removeprefix(b"-").isdigit() and len(found) <= 20 else 0


def _is_enabled_openldap(values: Values, now: datetime) -> bool:
    if values.get("pwdaccountlockedtime", [b""])[0] == _LOCKED_FOREVER.encode():
        return False
    if values.get("nsaccountlock", [b""])[0].lower() == b"true":
        return False
    expires = _number(values, "shadowexpire")  # days since 1970 (shadow(5)), which advises against 0; -1 is never
    return expires <= 0 or now.timestamp() < expires * 86_400


def _is_enabled_active_directory(values: Values, now: datetime) -> bool:
    if _number(values, "useraccountcontrol") & _ACCOUNT_DISABLED:
        return False
    expires = _number(values, "accountexpires")
    return expires in _NEVER or (now - _FIRST_FILETIME).total_seconds() * _TICKS < expires


OPENLDAP = Schema(
    filter="(objectClass=inetOrgPerson)",
    key="entryuuid",
    login=("uid",),
    name=("displayname", "cn"),
    email=("mail",),
    department=("departmentnumber", "ou"),
    states=("pwdaccountlockedtime", "nsaccountlock", "shadowexpire"),
    memberships=(),
    group_filter=(
        "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfMembers)"
        "(objectClass=posixGroup))"
    ),
    members=("member", "uniquemember", "memberuid"),
    key_of=_entry_uuid,
    is_enabled=_is_enabled_openldap,
)
ACTIVE_DIRECTORY = Schema(
    filter="(&(objectCategory=person)(objectClass=user))",
    key="objectguid",
    login=("samaccountname", "userprincipalname"),
    name=("displayname", "cn"),
    email=("mail",),
    department=("department",),
    states=("useraccountcontrol", "accountexpires"),
    memberships=("memberof", "objectsid", "primarygroupid"),
    group_filter="(objectCategory=group)",
    members=(),
    key_of=_object_guid,
    is_enabled=_is_enabled_active_directory,
)
SCHEMAS = {DirectoryKind.OPENLDAP: OPENLDAP, DirectoryKind.ACTIVE_DIRECTORY: ACTIVE_DIRECTORY}


def primary_group(values: Values) -> bytes | None:
    """The SID of a user's primary group, which memberOf leaves out (MS-ADTS, 3.1.1.4.5.18): that of the user's
    domain with the number in primaryGroupID."""
    number, own = _number(values, "primarygroupid"), values.get("objectsid", [b""])[0]
    if not 0 < number < 1 << 32 or len(own) <= _RID:
        return None
    return own[:-_RID] + number.to_bytes(_RID, "little")
