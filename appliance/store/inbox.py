"""What somebody finds in the portal's list of notices: reminders and messages, the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from appliance.model.notice import NoticeKind
from appliance.store.database import Query, Transaction

MOST = 100
"""Up to which is counted."""


_TOLD = (
    "outbox AS o WHERE o.recipient = ?1"
    " AND o.kind NOT IN ('reminders', 'invited', 'recovery', 'guest-invited', 'guest-link')"
    " AND (o.kind NOT IN ('your-turn', 'seal-turn', 'void-proposed') OR EXISTS (SELECT 1 FROM contracts AS c"
    " JOIN involvements AS i ON i.person = o.recipient AND i.number = c.number AND i.bucket = 'to-sign'"
    " WHERE c.id = o.contract AND (c.state = 'completed') = (o.kind = 'void-proposed')))"
    " AND (o.kind <> 'seal-requested' OR EXISTS (SELECT 1 FROM seal_requests AS r WHERE r.id = o.about"
    " AND r.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM seal_approvals AS a"
    " WHERE a.request = r.id AND a.custodian = o.recipient)))"
)
"""Messages in the list: not what is of use in a mail alone (a way in, reminders), nor what asked for something for
which nobody waits any more."""


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """A message that was queued for somebody; ``title`` is its contract's."""

    contract: str | None
    kind: NoticeKind
    about: str
    at: datetime
    title: str


_MESSAGES = Query(InboxMessage)


def messages(tx: Transaction, person: str, *, limit: int) -> list[InboxMessage]:
    """The newest messages to *person* that are in the list."""
    return _MESSAGES.all(
        tx,
        "SELECT o.contract, o.kind, o.about, o.due AS at,"  # noqa: S608  # literals of this module
        " coalesce((SELECT title FROM contracts WHERE id = o.contract), '') AS title"
        f" FROM {_TOLD} ORDER BY o.due DESC, o.id DESC LIMIT ?2",
        (person, limit),
    )


def seen(tx: Transaction, person: str) -> datetime | None:
    """Until when *person* has seen everything."""
    return tx.value(datetime, "SELECT seen FROM inbox_marks WHERE person = ?", (person,))


def mark(tx: Transaction, person: str, until: datetime) -> None:
    """*person* has seen everything up to then."""
    tx.execute(
        "INSERT INTO inbox_marks (person, seen) VALUES (?, ?)"
        " ON CONFLICT (person) DO UPDATE SET seen = max(seen, excluded.seen)",
        (person, until),
    )


def unseen(tx: Transaction, person: str) -> int:
    """How many there are that *person* has not seen, without those that ask for nothing any more; up to
    :data:`MOST` of each."""
    return tx.count(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM reminders WHERE recipient = ?1 AND made > mark"  # noqa: S608
        " AND closed IS NULL LIMIT ?2))"
        f" + (SELECT count(*) FROM (SELECT 1 FROM {_TOLD} AND o.due > mark LIMIT ?2))"
        " FROM (SELECT coalesce((SELECT seen FROM inbox_marks WHERE person = ?1), '') AS mark)",
        (person, MOST),
    )
