"""Users of the organisation's directories, what waits of them, synchronisations, departures, and who is whose
manager. Each function runs in the caller's transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.errors import NotFound, StateRefused
from appliance.model.accounts import AccountRole, AccountState
from appliance.model.directories import (
    AddressHolder,
    DirectoryRound,
    DirectorySource,
    DirectoryUser,
    FollowingAccount,
    HeldKind,
    HeldUser,
    HeldUsers,
    KnownUser,
    ProblemUser,
    StoredUser,
)
from appliance.store.database import Transaction
from hsm.rows import Query, columns, fields_of, refusing

_USER = "SELECT u.id, u.source, u.key, u.login, u.name, u.email, u.department, u.manager, u.enabled, u.groups"
_KNOWN = f"{_USER}, u.subject, u.problem, u.removed FROM directory_users u"
_STORED = (
    f"{_USER}, u.subject, u.problem, u.removed, p.name AS own_name, p.email AS own_email,"  # noqa: S608  # literals of this module
    " p.department AS own_department, p.manager AS own_manager, p.directory_name, a.state,"
    " (SELECT json_group_array(role) FROM account_roles r WHERE r.subject = u.subject) AS roles,"
    " a.single_sign_on, d.subject IS NOT NULL AS departed,"
    " EXISTS (SELECT 1 FROM certificates c WHERE c.subject = u.subject) OR EXISTS"
    " (SELECT 1 FROM enrolment_requests e WHERE e.subject = u.subject AND e.state = 'open') AS verified,"
    " h.kind AS held, h.about, h.released IS NOT NULL AS released FROM directory_users u"
    " LEFT JOIN people p ON p.subject = u.subject LEFT JOIN accounts a ON a.subject = u.subject"
    " LEFT JOIN departures d ON d.subject = u.subject LEFT JOIN directory_held h ON h.user = u.id"
)


_USER_FIELDS = "key login name email department manager enabled groups"


def _user(*row: Any) -> DirectoryUser:
    *texts, enabled, groups = row
    key, login, name, email, department, manager = texts
    members = frozenset(json.loads(groups))
    return DirectoryUser(key, login, name, email, department, manager, bool(enabled), members)


def _known(
    user_id: str, source: str, subject: str | None, problem: str | None, removed: str | None, *user: Any
) -> KnownUser:
    since = None if removed is None else datetime.fromisoformat(removed)
    return KnownUser(user_id, DirectorySource(source), _user(*user), subject, problem, since)


def _account(
    state: str | None, roles: str, sign_on: int, verified: int, departed: int, *texts: Any
) -> FollowingAccount | None:
    if state is None:
        return None
    held = frozenset(map(AccountRole, json.loads(roles)))
    known: tuple[Any, ...] = (AccountState(state), held, bool(sign_on), bool(verified), bool(departed))
    return FollowingAccount(*texts, *known)


def _held(kind: str | None, about: str, released: int) -> HeldUser | None:
    return None if kind is None else HeldUser(HeldKind(kind), about, bool(released))


_KNOWN_COLUMNS = columns(_known, *f"id source subject problem removed {_USER_FIELDS}".split())
_KNOWN_USERS = Query(KnownUser, _KNOWN, user=columns(_user, *_USER_FIELDS.split()))
_STORED_USERS = Query(
    StoredUser,
    _STORED,
    known=_KNOWN_COLUMNS,
    account=columns(
        _account,
        *["state", "roles", "single_sign_on", "verified", "departed"],
        *["subject", "own_name", "own_email", "own_department", "own_manager", "directory_name"],
    ),
    held=columns(_held, "held", "about", "released"),
)


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


def has_users(tx: Transaction, source: DirectorySource) -> bool:
    """Whether *source* has, or ever had, anybody."""
    return tx.exists("SELECT 1 FROM directory_users WHERE source = ?", (source,))


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


def set_departed(tx: Transaction, user_id: str, at: datetime) -> None:
    """The account of this user has departed, which counts towards too many."""
    tx.update("directory_users", {"departed": at}, id=user_id)


def give_up_subject(tx: Transaction, subject: str) -> None:
    """No user is *subject* any more: another one will be."""
    tx.update("directory_users", {"subject": None}, subject=subject)


def count_departed(tx: Transaction, source: DirectorySource, since: datetime) -> int:
    """How many of *source* have departed since *since*, but for those to whom administrators agreed."""
    return tx.count(
        "SELECT count(*) FROM directory_users WHERE source = ? AND departed >= ?",
        (source, since),
    )


def count_provisioned(tx: Transaction, source: DirectorySource) -> int:
    """How many people of *source* have an account that goes on."""
    return tx.count(
        "SELECT count(*) FROM directory_users u JOIN accounts a ON a.subject = u.subject"
        " WHERE u.source = ? AND u.subject IS NOT NULL AND a.state <> 'left'"
        " AND NOT EXISTS (SELECT 1 FROM departures d WHERE d.subject = u.subject)",
        (source,),
    )


_HOLDER = (
    "SELECT p.email, p.subject, p.guest AS outside, a.state = 'left' AS gone,"
    " d.subject IS NOT NULL AS departed, u.source, u.login, u.email AS address"
    " FROM people p LEFT JOIN accounts a ON a.subject = p.subject"
    " LEFT JOIN departures d ON d.subject = p.subject LEFT JOIN directory_users u ON u.subject = p.subject"
)
_REPRESENTS = "EXISTS (SELECT 1 FROM representatives r WHERE r.subject = p.subject) AND a.state <> 'left'"


def _holder(subject: str, outside: int, gone: int | None, departed: int, *user: Any) -> AddressHolder:
    source, login, address = user
    known = None if source is None else DirectorySource(source)
    return AddressHolder(subject, bool(outside), bool(gone), bool(departed), known, login, address)


@dataclass(frozen=True, slots=True)
class _Had:
    """A mail address, and who has it."""

    email: str
    holder: AddressHolder


_HOLDERS = Query(
    _Had,
    _HOLDER,
    email=str.casefold,
    holder=columns(_holder, "subject", "outside", "gone", "departed", "source", "login", "address"),
)


def every_address(tx: Transaction) -> dict[str, AddressHolder]:
    """Who has which mail address (folded): members, representatives, administrators of the machine."""
    everybody = _HOLDERS.all(tx, f"WHERE {_REPRESENTS}") + _HOLDERS.all(tx, "WHERE p.guest = 0")
    found = {each.email: each.holder for each in everybody}
    administrators = tx.column(str, "SELECT email FROM administrators")
    return found | {each.casefold(): AddressHolder("") for each in administrators}


def address_holder(tx: Transaction, email: str) -> AddressHolder | None:
    """Who has this mail address, of all of those."""
    if tx.exists("SELECT 1 FROM administrators WHERE email = ? COLLATE NOCASE", (email,)):
        return AddressHolder("")
    members = _HOLDERS.first(tx, "WHERE p.guest = 0 AND p.email = ? COLLATE NOCASE", (email,))
    found = members or _HOLDERS.first(tx, f"WHERE p.email = ? COLLATE NOCASE AND {_REPRESENTS}", (email,))
    return None if found is None else found.holder


def rivals(tx: Transaction, source: DirectorySource, emails: Iterable[str]) -> list[StoredUser]:
    """Users of *source* who have, or whose accounts have, one of these mail addresses."""
    found: dict[str, StoredUser] = {}
    for email in emails:
        for each in _STORED_USERS.all(
            tx, "WHERE u.source = ?1 AND u.email = ?2 COLLATE NOCASE", (source, email)
        ) + _STORED_USERS.all(
            tx, "WHERE p.guest = 0 AND p.email = ?2 COLLATE NOCASE AND u.source = ?1", (source, email)
        ):
            found[each.known.id] = each
    return list(found.values())


def set_address(tx: Transaction, subject: str, email: str) -> None:
    """Writes the mail address. Raises :class:`StateRefused` for one that somebody else has."""
    with refusing(StateRefused("{email} belongs to another account; each human has one.", email=email)):
        tx.update("people", {"email": email}, subject=subject)


def free_address(tx: Transaction, email: str) -> str | None:
    """Takes the address *email* from somebody who is gone, whose it is; who that was.

    In its place they get one of a domain that never exists (RFC 6761, 6.4): what was sent to them is in the log.
    """
    subject = tx.value(
        str,
        "SELECT p.subject FROM people p INDEXED BY people_one_address"
        " WHERE p.guest = 0 AND p.email = ? COLLATE NOCASE"
        " AND EXISTS (SELECT 1 FROM gone g WHERE g.subject = p.subject)",
        (email,),
    )
    if subject is not None:
        set_address(tx, subject, f"{subject}@gone.invalid")
    return subject


def set_directory_name(tx: Transaction, subject: str, name: str | None) -> None:
    """The name that the directory has for somebody whose certificate has another one; None for the same one."""
    tx.update("people", {"directory_name": name}, subject=subject)


def is_login_taken(tx: Transaction, login: str) -> bool:
    """Whether an account, or an administrator of the machine, signs in as *login*."""
    return tx.exists(
        "SELECT 1 FROM accounts WHERE login = ?1 UNION ALL SELECT 1 FROM administrators WHERE login = ?1", (login,)
    )


@dataclass(frozen=True, slots=True)
class ManagerChange:
    """Whose manager, by the directory, is another one than here."""

    subject: str
    name: str
    login: str
    before: str | None
    after: str | None


_MANAGERS = Query(
    ManagerChange,
    "SELECT u.subject, u.name, u.login, p.manager AS before, m.subject AS after"
    " FROM directory_users u JOIN people p ON p.subject = u.subject"
    " LEFT JOIN directory_users m ON u.manager <> '' AND m.source = u.source AND m.key = u.manager"
    " AND m.subject <> u.subject AND m.subject LIKE 'person-%'",
)


def manager_changes(tx: Transaction, source: DirectorySource, key: str | None = None) -> list[ManagerChange]:
    """Everybody of *source* whose manager changes; of the user with this *key*, and of whom they manage, alone."""
    differs = "u.source = ?1 AND p.manager IS NOT m.subject"
    if key is None:
        return _MANAGERS.all(tx, f"WHERE {differs}", (source,))
    return [
        *_MANAGERS.all(tx, f"WHERE {differs} AND u.key = ?2", (source, key)),
        *_MANAGERS.all(
            tx, f"WHERE {differs} AND u.manager = ?2 AND u.manager <> '' AND u.key <> ?2", (source, key)
        ),
    ]


def set_manager(tx: Transaction, subject: str, manager: str | None) -> None:
    tx.update("people", {"manager": manager}, subject=subject)


def manager_of(tx: Transaction, subject: str) -> str | None:
    """The subject of the manager of *subject*."""
    return tx.value(str, "SELECT manager FROM people WHERE subject = ?", (subject,))


# --- departures


def insert_departure(
    tx: Transaction, subject: str, source: DirectorySource, *, was: AccountState, at: datetime, offered: bool
) -> None:
    """*subject* has departed; ``offered``: there is no work to offer to anybody."""
    row = {"subject": subject, "since": at, "source": source, "was": was, "offered": at if offered else None}
    tx.insert("departures", row)


def has_departed(tx: Transaction, subject: str) -> bool:
    """Whether the directory has disabled or removed *subject*, whether or not officers have let them go since."""
    return tx.exists("SELECT 1 FROM departures WHERE subject = ?", (subject,))


def end_departure(tx: Transaction, subject: str) -> AccountState | None:
    """*subject* is back: what the account was before, None for who had not departed."""
    was = tx.value(AccountState, "SELECT was FROM departures WHERE subject = ?", (subject,))
    if was is not None:
        tx.delete("departures", subject=subject)
    return was


def to_offer(tx: Transaction, limit: int) -> list[str]:
    """At most *limit* people whose open work was not offered to their managers yet."""
    return tx.column(
        str, "SELECT subject FROM departures WHERE offered IS NULL ORDER BY subject LIMIT ?", (limit,)
    )


def set_offered(tx: Transaction, subject: str, at: datetime) -> None:
    tx.update("departures", {"offered": at}, subject=subject)


# --- what waits for two administrators


def hold(tx: Transaction, user_id: str, held: HeldUser | None, *, at: datetime) -> None:
    """Keeps what waits of this user, in place of what waited; None: nothing."""
    tx.delete("directory_held", user=user_id)
    if held is not None:
        row = {"user": user_id, "since": at} | fields_of(held, "kind about")
        tx.insert("directory_held", row | {"released": at if held.released else None})


MOST_NAMES = 50
"""Names of one list of what waits."""


def held_users(tx: Transaction, kind: HeldKind) -> HeldUsers | None:
    """What waits of this *kind*, and was not released; None for nothing."""
    rows = tx.execute(
        "SELECT h.user, h.about, u.name, u.login, h.since"
        " FROM directory_held h JOIN directory_users u ON u.id = h.user"
        " WHERE h.kind = ? AND h.released IS NULL ORDER BY h.user",
        (kind,),
    ).fetchall()
    if not rows:
        return None
    digest = hashlib.sha256(json.dumps([[kind, *what] for *what, _ in rows]).encode()).hexdigest()
    since = datetime.fromisoformat(min(since for *_, since in rows))
    names = sorted(_shown(*what) for _, *what, _ in rows)[:MOST_NAMES]
    return HeldUsers(kind, len(rows), digest, since, tuple(names))


def _shown(about: str, name: str, login: str) -> str:
    return f"{name} ({login})" + (f": {about}" if about else "")


def count_held(tx: Transaction, source: DirectorySource, kind: HeldKind) -> int:
    """How many users of *source* wait."""
    return tx.count(
        "SELECT count(*) FROM directory_held h JOIN directory_users u ON u.id = h.user"
        " WHERE h.kind = ? AND h.released IS NULL AND u.source = ?",
        (kind, source),
    )


def release(tx: Transaction, kind: HeldKind, at: datetime) -> int:
    """Everything that waits of this *kind* may be done; how many."""
    return tx.change("UPDATE directory_held SET released = ? WHERE kind = ? AND released IS NULL", (at, kind))


def released(tx: Transaction, limit: int) -> list[StoredUser]:
    """At most *limit* users of whom something was released and is not done yet."""
    return _STORED_USERS.all(
        tx,
        "WHERE u.id IN (SELECT user FROM directory_held INDEXED BY directory_held_released"
        " WHERE released IS NOT NULL ORDER BY user LIMIT ?) ORDER BY u.id",
        (limit,),
    )


# --- synchronisations

KEPT_ROUNDS = 1000

_ROUNDS = Query(
    DirectoryRound, "SELECT source, began, ended, outcome, counts, problem, rules FROM directory_rounds"
)


def insert_round(tx: Transaction, done: DirectoryRound) -> None:
    """Keeps the synchronisation, the newest :data:`KEPT_ROUNDS` of the earlier ones, and of each directory the
    last one that it answered, however long ago that was."""
    row = fields_of(done, "source began ended outcome problem rules")
    tx.insert("directory_rounds", row | {"counts": json.dumps(dict(done.counts))})
    tx.execute(
        "DELETE FROM directory_rounds WHERE number <= (SELECT max(number) FROM directory_rounds) - ? AND number"
        " NOT IN (SELECT max(number) FROM directory_rounds WHERE outcome <> 'failed' GROUP BY source)",
        (KEPT_ROUNDS,),
    )


def last_rounds(tx: Transaction, limit: int) -> list[DirectoryRound]:
    """At most *limit*, the newest first."""
    return _ROUNDS.all(tx, "ORDER BY number DESC LIMIT ?", (limit,))


def last_round(tx: Transaction, source: DirectorySource) -> DirectoryRound | None:
    """The newest synchronisation with *source*, None before the first."""
    return _ROUNDS.first(tx, "WHERE source = ? ORDER BY number DESC LIMIT 1", (source,))


def last_success(tx: Transaction, source: DirectorySource) -> datetime | None:
    """When a synchronisation last ended that *source* answered."""
    return tx.value(
        datetime,
        "SELECT ended FROM directory_rounds WHERE source = ? AND outcome <> 'failed' ORDER BY number DESC LIMIT 1",
        (source,),
    )


def count_users(tx: Transaction) -> dict[DirectorySource, int]:
    """How many users each directory has now."""
    rows = tx.execute("SELECT source, count(*) FROM directory_users WHERE removed IS NULL GROUP BY source")
    return {DirectorySource(source): int(count) for source, count in rows}


_PROBLEMS = Query(ProblemUser, "SELECT source, login, name, email, problem FROM directory_users")


def problems(tx: Transaction, limit: int) -> list[ProblemUser]:
    """At most *limit* users whose accounts do not follow, by source."""
    return _PROBLEMS.all(tx, "WHERE problem IS NOT NULL ORDER BY source, id LIMIT ?", (limit,))


def count_problems(tx: Transaction) -> int:
    return tx.count("SELECT count(*) FROM directory_users WHERE problem IS NOT NULL")
