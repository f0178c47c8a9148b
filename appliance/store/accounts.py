"""Accounts with their roles, passkeys and links. Each function runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from appliance.errors import NotFound, PreconditionRefused, StateRefused
from appliance.model.accounts import (
    Account,
    AccountLink,
    AccountRole,
    AccountState,
    LinkPurpose,
    Passkey,
    possible_roles,
)
from appliance.store import people
from appliance.store.database import Transaction
from hsm.rows import Query, fields_of, refusing

_ACCOUNT = (
    "SELECT subject, login, state, invited, told, single_sign_on,"
    " password IS NOT NULL AS has_password, totp IS NOT NULL AS has_code,"
    " (SELECT json_group_array(role) FROM account_roles WHERE account_roles.subject = accounts.subject) AS roles,"
    " (SELECT count(*) FROM passkeys WHERE passkeys.subject = accounts.subject) AS passkeys FROM accounts"
)
_ACCOUNTS = Query(Account, _ACCOUNT)


def insert_account(tx: Transaction, subject: str, login: str, *, handle: bytes, now: datetime) -> None:
    """A new account, invited. Raises :class:`StateRefused` when the login or the subject has one."""
    administrator = StateRefused(
        "{login} is an administrator of this machine; who administrates has no account in the portal.", login=login
    )
    taken = StateRefused("The login {login} is taken; choose another one.", login=login)
    row = {"subject": subject, "login": login, "handle": handle, "invited": now, "state": AccountState.INVITED}
    with refusing(taken), refusing(administrator, only=["administrators"]):
        tx.insert("accounts", row)


def account(tx: Transaction, subject: str) -> Account:
    """The account. Raises :class:`NotFound`."""
    return _ACCOUNTS.one(tx, "WHERE subject = ?", (subject,), missing=_no_account(subject))


def find_account(tx: Transaction, subject: str) -> Account | None:
    return _ACCOUNTS.first(tx, "WHERE subject = ?", (subject,))


def require_initiating(tx: Transaction, subject: str) -> None:
    """Raises :class:`PreconditionRefused` unless *subject* may start contracts, now: no API client does in
    somebody's name what they could not do themselves. Who was registered and never invited has no account."""
    account = find_account(tx, subject)
    roles = possible_roles(subject) if account is None else account.roles
    active = account is None or account.state is AccountState.ACTIVE
    if not active or AccountRole.INITIATOR not in roles:
        raise PreconditionRefused(
            "{name} may not start contracts, or not any more, so no API client works in this name.",
            name=people.person(tx, subject).name,
        )


def require_own_initiator(tx: Transaction, subject: str, organisations: Collection[str]) -> None:
    """Raises :class:`PreconditionRefused` for whom an API client of these *organisations* does not work: somebody
    of another one, and as :func:`require_initiating`."""
    person = people.person(tx, subject)
    if person.organisation not in organisations:
        raise PreconditionRefused(
            "This API client works for people of {organisations}; {name} is not one of them.",
            organisations="; ".join(sorted(organisations)),
            name=person.name,
        )
    require_initiating(tx, subject)


def by_login(tx: Transaction, login: str) -> Account | None:
    """The account with this login, folded to lower case."""
    return _ACCOUNTS.first(tx, "WHERE login = ?", (login,))


def by_handle(tx: Transaction, handle: bytes) -> Account | None:
    return _ACCOUNTS.first(tx, "WHERE handle = ?", (handle,))


def everybody(tx: Transaction) -> list[Account]:
    """All accounts, by subject."""
    return _ACCOUNTS.all(tx, "ORDER BY subject")


def any_account(tx: Transaction) -> bool:
    return tx.exists("SELECT 1 FROM accounts LIMIT 1")


def set_state(tx: Transaction, subject: str, state: AccountState) -> None:
    """Moves the account to *state*. Raises :class:`StateRefused` for one that was closed or has no password."""
    with refusing(StateRefused("The account of {subject} cannot become {state}.", subject=subject, state=state)):
        tx.execute("UPDATE accounts SET state = ? WHERE subject = ?", (state, subject))


def use_single_sign_on(tx: Transaction, subject: str) -> None:
    """The owner may sign in through the identity provider; an invited account is active by that."""
    tx.execute(
        "UPDATE accounts SET single_sign_on = 1, state = CASE state WHEN 'invited' THEN 'active' ELSE state END"
        " WHERE subject = ?",
        (subject,),
    )


def close_account(tx: Transaction, subject: str) -> None:
    """Closes the account for good and gives its login free."""
    tx.execute(
        "UPDATE accounts SET state = 'left', login = 'left-' || lower(hex(handle)), password = NULL, totp = NULL"
        " WHERE subject = ?",
        (subject,),
    )


def set_told(tx: Transaction, subject: str) -> None:
    """The owner of the account has read where signatures are confirmed now."""
    tx.update("accounts", {"told": True}, subject=subject)


def set_roles(tx: Transaction, subject: str, roles: Iterable[AccountRole]) -> None:
    """Replaces the roles. Raises :class:`PreconditionRefused` for those that this subject must not have."""
    tx.execute("DELETE FROM account_roles WHERE subject = ?", (subject,))
    with refusing(
        PreconditionRefused(
            "Whoever signs cannot also register, audit or operate: each duty is an account of its own."
        )
    ):
        tx.executemany(
            "INSERT INTO account_roles (subject, role) VALUES (?, ?)", [(subject, role) for role in sorted(roles)]
        )


def password(tx: Transaction, subject: str) -> str | None:
    """The password's hash (argon2id), None before one is set."""
    found: str | None
    [found] = _require_row(tx, "SELECT password FROM accounts WHERE subject = ?", subject)
    return found


def set_password(tx: Transaction, subject: str, hashed: str) -> None:
    tx.execute("UPDATE accounts SET password = ? WHERE subject = ?", (hashed, subject))


def code_secret(tx: Transaction, subject: str) -> tuple[bytes, int] | None:
    """The wrapped secret of the login code and the last time step that was used; None without one."""
    wrapped, step = _require_row(tx, "SELECT totp, totp_step FROM accounts WHERE subject = ?", subject)
    return None if wrapped is None else (wrapped, step)


def set_code_secret(tx: Transaction, subject: str, wrapped: bytes | None, *, step: int = 0) -> None:
    """Keeps a new secret (None: no code any more) with the step that its first code used."""
    tx.execute("UPDATE accounts SET totp = ?, totp_step = ? WHERE subject = ?", (wrapped, step, subject))


def use_step(tx: Transaction, subject: str, step: int) -> bool:
    """Marks the time *step* as used; False when it, or a later one, was already."""
    return tx.changed("UPDATE accounts SET totp_step = ?1 WHERE subject = ?2 AND totp_step < ?1", (step, subject))


def _require_row(tx: Transaction, query: str, subject: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = tx.execute(query, (subject,)).fetchone()
    if row is None:
        raise _no_account(subject)
    return row


def _no_account(subject: str) -> NotFound:
    return NotFound("{subject} has no account here.", subject=subject)


_LINKS = Query(AccountLink, "SELECT id, purpose, subject, made, expires, ended FROM account_links")


def insert_link(tx: Transaction, link: AccountLink, *, by: str) -> None:
    """A new link; an earlier one of the same account ends."""
    tx.update("account_links", {"ended": link.made, "password": None}, subject=link.subject, ended=None)
    tx.insert("account_links", fields_of(link, "id purpose subject made expires") | {"made_by": by})


def find_link(tx: Transaction, link_id: str) -> AccountLink | None:
    return _LINKS.first(tx, "WHERE id = ?", (link_id,))


def open_link(tx: Transaction, subject: str, purpose: LinkPurpose) -> AccountLink | None:
    """The link of *subject* that has not ended, for letters: ``links.token(purpose, link.id)`` is its token."""
    return _LINKS.first(tx, "WHERE subject = ? AND purpose = ? AND ended IS NULL", (subject, purpose))


def save_link_password(tx: Transaction, link_id: str, hashed: str) -> None:
    """Remembers the chosen password (argon2id) until the second factor is there."""
    tx.execute("UPDATE account_links SET password = ? WHERE id = ? AND ended IS NULL", (hashed, link_id))


def link_password(tx: Transaction, link_id: str) -> str | None:
    """What :func:`save_link_password` saved."""
    return tx.value(str, "SELECT password FROM account_links WHERE id = ? AND ended IS NULL", (link_id,))


def end_link(tx: Transaction, link_id: str, *, now: datetime) -> bool:
    """Ends the link; False when it had ended already."""
    return tx.update("account_links", {"ended": now, "password": None}, id=link_id, ended=None)


def end_links_of(tx: Transaction, subject: str, *, now: datetime) -> None:
    tx.update("account_links", {"ended": now, "password": None}, subject=subject, ended=None)


_PASSKEY = "SELECT credential AS credential_id, subject, public_key, sign_count, label, added, used FROM passkeys"
_PASSKEYS = Query(Passkey, _PASSKEY)


def insert_passkey(tx: Transaction, passkey: Passkey) -> None:
    """A new passkey. Raises :class:`StateRefused` when it is known already."""
    with refusing(StateRefused("This passkey is registered here already.")):
        tx.insert(
            "passkeys",
            {"credential": passkey.credential_id}
            | fields_of(passkey, "subject public_key sign_count label added"),
        )


def find_passkey(tx: Transaction, credential_id: bytes) -> Passkey | None:
    return _PASSKEYS.first(tx, "WHERE credential = ?", (credential_id,))


def passkeys_of(tx: Transaction, subject: str) -> list[Passkey]:
    """The passkeys of an account, oldest first."""
    return _PASSKEYS.all(tx, "WHERE subject = ? ORDER BY added, credential", (subject,))


def use_passkey(tx: Transaction, passkey: Passkey, *, sign_count: int, now: datetime) -> bool:
    """Keeps the new counter; False when another request used the same one in between."""
    return tx.changed(
        "UPDATE passkeys SET sign_count = ?, used = ? WHERE credential = ? AND sign_count = ?",
        (sign_count, now, passkey.credential_id, passkey.sign_count),
    )


def remove_passkey(tx: Transaction, subject: str, credential_id: bytes) -> bool:
    """Removes a passkey of *subject*; False when there is none."""
    return tx.changed("DELETE FROM passkeys WHERE subject = ? AND credential = ?", (subject, credential_id))


def remove_passkeys(tx: Transaction, subject: str) -> None:
    tx.execute("DELETE FROM passkeys WHERE subject = ?", (subject,))
