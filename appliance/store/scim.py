"""Users and groups that a SCIM client has pushed. Every function runs in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from appliance.errors import StateRefused
from appliance.model.provisioning import MemberChange, MemberOf, Narrowing, ResourceKind, ScimMember, ScimResource
from appliance.store.database import Transaction
from hsm.rows import Query, refusing

_TABLES: Final = {ResourceKind.USER: "scim_users", ResourceKind.GROUP: "scim_groups"}
_NAMES: Final = {ResourceKind.USER: "login", ResourceKind.GROUP: "compared"}
"""The column of the name, as names are compared."""

_RESOURCES: Final = {
    kind: Query(ScimResource, f"SELECT number, id, content, version, made, changed FROM {table}")  # noqa: S608  # a name of this module
    for kind, table in _TABLES.items()
}
_MEMBERS: Final = Query(ScimMember)

_MEMBERS_OF: Final = Query(
    MemberOf,
    """WITH RECURSIVE above ("group") AS (
        SELECT "group" FROM scim_members WHERE member = ?1
        UNION SELECT m."group" FROM above AS a JOIN scim_members AS m ON m.member = a."group")
    SELECT g.id AS "group", g.name AS name,
        EXISTS (SELECT 1 FROM scim_members AS m WHERE m."group" = g.id AND m.member = ?1) AS direct
    FROM above AS a CROSS JOIN scim_groups AS g ON g.id = a."group" ORDER BY g.name, g.number""",
)
"""The groups that somebody is in, those of nested groups too; UNION ends where groups hold each other."""

_UNFOLLOWED: Final = """WITH RECURSIVE below (member) AS (
    SELECT value FROM json_each(?1)
    UNION SELECT m.member FROM below AS b JOIN scim_members AS m ON m."group" = b.member)
INSERT INTO scim_unfollowed
    SELECT b.member FROM below AS b CROSS JOIN scim_users AS u ON u.id = b.member WHERE true
    ON CONFLICT DO NOTHING"""
"""Notes users among these, members of these, and those of members that are groups too."""


def insert_user(tx: Transaction, user: ScimResource, *, login: str) -> None:
    """Raises :class:`StateRefused` where another user has this *login*, as names are compared."""
    with refusing(_taken(), only=["UNIQUE"]):
        tx.insert("scim_users", {**_row(user), "login": login})


def save_user(tx: Transaction, user: ScimResource, *, login: str) -> None:
    """What :func:`insert_user` kept, changed. Raises :class:`StateRefused`, too."""
    with refusing(_taken(), only=["UNIQUE"]):
        _save(tx, ResourceKind.USER, user, login=login)


def insert_group(tx: Transaction, group: ScimResource, *, name: str, compared: str) -> None:
    tx.insert("scim_groups", {**_row(group), "name": name, "compared": compared})


def save_group(tx: Transaction, group: ScimResource, *, name: str, compared: str) -> None:
    _save(tx, ResourceKind.GROUP, group, name=name, compared=compared)


def find(tx: Transaction, kind: ResourceKind, resource_id: str) -> ScimResource | None:
    return _RESOURCES[kind].first(tx, "WHERE id = ?", (resource_id,))


def delete(tx: Transaction, kind: ResourceKind, resource_id: str) -> None:
    """It is a member of nothing any more."""
    tx.execute("DELETE FROM scim_members WHERE member = ?", (resource_id,))
    tx.execute(f"DELETE FROM {_TABLES[kind]} WHERE id = ?", (resource_id,))  # noqa: S608  # a name of this module


def page(tx: Transaction, kind: ResourceKind, *, skip: int, limit: int) -> list[ScimResource]:
    """In the order in which they were made."""
    return _RESOURCES[kind].all(tx, "ORDER BY number LIMIT ? OFFSET ?", (limit, skip))


def count(tx: Transaction, kind: ResourceKind) -> int:
    [[found]] = tx.execute(f"SELECT count(*) FROM {_TABLES[kind]}")  # noqa: S608  # a name of this module
    return int(found)


def has_unfollowed(tx: Transaction) -> bool:
    """Whether the account of any user does not follow their groups yet."""
    return tx.exists("SELECT 1 FROM scim_unfollowed LIMIT 1")


def narrowed(tx: Transaction, kind: ResourceKind, by: Narrowing, *, after: int, limit: int) -> list[ScimResource]:
    """Those behind the *number* that can fit, in the order in which they were made."""
    conditions: list[str] = []
    values: list[object] = []
    for column, value in (("id", by.id), (_NAMES[kind], by.name), ("external_id", by.external_id)):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    if by.member is not None and kind is ResourceKind.GROUP:
        conditions.append('id IN (SELECT "group" FROM scim_members WHERE member = ?)')
        values.append(by.member)
    where = " AND ".join((*conditions, "number > ?"))
    return _RESOURCES[kind].all(tx, f"WHERE {where} ORDER BY number LIMIT ?", (*values, after, limit))


def groups_of(tx: Transaction, member: str) -> list[MemberOf]:
    """The groups that somebody is in, those of nested groups too; by their names."""
    return _MEMBERS_OF.all(tx, "", (member,))


def members_of(tx: Transaction, group: str) -> list[ScimMember]:
    return _MEMBERS.all(
        tx,
        "SELECT member AS id, iif(EXISTS (SELECT 1 FROM scim_groups AS g WHERE g.id = member), 'Group', 'User')"
        ' AS kind FROM scim_members WHERE "group" = ? ORDER BY member',
        (group,),
    )


def count_members(tx: Transaction, group: str) -> int:
    [[found]] = tx.execute('SELECT count(*) FROM scim_members WHERE "group" = ?', (group,))
    return int(found)


def members_among(tx: Transaction, group: str, wanted: Collection[str]) -> list[str]:
    """Which of these are members of the group themselves."""
    found = tx.execute(
        'SELECT value FROM json_each(?2) WHERE EXISTS (SELECT 1 FROM scim_members WHERE "group" = ?1'
        " AND member = value)",
        (group, json.dumps(sorted(wanted))),
    )
    return [each for (each,) in found]


def unknown_among(tx: Transaction, ids: Collection[str]) -> str | None:
    """One of *ids* that is of no user and of no group; None where there is none."""
    found = tx.execute(
        "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM scim_users AS u WHERE u.id = value)"
        " AND NOT EXISTS (SELECT 1 FROM scim_groups AS g WHERE g.id = value) LIMIT 1",
        (json.dumps(sorted(ids)),),
    ).fetchone()
    return None if found is None else str(found[0])


def change_members(tx: Transaction, group: str, change: MemberChange) -> set[str]:
    """The members that went or came."""
    gone: set[str] = set()
    if change.clears:
        kept = json.dumps(sorted(change.added))
        gone |= _ids(
            tx,
            'DELETE FROM scim_members WHERE "group" = ?1 AND member NOT IN (SELECT value FROM json_each(?2))'
            " RETURNING member",
            (group, kept),
        )
    removed = json.dumps(sorted(change.removed))
    gone |= _ids(
        tx,
        'DELETE FROM scim_members WHERE "group" = ?1 AND member IN (SELECT value FROM json_each(?2))'
        " RETURNING member",
        (group, removed),
    )
    came = _ids(
        tx,
        "INSERT INTO scim_members SELECT ?1, value FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING"
        " RETURNING member",
        (group, json.dumps(sorted(change.added))),
    )
    return gone | came


def mark_unfollowed(tx: Transaction, members: Collection[str]) -> int:
    """Notes the users among these members, and those of members that are groups; how many."""
    return tx.change(_UNFOLLOWED, (json.dumps(sorted(members)),))


def next_unfollowed(tx: Transaction, limit: int) -> list[ScimResource]:
    return _RESOURCES[ResourceKind.USER].all(
        tx, "WHERE id IN (SELECT id FROM scim_unfollowed ORDER BY id LIMIT ?) ORDER BY number", (limit,)
    )


def followed(tx: Transaction, user_id: str) -> None:
    tx.execute("DELETE FROM scim_unfollowed WHERE id = ?", (user_id,))


def _row(resource: ScimResource) -> dict[str, Any]:
    return {
        "id": resource.id,
        "external_id": resource.content.get("externalId"),
        "content": _text(resource.content),
        "version": resource.version,
        "made": resource.made,
        "changed": resource.changed,
    }


def _save(tx: Transaction, kind: ResourceKind, resource: ScimResource, **more: str) -> None:
    row = {**_row(resource), **more}
    row.pop("made")
    columns = ", ".join(f"{name} = ?" for name in row)
    tx.execute(f"UPDATE {_TABLES[kind]} SET {columns} WHERE id = ?", (*row.values(), resource.id))  # noqa: S608  # names of this module


def _ids(tx: Transaction, statement: str, values: tuple[str, ...]) -> set[str]:
    return {each for (each,) in tx.execute(statement, values).fetchall()}


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _taken() -> StateRefused:
    return StateRefused("Another user of the directory has this userName.")
