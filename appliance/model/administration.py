"""Administrators of the machine, what they ask for, the journal; maintenance, and contracts that are stuck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from appliance.language import Language


class AdministratorRole(StrEnum):
    """The three kinds (三员分立, as GB/T 22239 has them audited): one account has exactly one of them."""

    SYSTEM = "system"
    """Runs the machine."""

    SECURITY = "security"
    """Looks after administrators, and is the second person for what takes two."""

    AUDITOR = "auditor"
    """Sees everything, changes nothing."""


class AdministratorState(StrEnum):
    """``invited``: not set up yet; ``locked``: after too many failures; ``suspended``; ``left``: never again."""

    INVITED = "invited"
    ACTIVE = "active"
    LOCKED = "locked"
    SUSPENDED = "suspended"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Administrator:
    """One administrator. ``login`` is the identifier everywhere; ``email`` is how the portal knows the human;
    ``language`` is what the administrator chose for the console, None before."""

    login: str
    name: str
    email: str
    role: AdministratorRole
    state: AdministratorState
    added: datetime
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class NewAdministrator:
    """Whom somebody wants to make an administrator."""

    login: str
    name: str
    email: str
    role: AdministratorRole


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an administrator, or ``root`` (``role`` is None): who is root on the machine itself."""

    login: str
    role: AdministratorRole | None


ROOT = Actor("root", None)
NOBODY = Actor("system", None)
"""For what happens by itself, such as a request that runs out."""


@dataclass(frozen=True, slots=True)
class AdministratorInvitation:
    """The way in for somebody new, or whose factors are made anew; only the token's SHA-256 is kept. ``code`` is
    the SHA-256 of the code that another person gives with the link, where one is asked for."""

    login: str
    made: datetime
    expires: datetime
    ended: datetime | None = None
    code: bytes | None = None


@dataclass(frozen=True, slots=True)
class AdministratorPasskey:
    """What an administrator registered to sign acts with; ``public_key`` is COSE (RFC 9053)."""

    credential_id: bytes
    login: str
    public_key: bytes
    sign_count: int
    label: str
    added: datetime


class DualControlRole(StrEnum):
    """What somebody does about an act that takes two persons."""

    ASKS = "asks"
    APPROVES = "approves"


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """A session of the console; ``id`` is the SHA-256 (hex) of the cookie."""

    id: str
    login: str
    opened: datetime
    seen: datetime
    until: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class OpenedConsoleSession:
    """A new session: ``secret`` is what the cookie holds, and nobody else has it."""

    session: ConsoleSession
    secret: str = field(repr=False)


class JournalKind(StrEnum):
    """What the journal of the administration tells of."""

    ADMINISTRATOR_ADDED = "administrator-added"
    LINK_MADE = "link-made"
    LINK_ENDED = "link-ended"
    ADMINISTRATOR_SET_UP = "administrator-set-up"
    ADMINISTRATOR_SUSPENDED = "administrator-suspended"
    ADMINISTRATOR_RESUMED = "administrator-resumed"
    ADMINISTRATOR_LOCKED = "administrator-locked"
    ADMINISTRATOR_UNLOCKED = "administrator-unlocked"
    ADMINISTRATOR_REMOVED = "administrator-removed"
    FACTORS_RESET = "factors-reset"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  # the name of an event
    LOGIN_CODE_CHANGED = "login-code-changed"
    PASSKEY_ADDED = "passkey-added"  # the name of an event
    PASSKEY_REMOVED = "passkey-removed"  # the name of an event
    PASSKEY_CONFIRMED = "passkey-confirmed"  # the name of an event
    PASSKEY_UNCONFIRMED = "passkey-unconfirmed"  # the name of an event
    SIGNED_IN = "signed-in"
    SIGN_IN_BLOCKED = "sign-in-blocked"
    SESSIONS_ENDED = "sessions-ended"
    KEEPER_ENDED = "keeper-ended"
    PIN_PART_GIVEN = "pin-part-given"
    PIN_PART_FORGOTTEN = "pin-part-forgotten"
    AUTHORITY_UNLOCKED = "authority-unlocked"
    UNLOCK_FAILED = "unlock-failed"
    ACT_ASKED = "act-asked"
    ACT_APPROVED = "act-approved"
    ACT_REFUSED = "act-refused"
    ACT_WITHDRAWN = "act-withdrawn"
    ACT_EXPIRED = "act-expired"
    ACT_BEGUN = "act-begun"
    ACT_DONE = "act-done"
    ACT_FAILED = "act-failed"
    ACT_INTERRUPTED = "act-interrupted"
    UNKNOWN = "unknown"
    """Not written: how a line is read whose kind a newer release has, before it was gone back from."""


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line: ``who`` is a login, ``root`` or ``system``; ``act`` is the id of an act, where it is about one.

    ``detail`` is words and numbers for readers, never a secret.
    """

    number: int
    at: datetime
    who: str
    kind: JournalKind
    request: str | None
    detail: Mapping[str, str | int]


class AdminRequestState(StrEnum):
    """Where something that was asked for stands; see the triggers of the table ``acts``."""

    WAITING = "waiting"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    PERFORMING = "performing"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its process died: what it did is for a person to look at; it is never done again by itself."""


@dataclass(frozen=True, slots=True)
class AdminRequestOutcome:
    """What came of an act, as a sentence of the catalogue. ``secret`` is for whoever waits for it, kept
    nowhere."""

    template: str
    values: Mapping[str, str | int] = field(default_factory=dict)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """One thing that was asked for. ``arguments`` are the checked texts, without secret ones; ``effect`` is the
    English sentence that was asked for and approved; ``persons`` is how many it takes (1 or 2)."""

    id: str
    action: str
    arguments: Mapping[str, str]
    effect: str
    state: AdminRequestState
    persons: int
    asked_by: str
    asked: datetime
    expires: datetime
    decided_by: str | None = None
    decided: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    outcome: AdminRequestOutcome | None = None


class StuckStep(StrEnum):
    """The step at which a contract is stuck (docs/signing-cycle.md)."""

    SIGNING = "asked of the authority"
    STAMPING = "signed, not timestamped"
    COMPLETING = "timestamped, not completed"
    FINALISATION = "signed by all, not sealed off"
    EXPIRING = "past its deadline, not ended"
    ARCHIVE_RENEWAL = "archive timestamp not renewed"


@dataclass(frozen=True, slots=True)
class Stuck:
    """One contract at one step, ``since`` when, where that is known; ``template`` with its values is the cause."""

    contract: str
    step: StuckStep
    since: datetime | None
    template: str
    values: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """One maintenance. It is under way from ``begins`` until somebody ends it; ``until`` is when that is expected.

    ``message`` is what its operator has to say, or empty; ``exceptions`` are the subjects who may go on meanwhile.
    """

    begins: datetime
    until: datetime
    message: str = ""
    exceptions: frozenset[str] = frozenset()

    def is_under_way(self, now: datetime) -> bool:
        """Whether it has begun."""
        return self.begins <= now

    def seconds_left(self, now: datetime, *, least: int) -> int:
        """Seconds until it is expected to end, and at *least* so many when it lasts longer than expected."""
        return max(least, int((self.until - now).total_seconds()))
