"""What somebody finds in the portal's list of notices: reminders and messages, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.model.notice import NoticeKind
from appliance.store.database import Transaction
from appliance.store.moments import loaded, stored

MOST = 100
"""Up to which is counted."""


@dataclass(frozen=True, slots=True)
class Told:
    """A message that was queued for somebody; ``title`` is its contract's."""

    contract: str | None
    kind: NoticeKind
    about: str
    at: datetime
    title: str


def messages(tx: Transaction, person: str, *, limit: int) -> list[Told]:
    """The newest messages to *person*; what is of use in a mail alone (a way in, reminders) left out."""
    rows = tx.execute(
        "SELECT o.contract, o.kind, o.about, o.due, c.title FROM outbox AS o"
        " LEFT JOIN contracts AS c ON c.id = o.contract WHERE o.recipient = ?"
        " AND o.kind NOT IN ('reminders', 'invited', 'recovery', 'guest-invited', 'guest-link')"
        " ORDER BY o.due DESC, o.id DESC LIMIT ?",
        (person, limit),
    )
    return [Told(row[0], NoticeKind(row[1]), row[2], loaded(row[3]), row[4] or "") for row in rows]


def seen(tx: Transaction, person: str) -> datetime | None:
    """Until when *person* has seen everything."""
    row = tx.execute("SELECT seen FROM inbox_marks WHERE person = ?", (person,)).fetchone()
    moment: str | None = None if row is None else row[0]
    return loaded(moment)


def mark(tx: Transaction, person: str, until: datetime) -> None:
    """*person* has seen everything up to then."""
    tx.execute(
        "INSERT INTO inbox_marks (person, seen) VALUES (?, ?)"
        " ON CONFLICT (person) DO UPDATE SET seen = max(seen, excluded.seen)",
        (person, stored(until)),
    )


def unseen(tx: Transaction, person: str) -> int:
    """How many there are that *person* has not seen, reminders that ask for nothing any more left out; up to
    :data:`MOST` of each."""
    row = tx.execute(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM reminders WHERE recipient = ?1 AND made > mark"
        " AND closed IS NULL LIMIT ?2)) + (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE recipient = ?1"
        " AND due > mark AND kind NOT IN ('reminders', 'invited', 'recovery', 'guest-invited', 'guest-link')"
        " LIMIT ?2))"
        " FROM (SELECT coalesce((SELECT seen FROM inbox_marks WHERE person = ?1), '') AS mark)",
        (person, MOST),
    ).fetchone()
    return int(row[0])
