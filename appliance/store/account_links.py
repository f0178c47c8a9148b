"""Links for the owners of accounts. Each function runs in the caller's transaction."""

from __future__ import annotations

from datetime import datetime

from appliance.model.accounts import AccountLink, LinkPurpose
from appliance.store.database import Transaction
from hsm.rows import RowMapper

_LINK = "SELECT id, purpose, subject, made, expires, ended FROM account_links"
_LINKS = RowMapper(AccountLink)


def insert_link(tx: Transaction, link: AccountLink, *, by: str) -> None:
    """A new link; an earlier one of the same account ends."""
    tx.execute(
        "UPDATE account_links SET ended = ?, password = NULL WHERE subject = ? AND ended IS NULL",
        (link.made, link.subject),
    )
    tx.execute(
        "INSERT INTO account_links (id, purpose, subject, made, made_by, expires) VALUES (?, ?, ?, ?, ?, ?)",
        (link.id, link.purpose, link.subject, link.made, by, link.expires),
    )


def find_link(tx: Transaction, link_id: str) -> AccountLink | None:
    """The link with this id, however it stands."""
    return _LINKS.first(tx.execute(f"{_LINK} WHERE id = ?", (link_id,)))


def open_link(tx: Transaction, subject: str, purpose: LinkPurpose) -> AccountLink | None:
    """The link of *subject* that has not ended, for letters: ``links.token(purpose, link.id)`` is its token."""
    return _LINKS.first(
        tx.execute(f"{_LINK} WHERE subject = ? AND purpose = ? AND ended IS NULL", (subject, purpose))
    )


def save_link_password(tx: Transaction, link_id: str, hashed: str) -> None:
    """Remembers the chosen password (argon2id) until the second factor is there."""
    tx.execute("UPDATE account_links SET password = ? WHERE id = ? AND ended IS NULL", (hashed, link_id))


def link_password(tx: Transaction, link_id: str) -> str | None:
    """What :func:`keep_password` kept."""
    return tx.value(str, "SELECT password FROM account_links WHERE id = ? AND ended IS NULL", (link_id,))


def end_link(tx: Transaction, link_id: str, *, now: datetime) -> bool:
    """Ends the link; False when it had ended already."""
    return (
        tx.change(
            "UPDATE account_links SET ended = ?, password = NULL WHERE id = ? AND ended IS NULL",
            (now, link_id),
        )
        == 1
    )


def end_links_of(tx: Transaction, subject: str, *, now: datetime) -> None:
    """Ends whatever link of *subject* is open."""
    tx.execute(
        "UPDATE account_links SET ended = ?, password = NULL WHERE subject = ? AND ended IS NULL",
        (now, subject),
    )
