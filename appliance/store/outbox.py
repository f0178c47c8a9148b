"""The outbox: messages that are written in the same transaction as what they tell about, and sent afterwards;
what became of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from appliance.model.notice import BY_GATEWAY, ChannelKind, Notice, NoticeKind
from appliance.store.database import Transaction
from hsm.rows import Query, columns, fields_of


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A notice under way; ``attempts`` counts the tries so far. ``since`` is when it was queued: when it became
    due, or when somebody had it sent again."""

    id: int
    notice: Notice
    attempts: int
    since: datetime


_QUEUED = "state IN ('queued', 'sending') AND state = 'queued'"
_FAILED = "state IN ('unknown', 'refused')"
"""As the indexes have it: without their own conditions the whole table is read."""

_TEXTS = f"kind IN ({', '.join(repr(str(kind)) for kind in sorted(BY_GATEWAY))})"
_BY = {ChannelKind.MAIL: f"NOT {_TEXTS}", ChannelKind.GATEWAY: _TEXTS}
"""What goes by a channel."""


def enqueue(tx: Transaction, notice: Notice) -> None:
    """Queue *notice*, once: what has the same Message-ID is the same message."""
    row = fields_of(notice, "contract recipient kind about due message_id")
    queued = row | {"state": "queued", "retry_at": notice.due}
    tx.insert("outbox", queued, conflict="ON CONFLICT (message_id) DO NOTHING")


def made_since(
    tx: Transaction, recipient: str, kinds: Sequence[NoticeKind], *, since: datetime, about: str | None = None
) -> int:
    """How many messages of these *kinds* to *recipient* have become due since then; those *about* something."""
    query = (
        "SELECT count(*) FROM outbox WHERE recipient = ?1 AND due >= ?2"
        " AND kind IN (SELECT value FROM json_each(?3)) AND (?4 IS NULL OR about = ?4)"
    )
    return tx.count(query, (recipient, since, json.dumps(kinds), about))


def is_held_up(tx: Transaction) -> bool:
    """Whether a mail waits that was tried and not taken."""
    held = f"{_QUEUED} AND reason IS NOT NULL AND {_BY[ChannelKind.MAIL]}"
    return tx.exists(f"SELECT 1 FROM outbox WHERE {held} LIMIT 1")  # noqa: S608  # literals of this module


def waiting(
    tx: Transaction, now: datetime, *, channel: ChannelKind, urgent: Collection[NoticeKind], limit: int
) -> list[int]:
    """The ids of what is due by *channel*, in the order in which it is sent: *urgent* kinds first; then the
    initiators of the contracts that the messages are about, and where there is none the recipients, take turns, so
    that many messages of one hold up nobody else's. Of each it is the message that waits longest."""
    return tx.column(
        int,
        "SELECT id FROM (SELECT id, retry_at, urgent,"  # noqa: S608  # literals of this module
        " row_number() OVER (PARTITION BY urgent, whose ORDER BY retry_at, id) AS turn FROM"
        " (SELECT id, retry_at, kind IN (SELECT value FROM json_each(?2)) AS urgent,"
        " coalesce((SELECT initiator FROM contracts WHERE id = outbox.contract), recipient) AS whose"
        f" FROM outbox WHERE {_QUEUED} AND retry_at <= ?1 AND {_BY[channel]}))"
        " ORDER BY urgent DESC, turn, retry_at, id LIMIT ?3",
        (now, json.dumps(sorted(urgent)), limit),
    )


def take(tx: Transaction, message_id: int, now: datetime) -> OutboxMessage | None:
    """queued → sending for a message that is due; None when it is not any more."""
    return _MESSAGES.first(
        tx,
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1"
        " WHERE id = ? AND state = 'queued' AND retry_at <= ?"
        " RETURNING id, contract, recipient, kind, due, about, attempts, coalesce(settled, due) AS since",
        (message_id, now),
    )


def _notice(contract: str | None, recipient: str, kind: str, due: str, about: str) -> Notice:
    return Notice(contract, recipient, NoticeKind(kind), datetime.fromisoformat(due), about)


_MESSAGES = Query(OutboxMessage, notice=columns(_notice, "contract", "recipient", "kind", "due", "about"))


def settle(
    tx: Transaction,
    message: OutboxMessage,
    state: Literal["sent", "unknown", "refused", "withdrawn"],
    at: datetime,
    *,
    reason: str | None = None,
) -> None:
    """sending → *state*: accepted by the server (``sent``); it may have arrived, and a person decides whether to
    send it again (``unknown``); refused for good; or no longer needed (``withdrawn``)."""
    tx.update("outbox", {"state": state, "reason": reason, "settled": at}, id=message.id, state="sending")


def withdraw(tx: Transaction, recipient: str, at: datetime) -> int:
    """queued → withdrawn for all that waits for *recipient*, who was not meant; how many."""
    return tx.change(
        "UPDATE outbox SET state = 'withdrawn', settled = ? WHERE recipient = ? AND state = 'queued'",
        (at, recipient),
    )


def postpone(tx: Transaction, message: OutboxMessage, *, reason: str, until: datetime) -> None:
    """sending → queued: certainly not sent; it is tried again at *until*."""
    _queue(tx, message, reason=reason, retry_at=until)


def unreached(tx: Transaction, message: OutboxMessage, reason: str) -> None:
    """sending → queued, as it was: the server could not be reached, which is no try of this message."""
    _queue(tx, message, reason=reason, attempts=message.attempts - 1)


def put_back(tx: Transaction, message: OutboxMessage, until: datetime) -> None:
    """sending → queued, as if it had not been taken: it was not tried, and waits until then."""
    _queue(tx, message, retry_at=until, attempts=message.attempts - 1)


def _queue(tx: Transaction, message: OutboxMessage, **row: object) -> None:
    tx.update("outbox", {"state": "queued", **row}, id=message.id, state="sending")


def gather(tx: Transaction, person: str, *, now: datetime, at: datetime, about: str) -> int:
    """The message that takes reminders to *person* next, going out at *at* or before; its id.

    A new one when none waits; *about* tells it from all others.
    """
    waiting = tx.value(
        int,
        "UPDATE outbox SET retry_at = min(retry_at, ?) WHERE id = (SELECT id FROM outbox"
        " WHERE recipient = ? AND state = 'queued' AND kind = 'reminders' ORDER BY id LIMIT 1) RETURNING id",
        (at, person),
    )
    if waiting is not None:
        return waiting
    notice = Notice(None, person, NoticeKind.REMINDERS, now, about)
    return tx.count(
        "INSERT INTO outbox (recipient, kind, about, due, state, message_id, retry_at)"
        " VALUES (?, ?, ?, ?, 'queued', ?, ?) RETURNING id",
        (person, notice.kind, about, now, notice.message_id, at),
    )


def resend(tx: Transaction, message_id: int, now: datetime) -> bool:
    """unknown or refused → queued, because somebody asked for it. False when it is in another state."""
    return tx.changed(
        "UPDATE outbox SET state = 'queued', reason = NULL, retry_at = ?1, settled = ?1"
        " WHERE id = ?2 AND state IN ('unknown', 'refused')",
        (now, message_id),
    )


def give_up_sending(tx: Transaction, channel: ChannelKind, reason: str, at: datetime) -> int:
    """sending → unknown for whatever a process that died was sending by *channel*; how many."""
    query = "UPDATE outbox SET state = 'unknown', reason = ?, settled = ? WHERE state = 'sending'"
    return tx.change(f"{query} AND {_BY[channel]}", (reason, at))


def take_up_sending(tx: Transaction, channel: ChannelKind, reason: str) -> int:
    """sending → queued for whatever a process that died was sending by *channel*, which passes a message on once
    however often it gets it; how many."""
    query = "UPDATE outbox SET state = 'queued', reason = ? WHERE state = 'sending'"
    return tx.change(f"{query} AND {_BY[channel]}", (reason,))


def withdraw_all(tx: Transaction, channel: ChannelKind, at: datetime) -> int:
    """queued or sending → withdrawn for all that goes by *channel*, which there is no more; how many."""
    query = "UPDATE outbox SET state = 'withdrawn', settled = ? WHERE state IN ('queued', 'sending')"
    return tx.change(f"{query} AND {_BY[channel]}", (at,))


def other_texts(tx: Transaction, number: bytes, message: str, *, since: datetime) -> int:
    """How many text messages were handed to the gateway for *number* (a digest) since then, without the *message*
    with this Message-ID."""
    query = "SELECT count(*) FROM texted_numbers WHERE number = ? AND at >= ? AND message <> ?"
    return tx.count(query, (number, since, message))


def note_text(tx: Transaction, message: str, number: bytes, at: datetime) -> None:
    """The *message* goes to *number* (a digest); it counts from its first try on."""
    row = {"message": message, "number": number, "at": at}
    tx.insert("texted_numbers", row, conflict="ON CONFLICT (message) DO NOTHING")


def forget_texts(tx: Transaction, before: datetime) -> None:
    """Removes what went out before then, a hundred at most."""
    tx.forget_oldest("texted_numbers", "message", "at", before=before)


def count_queued(tx: Transaction) -> int:
    """How many mails wait in the outbox, or are being sent."""
    query = "SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')"
    return tx.count(f"{query} AND {_BY[ChannelKind.MAIL]}")


def counts(tx: Transaction) -> dict[str, int]:
    return dict(tx.execute("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state").fetchall())


def retry_after(attempts: int) -> timedelta:
    """One minute after the first try, doubling up to six hours."""
    return min(timedelta(minutes=2 ** min(attempts - 1, 9)), timedelta(hours=6))


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
    tried next; ``reason`` is what the mail server, the message gateway or the process said."""

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

    @property
    def is_text(self) -> bool:
        """Whether it is a text message, not a mail."""
        return self.kind in BY_GATEWAY


_DELIVERIES = Query(MessageDelivery, _MAILS)


def deliveries_of(tx: Transaction, contract_id: str, *, limit: int) -> list[MessageDelivery]:
    """The messages that concern a contract, the newest first."""
    return _DELIVERIES.all(tx, f"WHERE {_ABOUT} ORDER BY o.due DESC, o.id DESC LIMIT ?2", (contract_id, limit))


def recipient_of(tx: Transaction, contract_id: str, message: int) -> str | None:
    """To whom the *message* goes, when it concerns the contract."""
    query = f"SELECT o.recipient FROM outbox AS o WHERE o.id = ?2 AND {_ABOUT}"  # noqa: S608 -- a literal above
    return tx.value(str, query, (contract_id, message))


def newest_about(tx: Transaction, recipient: str, kind: NoticeKind, about: str) -> MessageDelivery | None:
    """The newest message of this *kind* to *recipient* about something, if there was one."""
    condition = "WHERE o.recipient = ?1 AND o.kind = ?2 AND o.about = ?3 ORDER BY o.due DESC, o.id DESC LIMIT 1"
    return _DELIVERIES.first(tx, condition, (recipient, kind, about))


def delivery_problems(tx: Transaction, *, before: datetime, since: datetime) -> tuple[int, int, int]:
    """Mails whose arrival became unknown *since* then, those that were refused since then, and those that
    should have gone out *before* that moment; up to 1,000 each."""
    mail = _BY[ChannelKind.MAIL]
    [[unknown, refused, late]] = tx.execute(
        "SELECT (SELECT count(*) FROM"  # noqa: S608  # literals of this module
        f" (SELECT 1 FROM outbox WHERE {_FAILED} AND state = 'unknown' AND settled >= ?2 AND {mail} LIMIT 1000)),"
        " (SELECT count(*) FROM"
        f" (SELECT 1 FROM outbox WHERE {_FAILED} AND state = 'refused' AND settled >= ?2 AND {mail} LIMIT 1000)),"
        f" (SELECT count(*) FROM (SELECT 1 FROM outbox WHERE {_QUEUED} AND {mail} AND"
        " CASE WHEN attempts > 0 THEN due ELSE retry_at END <= ?1 LIMIT 1000))",
        (before, since),
    )
    return unknown, refused, late


MOST_UNSEEN = 100
"""Up to which is counted."""


_NOTIFIED = (
    "outbox AS o WHERE o.recipient = ?1"
    " AND o.kind NOT IN ('reminders', 'invited', 'recovery', 'guest-invited', 'guest-link')"
    " AND (o.kind NOT IN ('your-turn', 'seal-turn', 'void-proposed') OR EXISTS (SELECT 1 FROM contracts AS c"
    " JOIN involvements AS i ON i.person = o.recipient AND i.number = c.number AND i.bucket = 'to-sign'"
    " WHERE c.id = o.contract AND (c.state = 'completed') = (o.kind = 'void-proposed')))"
    " AND (o.kind <> 'seal-requested' OR EXISTS (SELECT 1 FROM seal_requests AS r WHERE r.id = o.about"
    " AND r.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM seal_approvals AS a"
    " WHERE a.request = r.id AND a.custodian = o.recipient)))"
    " AND (o.kind <> 'enrolment-waiting' OR EXISTS (SELECT 1 FROM enrolment_requests AS r WHERE r.id = o.about"
    " AND r.state = 'open'))"
    " AND (o.kind <> 'act-waiting' OR EXISTS (SELECT 1 FROM office_acts AS a WHERE a.id = o.about"
    " AND a.state = 'open'))"
    " AND (o.kind <> 'draft-shared' OR EXISTS (SELECT 1 FROM draft_colleagues AS d WHERE d.person = o.recipient"
    " AND (d.text = o.about OR d.contract = (SELECT id FROM contracts WHERE id = o.about AND state = 'draft'))))"
    " AND (o.kind NOT IN ('capture-shared', 'capture-changed') OR EXISTS (SELECT 1 FROM captures AS c"
    " WHERE c.id = o.about AND c.owner = o.recipient) OR EXISTS (SELECT 1 FROM capture_readers AS r"
    " WHERE r.person = o.recipient AND (o.about IN (r.capture, r.schedule)"
    " OR r.schedule = (SELECT schedule FROM captures WHERE id = o.about))))"
    " AND (o.kind <> 'captures-due' OR EXISTS (SELECT 1 FROM captures AS c WHERE c.state = 'done'"
    " AND c.held IS NULL AND c.ended < o.about AND NOT EXISTS (SELECT 1 FROM capture_holds AS h"
    " WHERE h.capture = c.id AND h.lifted IS NULL) AND NOT EXISTS (SELECT 1 FROM capture_disposals AS d"
    " WHERE d.capture = c.id AND d.state = 'proposed')))"
    " AND (o.kind NOT IN ('guest-arrived', 'guest-asks', 'guest-locked') OR EXISTS (SELECT 1"
    " FROM guest_invitations AS g JOIN parties AS p ON p.id = g.party JOIN contracts AS c ON c.id = g.contract"
    " WHERE g.party = o.about AND g.ended IS NULL AND p.state = 'waiting' AND c.state = 'sent'"
    " AND (g.used IS NULL OR g.used < o.due) AND (o.kind <> 'guest-locked' OR g.tries = 5)))"
    " AND (o.kind <> 'guest-registered' OR EXISTS (SELECT 1 FROM parties AS p"
    " JOIN enrolment_requests AS r ON r.subject = p.subject AND r.state = 'open' WHERE p.id = o.about))"
    " AND (o.kind <> 'certificate-to-end' OR NOT EXISTS (SELECT 1 FROM office_acts AS a"
    " WHERE a.subject = o.about AND a.kind = 'retire' AND a.state = 'done'))"
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


_INBOX = Query(InboxMessage)


def inbox_messages(tx: Transaction, person: str, *, limit: int) -> list[InboxMessage]:
    """The newest messages to *person* that are in the list."""
    return _INBOX.all(
        tx,
        "SELECT o.contract, o.kind, o.about, o.due AS at,"  # noqa: S608  # literals of this module
        " coalesce((SELECT title FROM contracts WHERE id = o.contract),"
        " (SELECT title FROM texts WHERE id = o.about),"
        " (SELECT substr(address, 1, 100) FROM captures WHERE id = o.about),"
        " (SELECT substr(address, 1, 100) FROM capture_schedules WHERE id = o.about),"
        " (SELECT title FROM deposits WHERE id = o.about), '') AS title"
        f" FROM {_NOTIFIED} ORDER BY o.due DESC, o.id DESC LIMIT ?2",
        (person, limit),
    )


def inbox_seen(tx: Transaction, person: str) -> datetime | None:
    """Until when *person* has seen everything."""
    return tx.value(datetime, "SELECT seen FROM inbox_marks WHERE person = ?", (person,))


def mark_inbox(tx: Transaction, person: str, until: datetime) -> None:
    """*person* has seen everything up to then."""
    tx.execute(
        "INSERT INTO inbox_marks (person, seen) VALUES (?, ?)"
        " ON CONFLICT (person) DO UPDATE SET seen = max(seen, excluded.seen)",
        (person, until),
    )


def count_unseen(tx: Transaction, person: str) -> int:
    """How many there are that *person* has not seen, without those that ask for nothing any more; up to
    :data:`MOST_UNSEEN` of each."""
    return tx.count(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM reminders WHERE recipient = ?1 AND made > mark"  # noqa: S608
        " AND closed IS NULL LIMIT ?2))"
        f" + (SELECT count(*) FROM (SELECT 1 FROM {_NOTIFIED} AND o.due > mark LIMIT ?2))"
        " FROM (SELECT coalesce((SELECT seen FROM inbox_marks WHERE person = ?1), '') AS mark)",
        (person, MOST_UNSEEN),
    )
