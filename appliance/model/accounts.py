"""Accounts: who may sign in, in which roles, and what proves that it is they."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class AccountRole(StrEnum):
    """What somebody may do here (product.md, "The people"). The subject's prefix decides which are possible."""

    INITIATOR = "initiator"
    SIGNER = "signer"
    CUSTODIAN = "custodian"
    REVIEWER = "reviewer"
    OFFICER = "officer"
    AUDITOR = "auditor"
    OPERATOR = "operator"


PEOPLES_ROLES = frozenset({AccountRole.INITIATOR, AccountRole.SIGNER, AccountRole.CUSTODIAN, AccountRole.REVIEWER})
"""The roles of those who have a signing key (``person-…``); they may be combined. All others stand alone."""

ROLES_OF = {
    "person": PEOPLES_ROLES,
    "officer": frozenset({AccountRole.OFFICER}),
    "auditor": frozenset({AccountRole.AUDITOR}),
    "operator": frozenset({AccountRole.OPERATOR}),
}
"""Prefix of a subject → the roles that it can have. The database refuses every other combination."""


class AccountState(StrEnum):
    """``invited``: the link was not used yet; ``suspended``: cannot sign in for now; ``left``: never again."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Account:
    """One account. ``has_password``, ``has_code``: which login factors are set; passkeys are listed apart."""

    subject: str
    login: str
    roles: frozenset[AccountRole]
    state: AccountState
    invited: datetime
    has_password: bool = False
    has_code: bool = False
    passkeys: int = 0


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Whom an officer invites: ``login`` is folded to lower case, ``kind`` is the subject's prefix."""

    kind: str
    login: str
    name: str
    organisation: str
    email: str
    roles: frozenset[AccountRole]


class LinkPurpose(StrEnum):
    """What a link that was sent by mail is good for."""

    WELCOME = "welcome"
    RECOVER = "recover"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class AccountLink:
    """A link for the owner of an account; ``id`` is 32 hex digits, the token is made from it."""

    id: str
    purpose: LinkPurpose
    subject: str
    made: datetime
    expires: datetime
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Passkey:
    """An authenticator to sign in with (WebAuthn); ``public_key`` is COSE."""

    credential_id: bytes
    subject: str
    public_key: bytes = field(repr=False)
    sign_count: int
    label: str
    added: datetime
    used: datetime | None = None


class Strength(StrEnum):
    """How somebody signed in."""

    PASSKEY = "passkey"
    PASSWORD_AND_CODE = "password-and-code"  # noqa: S105  # the name of a way, not a password
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Session:
    """A session; ``id`` is the SHA-256 (hex) of the cookie. ``guest_of``: contract and party of an outside signer.

    ``address`` and ``agent`` are the network address and the browser it was opened from.
    """

    id: str
    subject: str
    strength: Strength
    opened: datetime
    seen: datetime
    until: datetime
    address: str
    agent: str
    guest_of: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session: ``secret`` is what the cookie holds, and nobody else has it."""

    session: Session
    secret: str = field(repr=False)
