"""What was told about how things stand, and to whom it still has to be told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.store.database import Transaction
from appliance.store.health.observations import Observation, decode_sentence, encode_sentence
from hsm.rows import Query, columns, fields_of


@dataclass(frozen=True, slots=True)
class Alarm(Observation):
    """At ``at`` it was told of what was observed that it had ``begun``, was ``lasting``, or was ``over``."""

    event: str


@dataclass(frozen=True, slots=True)
class AlarmMessage:
    """An alarm on its way to somebody: by ``mail`` to an address, or to the ``webhook``; tried so many times."""

    id: int
    alarm_id: int
    alarm: Alarm
    channel: str
    address: str
    attempts: int


_ALARMS = Query(
    Alarm,
    "SELECT name, event, condition, sentence, remedy, page, mark, since, at FROM alarms",
    sentence=decode_sentence,
    remedy=decode_sentence,
)


def insert_alarm(tx: Transaction, alarm: Alarm, channels: Iterable[tuple[str, str]]) -> None:
    """Keeps *alarm*, to be told by all *channels* (kind and address)."""
    sentences = {"sentence": encode_sentence(alarm.sentence), "remedy": encode_sentence(alarm.remedy)}
    number = tx.insert_new("alarms", fields_of(alarm, "name event condition page mark since at") | sentences)
    for channel, address in channels:
        row = {"alarm": number, "channel": channel, "address": address, "retry_at": alarm.at}
        tx.insert("tellings", row)


def last_of_each(tx: Transaction) -> dict[str, Alarm]:
    """The newest alarm about each thing, by its name."""
    newest = _ALARMS.all(tx, "WHERE id IN (SELECT max(id) FROM alarms GROUP BY name)")
    return {alarm.name: alarm for alarm in newest}


def waiting(tx: Transaction, now: datetime, *, channel: str, limit: int) -> list[AlarmMessage]:
    """What is to be told by *channel* and by *now*, the oldest first."""
    return _MESSAGES.all(
        tx,
        "SELECT t.id, t.alarm AS alarm_id, t.channel, t.address, t.attempts, a.name, a.event,"
        " a.condition, a.sentence, a.remedy, a.page, a.mark, a.since, a.at"
        " FROM tellings AS t JOIN alarms AS a ON a.id = t.alarm"
        " WHERE t.state = 'waiting' AND t.channel = ? AND t.retry_at <= ? ORDER BY t.retry_at, t.id"
        " LIMIT ?",
        (channel, now, limit),
    )


def mark_sent(tx: Transaction, message_id: int) -> None:
    """waiting → told."""
    tx.update("tellings", {"state": "told", "reason": None}, id=message_id, state="waiting")


def postpone(tx: Transaction, message_id: int, *, reason: str, until: datetime) -> None:
    """One more try failed, for *reason*; the next is at *until*."""
    tx.execute(
        "UPDATE tellings SET attempts = attempts + 1, reason = ?, retry_at = ? WHERE id = ? AND state = 'waiting'",
        (reason, until, message_id),
    )


def give_up(tx: Transaction, message_id: int, *, reason: str) -> None:
    """waiting → given-up: it will not be told to this address."""
    tx.execute(
        "UPDATE tellings SET state = 'given-up', attempts = attempts + 1, reason = ?"
        " WHERE id = ? AND state = 'waiting'",
        (reason, message_id),
    )


def forget(tx: Transaction, *, before: datetime) -> None:
    """Alarms older than *before* are gone, but for the last about each thing."""
    tx.execute(
        "DELETE FROM alarms WHERE at < ? AND id NOT IN (SELECT max(id) FROM alarms GROUP BY name)",
        (before,),
    )


def _alarm(name: str, condition: str, sentence: str, remedy: str, *rest: Any) -> Alarm:
    page, mark, since, at, event = rest
    times = datetime.fromisoformat(since), datetime.fromisoformat(at)
    return Alarm(name, condition, decode_sentence(sentence), decode_sentence(remedy), page, mark, *times, event)


_MESSAGES = Query(
    AlarmMessage,
    alarm=columns(_alarm, "name", "condition", "sentence", "remedy", "page", "mark", "since", "at", "event"),
)
