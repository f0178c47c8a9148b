"""What the portal's database knows of administrators: their logins and addresses, which nobody in the portal may
have, and which lines of their journal are in the log. Each function runs in the caller's transaction."""

from __future__ import annotations

from appliance.errors import StateRefused
from appliance.store.database import Transaction
from hsm.rows import refusing


def reserve(tx: Transaction, login: str, email: str) -> bool:
    """Keeps *login* and *email* for an administrator; False for the same pair again, which does nothing.

    Raises :class:`StateRefused` when an account, or somebody who is named in contracts, has one of them.
    """
    same = tx.execute(
        "SELECT 1 FROM administrators WHERE login = ? AND email = ? COLLATE NOCASE", (login, email)
    ).fetchone()
    if same is not None:
        return False
    with refusing(
        StateRefused(
            "{login} or {email} belongs to somebody in the portal, or to an administrator; who administrates has"
            " no account in the portal.",
            login=login,
            email=email,
        )
    ):
        tx.execute("INSERT INTO administrators (login, email) VALUES (?, ?)", (login, email))
    return True


def release(tx: Transaction, login: str) -> None:
    """The login and its address may be used in the portal again."""
    tx.execute("DELETE FROM administrators WHERE login = ?", (login,))


def last_in_log(tx: Transaction, journal: str) -> int:
    """The number of the last line of *journal* that is in the log; 0 when none is."""
    return tx.count("SELECT coalesce(max(number), 0) FROM journal_entries WHERE journal = ?", (journal,))


def entry_of(tx: Transaction, journal: str, number: int) -> int:
    """The log's entry of the line *number* of *journal*, which is there."""
    return tx.count("SELECT entry FROM journal_entries WHERE journal = ? AND number = ?", (journal, number))


def in_log(tx: Transaction, journal: str, number: int, entry: int) -> None:
    """The line *number* of *journal* is the log's *entry*."""
    tx.execute("INSERT INTO journal_entries (journal, number, entry) VALUES (?, ?, ?)", (journal, number, entry))
