"""What a program has pushed by SCIM (RFC 7643): users and groups as it sent them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ResourceKind(StrEnum):
    """What a resource is, by the name of its type (RFC 7643, 6)."""

    USER = "User"
    GROUP = "Group"


@dataclass(frozen=True, slots=True)
class ScimResource:
    """A user or a group.

    ``id`` (32 hex digits) is ours. ``content`` is what was sent, by the names of RFC 7643, without what is ours
    (``id``, ``meta``), what follows from others (``groups`` of a user, ``members`` of a group) and what is never
    kept (``password``). ``version`` counts changes from 1; ``number`` is the order in which resources were made.
    """

    number: int
    id: str
    content: Mapping[str, Any]
    version: int
    made: datetime
    changed: datetime


@dataclass(frozen=True, slots=True)
class MemberOf:
    """A group that a user is in; *direct* unless it is by another group."""

    group: str
    name: str
    direct: bool


@dataclass(frozen=True, slots=True)
class ScimMember:
    """A member of a group: the ``id`` of a user, or of a group."""

    id: str
    kind: ResourceKind


@dataclass(frozen=True, slots=True)
class MemberChange:
    """What becomes of the members of a group: all go first where it ``clears``; then ``removed`` go, and ``added``
    come. Ids."""

    clears: bool = False
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What resources have to have to be looked at at all, by what is indexed; None for anything. ``name`` is the
    login of a user, or the name of a group, as names are compared; ``member`` the id of a member of a group."""

    id: str | None = None
    name: str | None = None
    external_id: str | None = None
    member: str | None = None
