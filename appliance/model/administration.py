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


def subject_of(login: str) -> str:
    """How the log names whoever has *login* in the administration: ``root``, ``system``,
    ``administrator-LOGIN``."""
    return login if login in (ROOT.login, NOBODY.login) else f"administrator-{login}"


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
    """What an administrator registered to sign admin requests with; ``public_key`` is COSE (RFC 9053)."""

    credential_id: bytes
    login: str
    public_key: bytes
    sign_count: int
    label: str
    added: datetime


class DualControlRole(StrEnum):
    """What somebody does about an admin request that takes two persons."""

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
    """What the journal of the administration tells of, with the ``label`` that people read."""

    label: str

    def __new__(cls, value: str, label: str = "") -> JournalKind:
        kind = str.__new__(cls, value)
        kind._value_, kind.label = value, label
        return kind

    ADMINISTRATOR_ADDED = "administrator-added", "An administrator was added"
    LINK_MADE = "link-made", "A way in was made"
    LINK_ENDED = "link-ended", "A way in has ended after too many wrong codes"
    ADMINISTRATOR_SET_UP = "administrator-set-up", "An account was set up"
    ADMINISTRATOR_SUSPENDED = "administrator-suspended", "An account was suspended"
    ADMINISTRATOR_RESUMED = "administrator-resumed", "A suspension was ended"
    ADMINISTRATOR_LOCKED = "administrator-locked", "An account was locked after too many failures"
    ADMINISTRATOR_UNLOCKED = "administrator-unlocked", "An account was unlocked"
    ADMINISTRATOR_REMOVED = "administrator-removed", "An administrator was removed"
    FACTORS_RESET = "factors-reset", "Password and login code were taken back"
    PASSWORD_CHANGED = "password-changed", "The password was changed"
    LOGIN_CODE_CHANGED = "login-code-changed", "The login code was changed"
    PASSKEY_ADDED = "passkey-added", "A passkey was registered"
    PASSKEY_REMOVED = "passkey-removed", "A passkey was removed"
    PASSKEY_CONFIRMED = "passkey-confirmed", "A passkey was confirmed on the machine"
    PASSKEY_UNCONFIRMED = "passkey-unconfirmed", "A passkey was taken back on the machine"
    SIGNED_IN = "signed-in", "Signed in"
    SIGN_IN_BLOCKED = "sign-in-blocked", "Attempts to sign in were stopped"
    SESSIONS_ENDED = "sessions-ended", "Sessions were ended"
    PIN_CUSTODIAN_ENDED = "keeper-ended", "A keeper of the PIN was ended"
    PIN_PART_GIVEN = "pin-part-given", "A part of the PIN was given"
    PIN_PART_FORGOTTEN = "pin-part-forgotten", "A part of the PIN was taken back"
    AUTHORITY_UNLOCKED = "authority-unlocked", "The authority was unlocked"
    UNLOCK_FAILED = "unlock-failed", "Unlocking the authority failed"
    REQUEST_ASKED = "act-asked", "An act was asked for"
    REQUEST_APPROVED = "act-approved", "An act was approved"
    REQUEST_REFUSED = "act-refused", "An act was refused"
    REQUEST_WITHDRAWN = "act-withdrawn", "An act was withdrawn"
    REQUEST_EXPIRED = "act-expired", "An act has expired"
    REQUEST_BEGUN = "act-begun", "An act was begun"
    REQUEST_DONE = "act-done", "An act was done"
    REQUEST_FAILED = "act-failed", "An act failed"
    REQUEST_INTERRUPTED = "act-interrupted", "An act was interrupted"
    UNKNOWN = "unknown", "Something that a newer release wrote"
    """Not written: how a line is read whose kind a newer release has, before it was gone back from."""


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line: ``who`` is a login, ``root`` or ``system``; ``request`` is the id of the one it is about.

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
    """What came of an admin request, as a sentence of the catalogue. ``secret`` is for whoever waits for it, kept
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
        return self.begins <= now

    def seconds_left(self, now: datetime, *, least: int) -> int:
        """Seconds until it is expected to end, and at *least* so many when it lasts longer than expected."""
        return max(least, int((self.until - now).total_seconds()))
