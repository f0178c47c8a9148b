"""What became of the messages about a contract, and sending one of them once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.model.notice import NoticeKind
from appliance.store.database import Transaction
from hsm.rows import RowMapper

_MAILS = (
    "SELECT o.id, o.recipient, p.name, o.kind, o.state, o.due, o.settled, o.retry_at, o.attempts, o.reason"
    " FROM outbox AS o JOIN people AS p ON p.subject = o.recipient"
)
_ABOUT = "(o.contract = ?1 OR o.id IN (SELECT mail FROM reminders WHERE contract = ?1))"


RECENT = timedelta(days=14)
"""How long a mail that may not have arrived is somebody's business."""


@dataclass(frozen=True, slots=True)
class MessageDelivery:
    """One message: ``state`` as in the outbox, ``settled`` when it came to it, ``retry_at`` when a waiting one is
    tried next; ``reason`` is what the mail server or the process said."""

    id: int
    recipient: str
    name: str
    kind: NoticeKind
    state: str
    due: datetime
    settled: datetime | None
    retry_at: datetime
    attempts: int
    reason: str | None


_DELIVERIES = RowMapper(MessageDelivery)


def deliveries_of(tx: Transaction, contract_id: str, *, limit: int) -> list[MessageDelivery]:
    """The messages that concern a contract, the newest first."""
    rows = tx.execute(f"{_MAILS} WHERE {_ABOUT} ORDER BY o.due DESC, o.id DESC LIMIT ?2", (contract_id, limit))
    return _DELIVERIES.all(rows)


def recipient_of(tx: Transaction, contract_id: str, message: int) -> str | None:
    """To whom the *message* goes, when it concerns the contract."""
    query = f"SELECT o.recipient FROM outbox AS o WHERE o.id = ?2 AND {_ABOUT}"  # noqa: S608 -- a literal above
    return tx.value(str, query, (contract_id, message))


def delivery_problems(tx: Transaction, *, before: datetime, since: datetime) -> tuple[int, int, int]:
    """Messages whose arrival became unknown *since* then, those that were refused since then, and those that
    should have gone out *before* that moment; up to 1,000 each."""
    [[unknown, refused, late]] = tx.execute(
        "SELECT (SELECT count(*) FROM"
        " (SELECT 1 FROM outbox WHERE state = 'unknown' AND settled >= ?2 LIMIT 1000)),"
        " (SELECT count(*) FROM"
        " (SELECT 1 FROM outbox WHERE state = 'refused' AND settled >= ?2 LIMIT 1000)),"
        " (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE state = 'queued' AND"
        " CASE WHEN attempts > 0 THEN due ELSE retry_at END <= ?1 LIMIT 1000))",
        (before, since),
    )
    return unknown, refused, late
