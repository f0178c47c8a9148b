"""How the messages of the outbox that go by one channel are sent: queued → sending → sent, unknown, refused or
withdrawn, each its own commit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Generic, Literal

from appliance.model.notice import ChannelKind, NoticeKind
from appliance.notices.channel import (
    Channel,
    Content,
    DeliveryRefused,
    DeliveryUnavailable,
    DeliveryUnknown,
    DeliveryUnreachable,
    Envelope,
    pause_after,
)
from appliance.notices.messages import Postponed
from appliance.store import outbox
from appliance.store.database import Database, Transaction
from appliance.store.outbox import OutboxMessage

INTERRUPTED = "the process ended while it was sent"

TOO_LATE = "it waited for too long"

TURNS: Final = 50
"""Messages that are sent until it is asked anew which come next."""


@dataclass(frozen=True, slots=True)
class Prepared(Generic[Content]):
    """A message as it goes out, and to whom."""

    envelope: Envelope
    content: Content


class ChannelDelivery(ABC, Generic[Content]):
    """There is one sender for each channel at a time (the scheduler).

    A channel that cannot be reached holds all of its messages for a while, up to ``longest_pause``; one that will
    not take a message postpones that message. Where nobody knows whether a message was taken, an idempotent
    channel gets it again, and any other one only when somebody asks for it.
    """

    channel_kind: ClassVar[ChannelKind]
    longest_pause: ClassVar[timedelta]
    urgent: ClassVar[frozenset[NoticeKind]] = frozenset()
    lifetime: ClassVar[timedelta | None] = None
    """How long after it was queued a message may still be sent; None for always."""

    def __init__(self, database: Database, channel: Channel[Content], now: Callable[[], datetime]) -> None:
        self._database = database
        self._channel = channel
        self._now = now
        self._failures = 0
        self._paused_until: datetime | None = None

    @abstractmethod
    def compose(self, tx: Transaction, message: OutboxMessage) -> Prepared[Content] | Postponed | None:
        """The message as it is now; the moment until which it waits; None when nobody needs it any more."""

    @abstractmethod
    def pause_of(self, message: OutboxMessage) -> timedelta:
        """How long a message waits that was not taken."""

    def on_failure(self, tx: Transaction, message: OutboxMessage) -> None:
        """Called in the transaction in which a message comes to be refused or unknown."""

    def recover_interrupted(self) -> int:
        """At the start: what a sender that died had in hand goes again by an idempotent channel; by another one it
        is unknown, and never sent again by itself. How many."""
        if self._channel.is_idempotent:
            return self._database.commit(outbox.take_up_sending, self.channel_kind, INTERRUPTED)
        return self._database.commit(outbox.give_up_sending, self.channel_kind, INTERRUPTED, self._now())

    def deliver_due(self, *, most: int = 100) -> int:
        """Send what is due, at most so many; how many were taken by the other side."""
        delivered, taken, turns = 0, 0, list[int]()
        while taken < most and (self._paused_until is None or self._now() >= self._paused_until):
            turns = turns or self._database.query(
                outbox.waiting, self._now(), channel=self.channel_kind, urgent=self.urgent, limit=TURNS
            )
            if not turns:
                break
            taken += 1
            message = self._database.commit(outbox.take, turns.pop(0), self._now())
            if message is not None:
                delivered += self._send(message)
        return delivered

    def _send(self, message: OutboxMessage) -> bool:
        if self._is_too_late(message, self._now()):
            self._give_up(message, TOO_LATE)
            return False
        with self._database.transaction() as tx:
            prepared = self.compose(tx, message)
            if isinstance(prepared, Postponed):
                outbox.put_back(tx, message, prepared.until)
            elif prepared is None:
                outbox.settle(tx, message, "withdrawn", self._now())
        if prepared is None or isinstance(prepared, Postponed):
            return False
        try:
            self._channel.send_message(prepared.envelope, prepared.content)
        except DeliveryUnreachable as error:
            self._pause(message, str(error))
        except DeliveryUnavailable as error:
            self._postpone(message, str(error))
        except DeliveryRefused as error:
            self._fail(message, "refused", str(error))
        except DeliveryUnknown as error:
            if self._channel.is_idempotent:
                self._postpone(message, str(error), certain=False)
            else:
                self._fail(message, "unknown", str(error))
        else:
            self._failures = 0
            self._database.commit(outbox.settle, message, "sent", self._now())
            return True
        return False

    def _pause(self, message: OutboxMessage, reason: str) -> None:
        """Nothing can be sent for now: the message waits as it did, and so do all others."""
        self._failures += 1
        self._paused_until = self._now() + pause_after(self._failures, self.longest_pause)
        if self._is_too_late(message, self._paused_until):
            self._give_up(message, reason)
        else:
            self._database.commit(outbox.unreached, message, reason)

    def _postpone(self, message: OutboxMessage, reason: str, *, certain: bool = True) -> None:
        """The message is tried again after its pause, if that is not too late for it; *certain*: it was not
        taken."""
        until = self._now() + self.pause_of(message)
        if self._is_too_late(message, until):
            self._give_up(message, reason, certain=certain)
        else:
            self._database.commit(outbox.postpone, message, reason=reason, until=until)

    def _is_too_late(self, message: OutboxMessage, at: datetime) -> bool:
        return self.lifetime is not None and at > message.since + self.lifetime

    def _give_up(self, message: OutboxMessage, reason: str, *, certain: bool = True) -> None:
        """Tries are over. Those before this one are counted where the other side may have had the message."""
        self._fail(message, "refused" if certain and message.attempts <= 1 else "unknown", reason)

    def _fail(self, message: OutboxMessage, state: Literal["refused", "unknown"], reason: str) -> None:
        with self._database.transaction() as tx:
            outbox.settle(tx, message, state, self._now(), reason=reason)
            self.on_failure(tx, message)
