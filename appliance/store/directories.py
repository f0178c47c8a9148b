"""Users of the organisation's directories, what waits of them, synchronisations, departures, and who is whose
manager. Each function runs in the caller's transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.directories import (
    DirectoryProblem,
    DirectoryRound,
    DirectorySource,
    DirectoryUser,
    FollowingAccount,
    HeldKind,
    HeldUser,
    HeldUsers,
    KnownUser,
    ProblemUser,
    RoundOutcome,
    StoredUser,
)
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of

_USER = "SELECT u.id, u.source, u.key, u.login, u.name, u.email, u.department, u.manager, u.enabled, u.groups"
_KNOWN = f"{_USER}, u.subject, u.problem, u.removed FROM directory_users u"
_STORED = (
    f"{_USER}, u.subject, u.problem, u.removed, p.name AS own_name, p.email AS own_email,"
    " p.department AS own_department, p.manager AS own_manager, p.directory_name, a.state,"
    " (SELECT json_group_array(role) FROM account_roles r WHERE r.subject = u.subject) AS roles,"
    " a.single_sign_on, d.subject IS NOT NULL AS departed,"
    " EXISTS (SELECT 1 FROM certificates c WHERE c.subject = u.subject) OR EXISTS"
    " (SELECT 1 FROM enrolment_requests e WHERE e.subject = u.subject AND e.state = 'open') AS verified,"
    " h.kind AS held, h.released IS NOT NULL AS released FROM directory_users u"
    " LEFT JOIN people p ON p.subject = u.subject LEFT JOIN accounts a ON a.subject = u.subject"
    " LEFT JOIN departures d ON d.subject = u.subject LEFT JOIN directory_held h ON h.user = u.id"
)


def _known(
    id: str,
    source: DirectorySource,
    key: str,
    login: str,
    name: str,
    email: str,
    department: str,
    manager: str,
    enabled: bool,
    groups: frozenset[str],
    subject: str | None,
    problem: str | None,
    removed: datetime | None,
) -> KnownUser:
    user = DirectoryUser(key, login, name, email, department, manager, enabled, groups)
    return KnownUser(id, source, user, subject, problem, removed)


def _stored(
    id: str,
    source: DirectorySource,
    key: str,
    login: str,
    name: str,
    email: str,
    department: str,
    manager: str,
    enabled: bool,
    groups: frozenset[str],
    subject: str | None,
    problem: str | None,
    removed: datetime | None,
    own_name: str | None,
    own_email: str | None,
    own_department: str | None,
    own_manager: str | None,
    directory_name: str | None,
    state: AccountState | None,
    roles: frozenset[AccountRole],
    single_sign_on: bool | None,
    departed: bool,
    verified: bool,
    held: HeldKind | None,
    released: bool,
) -> StoredUser:
    user = DirectoryUser(key, login, name, email, department, manager, enabled, groups)
    account = None
    if subject is not None and state is not None:
        account = FollowingAccount(
            subject,
            own_name or "",
            own_email or "",
            own_department or "",
            own_manager,
            directory_name,
            state,
            roles,
            bool(single_sign_on),
            verified,
            departed,
        )
    waits = None if held is None else HeldUser(held, released)
    return StoredUser(KnownUser(id, source, user, subject, problem, removed), account, waits)


_KNOWN_USERS = Query(_known, _KNOWN)
_STORED_USERS = Query(_stored, _STORED)


def every_user(tx: Transaction, source: DirectorySource) -> list[StoredUser]:
    """Everybody whom *source* ever had, with their accounts, by key: what a synchronisation compares with."""
    return _STORED_USERS.all(tx, "WHERE u.source = ? ORDER BY u.key", (source,))


def stored_user(tx: Transaction, source: DirectorySource, key: str) -> StoredUser | None:
    """The user with this *key*, None for one whom *source* never had."""
    return _STORED_USERS.first(tx, "WHERE u.source = ? AND u.key = ?", (source, key))


def load_stored(tx: Transaction, user_id: str) -> StoredUser:
    """The user with this id. Raises :class:`NotFound`."""
    missing = NotFound("There is no user {user} of a directory.", user=user_id)
    return _STORED_USERS.one(tx, "WHERE u.id = ?", (user_id,), missing=missing)


def load_user(tx: Transaction, user_id: str) -> KnownUser:
    """The user with this id. Raises :class:`NotFound`."""
    missing = NotFound("There is no user {user} of a directory.", user=user_id)
    return _KNOWN_USERS.one(tx, "WHERE u.id = ?", (user_id,), missing=missing)


def user_of(tx: Transaction, subject: str) -> KnownUser | None:
    """The user whom the account of *subject* follows."""
    return _KNOWN_USERS.first(tx, "WHERE u.subject = ?", (subject,))


def with_login(tx: Transaction, source: DirectorySource, login: str) -> list[KnownUser]:
    """Users of *source* with this login, in letters of any case, removed ones too."""
    return _KNOWN_USERS.all(
        tx, "WHERE u.source = ? AND u.login = ? COLLATE NOCASE ORDER BY u.key", (source, login)
    )


def with_email(tx: Transaction, email: str) -> list[KnownUser]:
    """Users of every directory with this mail address, in letters of any case, removed ones too."""
    return _KNOWN_USERS.all(tx, "WHERE u.email = ? COLLATE NOCASE ORDER BY u.source, u.key", (email,))


def with_key(tx: Transaction, key: str) -> list[KnownUser]:
    """Users of every directory with this *key*."""
    sources = list(DirectorySource)
    return [
        found
        for each in sources
        for found in _KNOWN_USERS.all(tx, "WHERE u.source = ? AND u.key = ?", (each, key))
    ]


def save_user(tx: Transaction, known: KnownUser, *, at: datetime) -> None:
    """Writes the user, a new one too; what a SCIM client sent beside that stays."""
    user = known.user
    row = fields_of(known, "id source subject problem removed") | fields_of(
        user, "key login name email department manager enabled"
    )
    row |= {"groups": json.dumps(sorted(user.groups)), "changed": at}
    if not tx.update("directory_users", row, id=known.id):
        tx.insert("directory_users", row | {"made": at})
