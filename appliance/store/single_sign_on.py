"""Identities of an identity provider, and the sessions that it opened. Each function runs in the caller's
transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.model.directories import ProviderIdentity
from appliance.store.database import Transaction
from hsm.rows import fields_of


def subject_of(tx: Transaction, identity: ProviderIdentity) -> str | None:
    """Whose *identity* it is, or None."""
    return tx.value(
        str,
        "SELECT subject FROM sign_on_identities WHERE issuer = ? AND sub = ?",
        (identity.issuer, identity.sub),
    )


def has_identity(tx: Transaction, issuer: str, subject: str) -> bool:
    """Whether *subject* has signed in through *issuer* before."""
    return tx.exists("SELECT 1 FROM sign_on_identities WHERE issuer = ? AND subject = ?", (issuer, subject))


def link_identity(tx: Transaction, identity: ProviderIdentity, subject: str, *, now: datetime) -> None:
    """*identity* is that of *subject*, and nobody else's."""
    tx.insert(
        "sign_on_identities", fields_of(identity, "issuer sub") | {"subject": subject, "first": now, "last": now}
    )


def pass_identities(tx: Transaction, before: str, after: str) -> None:
    """*after* is the new account of somebody whose account *before* was closed."""
    tx.update("sign_on_identities", {"subject": after}, subject=before)


def touch_identity(tx: Transaction, identity: ProviderIdentity, *, now: datetime) -> None:
    """Somebody has signed in by *identity*."""
    tx.update("sign_on_identities", {"last": now}, issuer=identity.issuer, sub=identity.sub)


def keep_session(tx: Transaction, session: bytes, identity: ProviderIdentity, sid: str, *, sign_out: str) -> None:
    """The *session* (SHA-256 of its cookie) is one that the identity provider calls *sid*, empty for none, and
    ends at the address *sign_out*, empty for none."""
    columns = {"session": session, "sid": sid, "sign_out": sign_out}
    tx.insert("sign_on_sessions", fields_of(identity, "issuer sub") | columns)


def issuer_of(tx: Transaction, session: bytes) -> str | None:
    """Who has opened the *session*; None for one of another way in."""
    return tx.value(str, "SELECT issuer FROM sign_on_sessions WHERE session = ?", (session,))


def sign_out_of(tx: Transaction, issuer: str, session: bytes) -> str:
    """Where *issuer* ends the *session*; empty where it offers nothing, or has not opened it."""
    query = "SELECT sign_out FROM sign_on_sessions WHERE session = ? AND issuer = ?"
    return tx.value(str, query, (session, issuer)) or ""


_OF = (
    "SELECT s.id, s.subject FROM sign_on_sessions o JOIN sessions s ON s.id = o.session"
    " WHERE s.ended IS NULL AND o.issuer = ?"
)


def sessions_by_sub(tx: Transaction, identity: ProviderIdentity) -> list[tuple[bytes, str]]:
    """The sessions of *identity* that nobody ended, and whose they are."""
    return [*tx.execute(f"{_OF} AND o.sub = ?", (identity.issuer, identity.sub))]


def sessions_by_sid(tx: Transaction, issuer: str, sid: str) -> list[tuple[bytes, str]]:
    """The sessions that *issuer* calls *sid* and nobody ended, and whose they are."""
    return [*tx.execute(f"{_OF} AND o.sid = ?", (issuer, sid))]
