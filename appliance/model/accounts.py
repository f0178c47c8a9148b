"""Accounts and outside signers' invitations: who may come in, in which roles, and what proves that it is they."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.model.contract import Contract, ContractState
from hsm.names import OUTSIDE


class AccountRole(StrEnum):
    """What somebody may do here. The subject's prefix decides which are possible."""

    INITIATOR = "initiator"
    SIGNER = "signer"
    CUSTODIAN = "custodian"
    REVIEWER = "reviewer"
    INVESTIGATOR = "investigator"
    """Captures web pages as evidence."""
    OFFICER = "officer"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    REPRESENTATIVE = "representative"
    """Of a partner organisation, from outside."""


PEOPLES_ROLES = frozenset(
    {
        AccountRole.INITIATOR,
        AccountRole.SIGNER,
        AccountRole.CUSTODIAN,
        AccountRole.REVIEWER,
        AccountRole.INVESTIGATOR,
    }
)
"""The roles of those who have a signing key (``person-…``); they may be combined. All others stand alone."""

SIGNING_ROLES = PEOPLES_ROLES | {AccountRole.REPRESENTATIVE}
"""The roles of everybody with an account who signs, of the house or from outside."""

ROLES_OF = {
    "person": PEOPLES_ROLES,
    "officer": frozenset({AccountRole.OFFICER}),
    "auditor": frozenset({AccountRole.AUDITOR}),
    "operator": frozenset({AccountRole.OPERATOR}),
}
"""Prefix of a subject → the roles that it can have. The database refuses every other combination."""


def possible_roles(subject: str) -> frozenset[AccountRole]:
    """The roles that an account of *subject* can have: one alone for people from outside."""
    if subject.startswith(OUTSIDE):
        return frozenset({AccountRole.REPRESENTATIVE})
    return ROLES_OF.get(subject.partition("-")[0], frozenset())


class AccountState(StrEnum):
    """``invited``: the link was not used yet; ``suspended``: cannot sign in for now; ``left``: never again."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Account:
    """One account. ``has_password``, ``has_code``: which login factors are set; passkeys are listed apart.
    ``single_sign_on``: its owner may sign in through the identity provider.
    ``told``: whether its owner knows that signatures are confirmed on the activation service's page, as everybody
    does whose account is newer than that."""

    subject: str
    login: str
    roles: frozenset[AccountRole]
    state: AccountState
    invited: datetime
    has_password: bool = False
    has_code: bool = False
    passkeys: int = 0
    told: bool = True
    single_sign_on: bool = False


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
    EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class AccountLink:
    """A link for the owner of an account; ``id`` is 32 hex digits, the token is made from it."""

    id: str
    purpose: LinkPurpose
    subject: str
    made: datetime
    expires: datetime
    ended: datetime | None = None


AT_SET_UP = "Made at set-up"
"""The label, a message id, of a passkey that was made with its account and that nobody has named: pages say it in
their reader's language."""

_AT_SET_UP_BEFORE = "初始设置时创建"
"""The same in rows of earlier releases, which keep the words of the language of then."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """An authenticator to sign in with (WebAuthn); ``public_key`` is COSE. ``label`` is the name that its owner
    gave it, or :data:`AT_SET_UP`."""

    credential_id: bytes
    subject: str
    public_key: bytes = field(repr=False)
    sign_count: int
    label: str
    added: datetime
    used: datetime | None = None

    @property
    def made_at_set_up(self) -> bool:
        """Whether nobody has named it."""
        return self.label in (AT_SET_UP, _AT_SET_UP_BEFORE)


class Strength(StrEnum):
    """How somebody signed in."""

    PASSKEY = "passkey"
    PASSWORD_AND_CODE = "password-and-code"  # noqa: S105  # the name of a way, not a password
    SINGLE_SIGN_ON = "single-sign-on"
    """Through the organisation's identity provider."""
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Session:
    """A session; ``id`` is the SHA-256 (hex) of the cookie. ``guest_of``: contract and party of an outside signer.

    ``address`` and ``agent`` are the network address and the browser it was opened from. ``embedded``: the id of
    the link in whose frame alone it is worth something.
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
    embedded: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session: ``secret`` is what the cookie holds, and nobody else has it."""

    session: Session
    secret: str = field(repr=False)


AFTERWARDS = timedelta(days=30)
"""How long after the deadline, and after each new link, a guest can still fetch the signed document."""

_ENDED = (ContractState.DECLINED, ContractState.RECALLED, ContractState.EXPIRED)
_NEVER_BEGUN = (ContractState.DRAFT, ContractState.DISCARDED)


@dataclass(frozen=True, slots=True)
class GuestInvitation:
    """One link with its second channel. ``round`` counts the codes, ``tries`` the wrong ones of this round.

    ``invited_by`` is who invited the guest and answers for the identity. ``opened`` is when the guest first came
    in, by whatever link; ``used`` when this one let somebody in by the code, which it does once; ``ended`` when
    another one took its place, ``revoked`` when it went to somebody for whom it was not meant. ``arrived``
    is when the link was first opened.
    """

    id: str
    person: str
    contract: str
    party: str
    invited_by: str
    invited: datetime
    round: int = 0
    tries: int = 0
    opened: datetime | None = None
    ended: datetime | None = None
    used: datetime | None = None
    revoked: datetime | None = None
    arrived: datetime | None = None

    def is_shut_out(self, contract: Contract, now: datetime) -> bool:
        """Whether the *contract* ended unsigned, or its deadline passed before the guest had ever come in."""
        never_begun = contract.state in _NEVER_BEGUN or contract.is_overdue(now)
        return contract.state in _ENDED or (self.opened is None and never_begun)

    def until(self, contract: Contract) -> datetime:
        """When the guest can no longer come in, not even to fetch the signed document."""
        return max(contract.deadline.at, self.invited) + AFTERWARDS


class GuestAccessMethod(StrEnum):
    """How a guest comes in by a link, besides a passkey of theirs."""

    CODE = "code"
    """By this link, once, with the code that the initiator tells."""
    ANOTHER_LINK = "another-link"
    """The link was used, or another one took its place: one more goes to the guest's own address."""
    CLOSED = "closed"
    """The contract ended before the guest had come in, or too long ago."""


@dataclass(frozen=True, slots=True)
class GuestPasskey:
    """A passkey that a guest registered; ``public_key`` is COSE (RFC 9053)."""

    credential_id: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class GuestAccess:
    """What a link leads to now: the ``invitation`` that holds, the ``contract``, and the ways in."""

    invitation: GuestInvitation
    contract: Contract
    method: GuestAccessMethod
    passkeys: tuple[GuestPasskey, ...] = ()


@dataclass(frozen=True, slots=True)
class GuestAdmission:
    """To what a guest is let in, with the session."""

    contract: Contract
    party: str
    session: OpenedSession


@dataclass(frozen=True, slots=True)
class EmbeddedLink:
    """A link that opens in a frame of pages of one ``origin``, for one party: made for an API ``client`` beside an
    invitation, whose code it takes once (``used``). ``ended``: when another one took its place."""

    id: str
    invitation: str
    contract: str
    party: str
    client: str
    origin: str
    made: datetime
    used: datetime | None = None
    ended: datetime | None = None
