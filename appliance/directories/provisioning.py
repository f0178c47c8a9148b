"""Users and groups that a program pushes by SCIM (RFC 7643, RFC 7644), and the accounts that follow them.

1. A resource is kept as it was sent; its uniqueness and its version are looked after here.
2. In the same transaction the account of a user follows what is now said of them, with the names of all groups
   that they are in.
3. Where a group changes, its users are noted as not followed yet. Some hundred of them follow in the same
   transaction, the others in further ones before the answer is given. What an end of the process leaves over
   follows with the next change, or with :meth:`Provisioning.catch_up`, which the scheduler calls.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import uuid4

from appliance.errors import NotFound, PreconditionRefused
from appliance.model.directories import DirectorySource, DirectoryUser
from appliance.model.provisioning import MemberChange, MemberOf, Narrowing, ResourceKind, ScimMember, ScimResource
from appliance.store import scim
from appliance.store.database import Database, Transaction

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
"""The extension with department and manager (RFC 7643, 4.3)."""

LARGEST: Final = 32 * 1024
"""Bytes of one resource, without the members of a group."""

LONGEST_NAME: Final = 200
"""Characters of a userName, and of a group's name."""

TOGETHER: Final = 200
"""Accounts that follow in one transaction: other writers wait for it."""


class FollowingAccounts(Protocol):
    """The accounts that follow a directory."""

    def follow_within(self, tx: Transaction, source: DirectorySource, *users: DirectoryUser) -> object:
        """Their accounts follow what is said of *users* now. What is refused is kept as their problem."""

    def remove_within(self, tx: Transaction, source: DirectorySource, key: str) -> object:
        """The directory does not have the user any more."""

    def finish(self) -> None:
        """Does what has to come after transactions with these."""


@dataclass(frozen=True, slots=True)
class GroupMembers:
    """Which members of a group somebody wants to know of: all, those among ``only`` (ids), or none."""

    every: bool = True
    only: frozenset[str] = frozenset()


class Provisioning:
    """Thread-safe, and safe between processes."""

    def __init__(self, database: Database, now: Callable[[], datetime], accounts: FollowingAccounts) -> None:
        self._database = database
        self._now = now
        self._accounts = accounts

    def find(self, kind: ResourceKind, resource_id: str) -> ScimResource:
        """Raises :class:`NotFound`."""
        return self._database.query(_load, kind, resource_id)

    def page(self, kind: ResourceKind, *, skip: int, limit: int) -> tuple[int, list[ScimResource]]:
        """How many there are, and *limit* of them behind the first ones, in the order in which they were made."""
        with self._database.reading() as tx:
            return scim.count(tx, kind), scim.page(tx, kind, skip=skip, limit=limit) if limit else []

    def narrowed(self, kind: ResourceKind, by: Narrowing, *, chunk: int = 500) -> Iterator[ScimResource]:
        """Those that can fit, in that order."""
        after = 0
        while True:
            found = self._database.query(scim.narrowed, kind, by, after=after, limit=chunk)
            yield from found
            if len(found) < chunk:
                return
            after = found[-1].number

    def groups_of(self, user_id: str) -> list[MemberOf]:
        """The groups that a user is in, those of nested groups too."""
        return self._database.query(scim.groups_of, user_id)

    def members_of(self, group_id: str, wanted: GroupMembers) -> list[ScimMember]:
        with self._database.reading() as tx:
            if wanted.every:
                return scim.members_of(tx, group_id)
            found = scim.members_among(tx, group_id, wanted.only) if wanted.only else []
            return [ScimMember(each, ResourceKind.USER) for each in found]

    def count_members(self, group_id: str) -> int:
        """Of the group itself, without those of its members."""
        return self._database.query(scim.count_members, group_id)

    def create_user(self, content: Mapping[str, Any]) -> ScimResource:
        """A new user, and their account. Raises :class:`StateRefused` where another has the userName, and
        :class:`PreconditionRefused` for what is no resource that can be kept."""
        _require_room(content)
        user, login = self._made(content), _login(content)
        with self._database.transaction() as tx:
            scim.insert_user(tx, user, login=login)
            self._follow(tx, user)
        self._accounts.finish()
        return self.find(ResourceKind.USER, user.id)

    def change_user(self, user_id: str, content: Mapping[str, Any], *, version: int) -> ScimResource | None:
        """The user is like *content* from now on, which was made of this *version* of theirs; None, and nothing
        is done, where they have another one by now. Raises as :meth:`create_user`, and :class:`NotFound`."""
        _require_room(content)
        login = _login(content)
        with self._database.transaction() as tx:
            before = _load(tx, ResourceKind.USER, user_id)
            if before.version != version:
                return None
            user = self._changed(before, content)
            scim.save_user(tx, user, login=login)
            self._follow(tx, user)
        self._accounts.finish()
        return user

    def delete_user(self, user_id: str, *, version: int | None) -> bool:
        """The directory does not have the user any more; whether it had them in this *version* (None: in any).
        Raises :class:`NotFound`."""
        with self._database.transaction() as tx:
            before = _load(tx, ResourceKind.USER, user_id)
            if version not in (None, before.version):
                return False
            self._accounts.remove_within(tx, DirectorySource.SCIM, user_id)
            scim.delete(tx, ResourceKind.USER, user_id)
        self._accounts.finish()
        return True

    def create_group(self, content: Mapping[str, Any], members: frozenset[str]) -> ScimResource:
        """A new group with these *members*. Raises :class:`PreconditionRefused` for what cannot be kept, and for
        a member that is nobody."""
        _require_room(content)
        group, name = self._made(content), _group_name(content)
        with self._database.transaction() as tx:
            scim.insert_group(tx, group, name=name, compared=compared(name))
            self._change_members(tx, group.id, MemberChange(added=members))
            self._follow_some(tx)
        self.catch_up()
        return self.find(ResourceKind.GROUP, group.id)

    def change_group(
        self, group_id: str, content: Mapping[str, Any], change: MemberChange, *, version: int
    ) -> ScimResource | None:
        """The group is like *content* from now on, with this *change* of its members; None, and nothing is done,
        where it has another version by now. Raises as :meth:`create_group`, and :class:`NotFound`."""
        _require_room(content)
        name = _group_name(content)
        with self._database.transaction() as tx:
            before = _load(tx, ResourceKind.GROUP, group_id)
            if before.version != version:
                return None
            group = self._changed(before, content)
            moved = self._change_members(tx, group_id, change)
            if moved and group.version == before.version:
                group = replace(group, version=before.version + 1, changed=self._moment())
            scim.save_group(tx, group, name=name, compared=compared(name))
            if name != before.content.get("displayName"):
                scim.mark_unfollowed(tx, [group_id])
            self._follow_some(tx)
        self.catch_up()
        return group

    def delete_group(self, group_id: str, *, version: int | None) -> bool:
        """As :meth:`delete_user`: its members are in it no more."""
        with self._database.transaction() as tx:
            before = _load(tx, ResourceKind.GROUP, group_id)
            if version not in (None, before.version):
                return False
            scim.mark_unfollowed(tx, [group_id])
            scim.delete(tx, ResourceKind.GROUP, group_id)
            self._follow_some(tx)
        self.catch_up()
        return True

    def catch_up(self) -> None:
        """Has all accounts follow whose groups have changed, of processes that have ended too."""
        while self._database.query(scim.has_unfollowed):
            self._database.commit(self._follow_some)
        self._accounts.finish()

    def _made(self, content: Mapping[str, Any]) -> ScimResource:
        now = self._moment()
        return ScimResource(0, uuid4().hex, content, 1, now, now)

    def _moment(self) -> datetime:
        """Now, as exactly as it is kept: an answer says what the next reading says."""
        return self._now().replace(microsecond=0)

    def _changed(self, before: ScimResource, content: Mapping[str, Any]) -> ScimResource:
        if content == before.content:
            return before
        return replace(before, content=content, version=before.version + 1, changed=self._moment())

    def _change_members(self, tx: Transaction, group_id: str, change: MemberChange) -> bool:
        """Whether the group has other members now."""
        stranger = scim.unknown_among(tx, change.added)
        if stranger is not None:
            raise PreconditionRefused("No user and no group has the id {id}.", id=stranger[:100])
        if group_id in change.added:
            raise PreconditionRefused("A group is no member of itself.")
        moved = scim.change_members(tx, group_id, change)
        scim.mark_unfollowed(tx, moved)
        return bool(moved)

    def _follow_some(self, tx: Transaction) -> int:
        """How many followed."""
        users = scim.next_unfollowed(tx, TOGETHER)
        self._follow(tx, *users)
        return len(users)

    def _follow(self, tx: Transaction, *users: ScimResource) -> None:
        found = [directory_user(each, scim.groups_of(tx, each.id)) for each in users]
        self._accounts.follow_within(tx, DirectorySource.SCIM, *found)
        for each in users:
            scim.followed(tx, each.id)


def directory_user(user: ScimResource, groups: Sequence[MemberOf]) -> DirectoryUser:
    """What accounts follow of *user*, who is in these *groups*."""
    content = user.content
    enterprise = _object(content.get(ENTERPRISE))
    return DirectoryUser(
        key=user.id,
        login=_text(content, "userName"),
        name=name_of(content),
        email=email_of(content),
        department=_text(enterprise, "department"),
        manager=_text(_object(enterprise.get("manager")), "value"),
        enabled=content.get("active") is not False,
        groups=frozenset(each.name for each in groups),
    )


def name_of(content: Mapping[str, Any]) -> str:
    """A user's name: the displayName, else name.formatted, else its parts, in Chinese the family name first. Empty
    where nothing says it."""
    name = _object(content.get("name"))
    family, given = _text(name, "familyName"), _text(name, "givenName")
    parts = f"{family}{given}" if _is_chinese(family + given) else f"{given} {family}".strip()
    return _text(content, "displayName") or _text(name, "formatted") or parts


def email_of(content: Mapping[str, Any]) -> str:
    """A user's mail address: the primary one, else the first of the type work, else the first. Empty without."""
    listed = content.get("emails")
    found = [each for each in listed if _text(each, "value")] if isinstance(listed, list) else []
    found.sort(key=lambda each: (each.get("primary") is not True, each.get("type") != "work"))
    return _text(found[0], "value") if found else ""


def compared(name: str) -> str:
    """*name* in the form in which names are compared: without regard to case, however its characters are
    composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())


def _load(tx: Transaction, kind: ResourceKind, resource_id: str) -> ScimResource:
    found = scim.find(tx, kind, resource_id)
    if found is None:
        raise NotFound("The directory has no {kind} {id}.", kind=kind.value, id=resource_id[:100])
    return found


def _login(content: Mapping[str, Any]) -> str:
    return compared(_required(content, "userName"))


def _group_name(content: Mapping[str, Any]) -> str:
    return _required(content, "displayName")


def _required(content: Mapping[str, Any], attribute: str) -> str:
    found = _text(content, attribute)
    if not found or len(found) > LONGEST_NAME:
        raise PreconditionRefused(
            "{attribute} is needed, with 1 to {most} characters.", attribute=attribute, most=LONGEST_NAME
        )
    return found


def _require_room(content: Mapping[str, Any]) -> None:
    if len(json.dumps(content, ensure_ascii=False).encode()) > LARGEST:
        raise PreconditionRefused("The resource is larger than {most} bytes.", most=LARGEST)


def _text(content: Mapping[str, Any], attribute: str) -> str:
    found = content.get(attribute)
    return found.strip() if isinstance(found, str) else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= each <= "\u9fff" for each in text)
