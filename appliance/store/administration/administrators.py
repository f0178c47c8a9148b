"""Administrators, their invitations and passkeys in the administration's database, each function in the caller's
transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.errors import NotFound, StateRefused
from appliance.language import Language
from appliance.model.administration import (
    Administrator,
    AdministratorInvitation,
    AdministratorPasskey,
    AdministratorRole,
    AdministratorState,
    NewAdministrator,
)
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of, refusing

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
        row = fields_of(new, "login name email role") | {"state": "invited", "added": now, "added_by": by}
        tx.insert("administrators", row)


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
    return tx.exists("SELECT 1 FROM administrators WHERE role = ? AND state <> 'left'", (role,))


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


_PASSKEY = "SELECT credential AS credential_id, login, public_key, sign_count, label, added FROM passkeys"
_PASSKEYS = Query(AdministratorPasskey, _PASSKEY)


def insert_passkey(tx: Transaction, passkey: AdministratorPasskey) -> None:
    """A new one. Raises :class:`StateRefused` when it is known already, or was before it was removed."""
    with refusing(
        StateRefused(
            "This passkey is registered here already, or was and is removed; have the device make a new one."
        )
    ):
        row = fields_of(passkey, "login public_key sign_count label added")
        tx.insert("passkeys", row | {"credential": passkey.credential_id})


def passkeys_of(tx: Transaction, login: str) -> list[AdministratorPasskey]:
    """Those of one administrator, oldest first."""
    return _PASSKEYS.all(tx, "WHERE login = ? AND removed IS NULL ORDER BY added, credential", (login,))


def every_passkey_of(tx: Transaction, login: str) -> list[AdministratorPasskey]:
    """The same with those that were removed."""
    return _PASSKEYS.all(tx, "WHERE login = ? ORDER BY added, credential", (login,))


def all_passkeys(tx: Transaction) -> list[AdministratorPasskey]:
    """All of them, by login, oldest first."""
    return _PASSKEYS.all(tx, "WHERE removed IS NULL ORDER BY login, added, credential")


def use_passkey(tx: Transaction, credential_id: bytes, *, sign_count: int) -> None:
    """Keeps the authenticator's counter."""
    tx.update("passkeys", {"sign_count": sign_count}, credential=credential_id, removed=None)


def remove_passkey(tx: Transaction, login: str, credential_id: bytes, *, now: datetime) -> bool:
    """Removes one of *login*'s, for good; False when there is none. Its id stays known with its counter."""
    return tx.update("passkeys", {"removed": now}, login=login, credential=credential_id, removed=None)


def remove_passkeys(tx: Transaction, login: str, *, now: datetime) -> None:
    """Removes all of *login*'s, for good."""
    tx.execute("UPDATE passkeys SET removed = ? WHERE login = ? AND removed IS NULL", (now, login))


_INVITATIONS = Query(AdministratorInvitation, "SELECT login, made, expires, ended, code FROM invitations")


def insert_invitation(tx: Transaction, identifier: bytes, invitation: AdministratorInvitation, *, by: str) -> None:
    """A new invitation; an earlier one of the same administrator ends."""
    end_invitations_of(tx, invitation.login, now=invitation.made)
    row = fields_of(invitation, "login made expires code") | {"id": identifier, "made_by": by}
    tx.insert("invitations", row)


def find_invitation(tx: Transaction, identifier: bytes) -> AdministratorInvitation | None:
    """The invitation, whether it still counts or not."""
    return _INVITATIONS.first(tx, "WHERE id = ?", (identifier,))


def move_invitation(tx: Transaction, identifier: bytes, after: bytes) -> None:
    """The invitation goes on under another identifier, and takes no code any more."""
    tx.execute("UPDATE invitations SET id = ?, code = NULL WHERE id = ? AND ended IS NULL", (after, identifier))


def count_wrong_code(tx: Transaction, identifier: bytes) -> int:
    """Counts a wrong code; how many there were."""
    return tx.count("UPDATE invitations SET wrong = wrong + 1 WHERE id = ? RETURNING wrong", (identifier,))


def keep_invited_password(tx: Transaction, identifier: bytes, hashed: str) -> None:
    """Keeps the hash of the password that was chosen, until the second factor is there."""
    tx.execute("UPDATE invitations SET password = ? WHERE id = ? AND ended IS NULL", (hashed, identifier))


def invited_password(tx: Transaction, identifier: bytes) -> str | None:
    """The hash that :func:`keep_invited_password` kept."""
    return tx.value(str, "SELECT password FROM invitations WHERE id = ?", (identifier,))


def end_invitation(tx: Transaction, identifier: bytes, *, now: datetime) -> bool:
    """Uses the invitation up; False when it had ended."""
    return tx.update("invitations", {"ended": now, "password": None}, id=identifier, ended=None)


def end_invitations_of(tx: Transaction, login: str, *, now: datetime) -> None:
    tx.execute("UPDATE invitations SET ended = ?, password = NULL WHERE login = ? AND ended IS NULL", (now, login))
