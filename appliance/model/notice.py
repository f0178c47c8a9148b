"""Notices and reminders: what is told to whom, why to this person, and what people wish about it. No I/O."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from hsm.intents import instant


class NoticeKind(StrEnum):
    """What a message is about."""

    YOUR_TURN = "your-turn"
    SEAL_TURN = "seal-turn"
    """The same for whoever asks for a seal, not signing in person."""
    PARTY_SIGNED = "party-signed"
    COMPLETED = "completed"
    DECLINED = "declined"
    RECALLED = "recalled"
    EXPIRED = "expired"
    HANDED_OVER = "handed-over"
    """A signer has handed the part over; to the initiator, and to those who signed or sign."""
    TAKEN_OVER = "taken-over"
    """To whoever becomes the initiator in place of somebody who has left."""
    EXTENDED = "extended"
    REMINDERS = "reminders"
    """What waits for the recipient and by when, of one contract or several, when the mail is written."""
    REMINDED = "reminded"
    """The initiator asks now; about the contract."""
    DEPUTY_ASKED = "deputy-asked"
    """To the deputy of somebody who is away and for whom something waits; about the person who is away."""
    DRAFT_SHARED = "draft-shared"
    """To a colleague with whom a draft is shared; about the text, or the contract."""
    REVIEW_ASKED = "review-asked"
    """To a manager of the initiator whose turn it is in the review of a draft."""
    VOID_PROPOSED = "void-proposed"
    VOID_REFUSED = "void-refused"
    VOIDED = "voided"
    SEAL_REQUESTED = "seal-requested"
    SEAL_APPROVED = "seal-approved"
    SEAL_REFUSED = "seal-refused"
    SEAL_LAPSED = "seal-lapsed"
    """The document changed or time ran out before the seal was used; to the one who asked and the custodians."""
    GUEST_INVITED = "guest-invited"
    GUEST_LINK = "guest-link"
    """Another link, which the guest asked for."""
    GUEST_CODE = "guest-code"
    """The code as a text message, which the guest asked for; about the invitation and its round."""
    GUEST_ASKS = "guest-asks"
    """To the initiator: a guest asks for a new link and code; about the party."""
    GUEST_ARRIVED = "guest-arrived"
    """To the initiator: the link was opened, the guest waits for the code; about the party."""
    GUEST_LOCKED = "guest-locked"
    """To the initiator: the code was entered wrongly too often; about the party."""
    GUEST_REGISTERED = "guest-registered"
    """To the initiator: a guest has set up what to sign with and waits for an officer; about the party."""
    PARTY_CORRECTED = "party-corrected"
    """Another name of an outside signer; to those who know of the contract."""
    DEPARTED = "departed"
    """To every officer: a directory has removed somebody who has a certificate; about the person."""
    CERTIFICATE_TO_END = "certificate-to-end"
    """To every officer: a guest was enrolled under a wrong name or address; about the person."""
    INVITED = "invited"
    """To an account of one's own."""
    RECOVERY = "recovery"
    ENROLMENT_WAITING = "enrolment-waiting"
    ACT_WAITING = "act-waiting"
    """To every officer: what administrators asked for in their console is to be activated in the portal."""
    OFFICER_RECOVERY = "officer-recovery"
    """To every officer: root and the root's custodians gave one of them a new way in, or it was used."""
    REMOTE_REQUESTED = "remote-requested"
    """Other software asks for a signature; about the request."""
    CAPTURE_SHARED = "capture-shared"
    """To a colleague with whom a web capture, or a plan of them, is shared; about the capture or the plan."""
    CAPTURES_TAKEN_OVER = "captures-taken-over"
    """To whoever takes over the web captures of somebody who has left; about that person."""
    CAPTURE_CHANGED = "capture-changed"
    """A web page captured by plan differs from the capture before; about the capture."""
    CAPTURE_FAILED = "capture-failed"
    """Nothing came of a web capture; about the capture."""
    CAPTURES_DUE = "captures-due"
    """To every officer: the term of web captures is over; about the moment before which these ended."""
    DEPOSIT_DECLARED = "deposit-declared"
    """To whoever, as a program says, declared what it deposited, and in whose name it did; about the deposit."""
    DEPOSITS_DECLARED = "deposits-declared"
    """The same of a batch of deposits, once for all of them; about the batch."""
    ENROLLED = "enrolled"
    ENROLMENT_REFUSED = "enrolment-refused"


class ChannelKind(StrEnum):
    """By what a message goes."""

    MAIL = "mail"
    GATEWAY = "gateway"
    """The organisation's own message gateway, which takes text messages."""


BY_GATEWAY = frozenset({NoticeKind.GUEST_CODE})
"""What goes by the message gateway alone; everything else goes by mail alone."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person (any subject in ``people``); ``due`` is when it became, or becomes, due.

    ``contract`` is None for what concerns no contract; ``about`` is the id of what else it is about: an
    invitation, a recovery, a request. The link in the mail is made of these when it is sent.
    """

    contract: str | None
    recipient: str
    kind: NoticeKind
    due: datetime
    about: str = ""

    @property
    def message_id(self) -> str:
        """The Message-ID (RFC 5322, 3.6.4), the same for every try: a receiver can tell that it had it before."""
        parts = [self.contract or "", self.recipient, self.kind, instant(self.due)]
        key = "\n".join([*parts, self.about] if self.about else parts)
        return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@notices.vermilion>"


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
