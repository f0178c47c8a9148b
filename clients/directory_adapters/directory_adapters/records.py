"""Users and groups as the appliance is to have them, and as it has them. No I/O.

Whoever comes from an address book has an ``externalId`` (RFC 7643, 3.1) that begins with its source, like
``wecom:zhangsan``. An adapter touches no other resources.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@dataclass(frozen=True, slots=True)
class User:
    """A user. ``key`` is the externalId, ``manager`` that of another user; empty for none."""

    key: str
    login: str
    name: str
    mail: str
    department: str = ""
    manager: str = ""
    active: bool = True

    def differs_from(self, other: User) -> tuple[str, ...]:
        """The names of what is different. Logins and addresses are the same whatever the size of their letters."""
        pairs = {
            "login": (self.login.casefold(), other.login.casefold()),
            "name": (self.name, other.name),
            "mail": (self.mail.casefold(), other.mail.casefold()),
            "department": (self.department, other.department),
            "manager": (self.manager, other.manager),
            "active": (self.active, other.active),
        }
        return tuple(name for name, (here, there) in pairs.items() if here != there)


@dataclass(frozen=True, slots=True)
class Group:
    """A group; ``members`` are keys of users."""

    key: str
    name: str
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A user that the appliance has, under the ``id`` that it gave; ``version`` is its entity tag, empty for
    none."""

    id: str
    version: str
    user: User


@dataclass(frozen=True, slots=True)
class KnownGroup:
    """A group that the appliance has; ``members`` are ids of users."""

    id: str
    key: str
    name: str
    members: frozenset[str]


def resource_of(user: User, manager: str) -> dict[str, Any]:
    """*user* as a resource (RFC 7643, 4.1 and 4.3); *manager* is the id that the appliance gave, empty for
    none."""
    extension: dict[str, Any] = {"department": user.department} if user.department else {}
    if manager:
        extension["manager"] = {"value": manager}
    resource: dict[str, Any] = {
        "schemas": [USER],
        "externalId": user.key,
        "userName": user.login,
        "displayName": user.name,
        "name": {"formatted": user.name},
        "emails": [{"value": user.mail, "type": "work", "primary": True}],
        "active": user.active,
    }
    return {**resource, "schemas": [USER, ENTERPRISE], ENTERPRISE: extension} if extension else resource
