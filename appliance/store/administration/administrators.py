"""Administrators in the administration's database. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.administration import Administrator, AdministratorRole, AdministratorState, NewAdministrator
from appliance.store.database import Query, Transaction, refusing

_ADMINISTRATOR = "SELECT login, name, email, role, state, added, language FROM administrators"
_ADMINISTRATORS = Query(Administrator, _ADMINISTRATOR)


def insert(tx: Transaction, new: NewAdministrator, *, by: str, now: datetime) -> None:
    """A new administrator, invited. Raises :class:`StateRefused` when login or address are an administrator's."""
    with refusing(
        StateRefused(
            "{login} or {email} belongs to an administrator already; each human has one account.",
            login=new.login,
            email=new.email,
        )
    ):
        tx.execute(
            "INSERT INTO administrators (login, name, email, role, state, added, added_by)"
            " VALUES (?, ?, ?, ?, 'invited', ?, ?)",
            (new.login, new.name, new.email, new.role, now, by),
        )


def administrator(tx: Transaction, login: str) -> Administrator:
    """The administrator. Raises :class:`NotFound`."""
    found = find(tx, login)
    if found is None:
        raise NotFound("There is no administrator {login}.", login=login)
    return found


def find(tx: Transaction, login: str) -> Administrator | None:
    """The administrator with this login, folded to lower case."""
    return _ADMINISTRATORS.first(tx, "WHERE login = ?", (login,))


def everybody(tx: Transaction) -> list[Administrator]:
    """All that there ever were, by login."""
    return _ADMINISTRATORS.all(tx, "ORDER BY login")


def has_role(tx: Transaction, role: AdministratorRole) -> bool:
    """Whether somebody of *role* has been added and not removed again."""
    return bool(
        tx.count("SELECT EXISTS (SELECT 1 FROM administrators WHERE role = ? AND state <> 'left')", (role,))
    )


def move(tx: Transaction, login: str, after: AdministratorState, *before: AdministratorState) -> bool:
    """Into the state *after*, from one of the states *before*; False when it was in another one."""
    places = ", ".join("?" * len(before))
    return tx.changed(
        f"UPDATE administrators SET state = ?, failures = 0 WHERE login = ? AND state IN ({places})",  # noqa: S608  # places alone
        (after, login, *before),
    )


def set_factors(tx: Transaction, login: str, hashed: str, wrapped: bytes, *, step: int) -> None:
    """New factors: the password's hash (argon2id), the wrapped secret of codes, the step that its first code
    used."""
    tx.update("administrators", {"password": hashed, "totp": wrapped, "totp_step": step}, login=login)


def forget_factors(tx: Transaction, login: str) -> None:
    """Neither password nor code any more; the account is invited again."""
    tx.execute(
        "UPDATE administrators SET password = NULL, totp = NULL, failures = 0, state = 'invited' WHERE login = ?",
        (login,),
    )


def set_language(tx: Transaction, login: str, language: Language) -> None:
    """In which language the console speaks to this administrator."""
    tx.execute("UPDATE administrators SET language = ? WHERE login = ?", (language, login))


def set_password(tx: Transaction, login: str, hashed: str) -> None:
    """Keeps the hash of a new password."""
    tx.execute("UPDATE administrators SET password = ? WHERE login = ?", (hashed, login))


def set_code_secret(tx: Transaction, login: str, wrapped: bytes, *, step: int) -> None:
    """Keeps a new wrapped secret of codes with the step that its first code used."""
    tx.execute("UPDATE administrators SET totp = ?, totp_step = ? WHERE login = ?", (wrapped, step, login))


def factors(tx: Transaction, login: str) -> tuple[str, bytes] | None:
    """The password's hash and the wrapped secret of codes; None before both are set."""
    row = tx.execute("SELECT password, totp FROM administrators WHERE login = ?", (login,)).fetchone()
    if row is None:
        return None
    password, wrapped = row
    return None if password is None or wrapped is None else (password, wrapped)


def use_step(tx: Transaction, login: str, step: int) -> bool:
    """Marks the time *step* of a code as used; False when it, or a later one, was already."""
    return tx.changed(
        "UPDATE administrators SET totp_step = ?1, failures = 0 WHERE login = ?2 AND totp_step < ?1",
        (step, login),
    )


def fail(tx: Transaction, login: str) -> int:
    """Counts a failure to sign in; how many there were in a row. 0 for somebody who is not there."""
    query = "UPDATE administrators SET failures = failures + 1 WHERE login = ? RETURNING failures"
    return tx.value(int, query, (login,)) or 0
