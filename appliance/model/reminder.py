"""Reminders: of what, why to this person, and what people wish about them. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum


class Occasion(StrEnum):
    """What a reminder is about: the signing deadline, or a date that the contract itself names."""

    SIGNING = "signing"
    EFFECTIVE = "effective"
    RENEWAL = "renewal"
    """The last day to renew or end it."""
    EXPIRY = "expiry"


DATES = (Occasion.EFFECTIVE, Occasion.RENEWAL, Occasion.EXPIRY)
"""The dates beyond signing, in the order in which they come."""


class ReminderRole(StrEnum):
    """Why this person is reminded."""

    SIGNER = "signer"
    CUSTODIAN = "custodian"
    """A request for a seal waits for this custodian."""
    INITIATOR = "initiator"
    """Others have not acted yet, or a date of the own contract comes."""
    STAND_IN = "stand-in"
    """The one who should act is no longer there."""


LEFT = "left"
"""The step of a reminder that somebody who should act is no longer there; it comes at once."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Somebody (a person's subject) who is to be reminded, and why.

    ``about`` is the id of the request for a seal, or the subject of the one who is no longer there.
    """

    person: str
    role: ReminderRole
    about: str = ""


@dataclass(frozen=True, slots=True)
class Reminder:
    """One reminder that was derived. ``anchor`` is the moment that it is about, ``due`` when it became due.

    ``closed`` once it no longer asks for anything: done, replaced by a later one, or the moment was moved.
    """

    id: int
    contract: str
    occasion: Occasion
    step: str
    duty: Duty
    anchor: datetime
    due: datetime
    made: datetime
    closed: datetime | None = None


@dataclass(frozen=True, slots=True)
class ContractDate:
    """A day that the contract names, in the contract's own zone; who entered it and when."""

    kind: Occasion
    day: date
    set_by: str
    set_at: datetime


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the day without mail, in the person's zone; ``until`` before ``start`` is on the next day."""

    start: time
    until: time


@dataclass(frozen=True, slots=True)
class ReminderPreferences:
    """What a person wishes: no mail in ``quiet`` hours; with ``daily`` one mail a day, at that time."""

    quiet: QuietHours | None = None
    daily: time | None = None
