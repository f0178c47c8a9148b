"""Identities of an identity provider, and the sessions that it opened. Each function runs in the caller's
transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from appliance.model.accounts import OpenIdentity
from appliance.store.database import Transaction
from hsm.rows import Query

_COLUMN: Final = {"login": "login = ? COLLATE NOCASE", "key": "key = ?", "email": "email = ? COLLATE NOCASE"}


def subject_of(tx: Transaction, identity: OpenIdentity) -> str | None:
    """Whose *identity* it is, or None."""
    return tx.value(
        str,
        "SELECT subject FROM sign_on_identities WHERE issuer = ? AND sub = ?",
        (identity.issuer, identity.sub),
    )


def identity_of(tx: Transaction, issuer: str, subject: str) -> str | None:
    """The ``sub`` by which *subject* signs in through *issuer*, or None."""
    return tx.value(
        str, "SELECT sub FROM sign_on_identities WHERE issuer = ? AND subject = ?", (issuer, subject)
    )


def link(tx: Transaction, identity: OpenIdentity, subject: str, *, now: datetime) -> None:
    """*identity* is that of *subject*, for good."""
    tx.insert(
        "sign_on_identities",
        {"issuer": identity.issuer, "sub": identity.sub, "subject": subject, "first": now, "last": now},
    )


def touch(tx: Transaction, identity: OpenIdentity, *, now: datetime) -> None:
    """Somebody has signed in by *identity*."""
    tx.update("sign_on_identities", {"last": now}, issuer=identity.issuer, sub=identity.sub)


_USERS = Query(
    lambda id, subject: (id, subject),  # noqa: A006 - a column
    "SELECT id, subject FROM directory_users",
)


def matching_users(tx: Transaction, attribute: str, value: str, source: str) -> list[tuple[str, str | None]]:
    """The directory users of *source*, three at most, whose *attribute* (``login``, ``key`` or ``email``) is
    *value*, and whom their directory has and lets in: their ids and who they are here."""
    rows = tx.execute(
        f"SELECT id, subject FROM directory_users WHERE source = ? AND {_COLUMN[attribute]}"  # noqa: S608 - ours
        " AND removed IS NULL AND enabled = 1 LIMIT 3",
        (source, value),
    )
    return [(user, subject) for user, subject in rows]
