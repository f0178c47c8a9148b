"""The port of message channels: what mail and the message gateway have in common, and how a try to send ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

Content = TypeVar("Content")
Content_contra = TypeVar("Content_contra", contravariant=True)


class DeliveryRefused(Exception):
    """No for good to this message or its recipient."""


class DeliveryUnavailable(Exception):
    """Certainly not sent, for now. Trying again is safe."""


class DeliveryUnreachable(DeliveryUnavailable):
    """Nothing at all can be sent now: no connection, no login, or a channel that takes no message at present."""


class DeliveryUnknown(Exception):
    """The connection ended after the message was handed over: it may or may not have been taken."""


def pause_after(failures: int, longest: timedelta) -> timedelta:
    """How long to wait for the next try: 15 seconds, doubled for each of the *failures*, *longest* at most."""
    return min(timedelta(seconds=15 * 2 ** min(failures, 10)), longest)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody's name and address of mail."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message: to whom (an address of the channel's kind: of mail, or a mobile number in E.164), under which
    Message-ID (with its angle brackets), dated when; ``answers`` go to somebody else than the sender (Reply-To,
    RFC 5322, 3.6.2)."""

    recipient: str
    name: str
    message_id: str
    date: datetime
    answers: Mailbox | None = None


class Channel(Protocol[Content_contra]):
    """Takes one message for one recipient at a time; keeps nothing itself. Whoever calls it stores what became of
    each message and tries again."""

    @property
    def is_idempotent(self) -> bool:
        """Whether a message that arrives twice under one Message-ID is passed on once. Then one whose arrival is
        unknown may be sent again without asking anybody."""

    def send_message(self, envelope: Envelope, message: Content_contra) -> str:
        """What the other side answered when it took the message; it is responsible from then on.

        Raises :class:`DeliveryUnreachable`, :class:`DeliveryUnavailable`, :class:`DeliveryRefused` or
        :class:`DeliveryUnknown`.
        """

    def greet(self) -> None:
        """Whether messages could be sent now; sends none. Raises :class:`DeliveryUnreachable`."""
