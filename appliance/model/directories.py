"""People as the organisation's directories know them, and what a directory changes here. No I/O.

A directory (LDAP, or a program that pushes by SCIM) says who is there, in which department, under whom and in
which
groups. It opens accounts and sessions; it gives nobody a key, and changes nothing that officers have verified.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from appliance.model.accounts import AccountRole, AccountState


def group_key(name: str) -> str:
    """*name* of a group as it is compared: in letters of any case, without the blanks around it, and around the
    commas and equals signs of a distinguished name (RFC 4514)."""
    return re.sub(r"\s*([,=])\s*", r"\1", name.strip()).casefold()


class DirectorySource(StrEnum):
    """How a directory reaches us."""

    LDAP = "ldap"
    """We read it, every few minutes."""
    SCIM = "scim"
    """It pushes (RFC 7644)."""
    OPENID = "openid"
    """It is known only from those who sign in, by their ID tokens."""

    @property
    def called(self) -> str:
        """The protocol's name, the same in every language."""
        return "OpenID Connect" if self is DirectorySource.OPENID else self.upper()


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A user as the directory has them now, whoever they are here.

    ``key`` never changes and is never given to another user: entryUUID (RFC 4530), objectGUID, the id of a SCIM
    resource, or issuer and subject of an ID token. ``login`` is the name that they sign in with there;
    ``manager`` the
    ``key`` of their manager, empty for none; ``groups`` the names of every group that they are in, those of
    nested groups too.
    """

    key: str
    login: str
    name: str
    email: str
    department: str = ""
    manager: str = ""
    enabled: bool = True
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A user as it was last seen, and who that is here: ``subject``, None while nobody is.

    ``id`` (32 hex digits) is ours, and the id of a SCIM resource. ``problem`` is the code of a refusal that
    says why
    the account does not follow the directory; None when it does. ``removed``: since when the directory has not
    had the user.
    """

    id: str
    source: DirectorySource
    user: DirectoryUser
    subject: str | None = None
    problem: str | None = None
    removed: datetime | None = None


@dataclass(frozen=True, slots=True)
class FollowingAccount:
    """Person and account of a known user, as they are here. ``verified``: officers have confirmed the name, or are
    asked to. ``departed``: the directory has disabled or removed them, and officers have not let them go yet."""

    subject: str
    name: str
    email: str
    department: str
    manager: str | None
    directory_name: str | None
    state: AccountState
    roles: frozenset[AccountRole]
    single_sign_on: bool
    verified: bool
    departed: bool

    @property
    def here(self) -> bool:
        """Whether the account goes on."""
        return not self.departed and self.state is not AccountState.LEFT


@dataclass(frozen=True, slots=True)
class ProviderIdentity:
    """Somebody as an identity provider knows them: ``sub`` is unique at ``issuer``, and never given to another
    (OpenID Connect Core 1.0, 2)."""

    issuer: str
    sub: str


class HeldKind(StrEnum):
    """What two administrators have to agree to before it is done."""

    REMOVAL = "removal"
    """One of many people who would leave at once."""
    DUTY = "duty"
    """An account of an auditor or operator, who signs nothing but reads much, or another address of theirs."""
    LINK = "link"
    """A local account whose mail address the directory claims."""


@dataclass(frozen=True, slots=True)
class HeldUser:
    """What waits of one user; ``released``: two administrators have agreed, and it will be done."""

    kind: HeldKind
    about: str = ""
    """What exactly: the account that would be linked, or duty and mail address of one that would be opened."""
    released: bool = False


@dataclass(frozen=True, slots=True)
class AddressHolder:
    """Who has a mail address here: ``subject``, empty for an administrator of the machine. ``outside``: for a
    partner. Where the account follows a user of a directory: the ``source``, with ``login`` and ``address`` as
    they were last seen there."""

    subject: str
    outside: bool = False
    left: bool = False
    departed: bool = False
    source: DirectorySource | None = None
    login: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class StoredUser:
    """All that is known of a user: as last seen, the account (None while there is none), what waits."""

    known: KnownUser
    account: FollowingAccount | None = None
    held: HeldUser | None = None


class RoundOutcome(StrEnum):
    """How one synchronisation ended."""

    DONE = "done"
    HELD = "held"
    """Done, but for what waits for two administrators."""
    FAILED = "failed"
    """The directory did not answer, or not with what can be believed: nothing was changed."""


@dataclass(frozen=True, slots=True)
class DirectoryRound:
    """One synchronisation: ``counts`` by what was done, ``problem`` the English sentence of a failure, ``rules``
    the SHA-256 of the settings by which accounts were compared, empty where none were."""

    source: DirectorySource
    began: datetime
    ended: datetime
    outcome: RoundOutcome
    counts: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    rules: str = ""


MAPPABLE = (
    AccountRole.INITIATOR,
    AccountRole.SIGNER,
    AccountRole.CUSTODIAN,
    AccountRole.REVIEWER,
    AccountRole.INVESTIGATOR,
    AccountRole.AUDITOR,
    AccountRole.OPERATOR,
)
"""The roles that groups can give. Who registers people (the officer) never comes from a directory."""


class DirectoryProblem(StrEnum):
    """Why an account does not follow its user of a directory; ``sentence``, a message id, says what to do."""

    sentence: str

    def __new__(cls, code: str, sentence: str) -> DirectoryProblem:
        member = str.__new__(cls, code)
        member._value_ = code
        member.sentence = sentence
        return member

    NO_ADDRESS = (
        "directory-no-address",
        "The directory has no usable mail address of this user; enter one there.",
    )
    NO_NAME = (
        "directory-no-name",
        "The directory has no name of this user that a certificate can have: 1 to 100 visible characters.",
    )
    NO_ROLE = (
        "directory-no-role",
        "No group of this user gives a role here; add the user to one that does.",
    )
    FORBIDDEN_ROLES = (
        "directory-forbidden-roles",
        "The groups of this user give roles that nobody may have together: who signs neither audits nor operates,"
        " and who audits does not operate.",
    )
    OTHER_DUTY = (
        "directory-other-duty",
        "The groups of this user ask for another duty than the account has; each duty is an account of its own.",
    )
    LET_GO = (
        "directory-let-go",
        "Officers have let this person go, whom the directory still has; disable the user there.",
    )
    ADDRESS_TWICE = (
        "directory-address-twice",
        "Two users of the directory have this mail address; each human has one.",
    )
    ADDRESS_TAKEN = (
        "directory-address-taken",
        "The mail address belongs to somebody else here; correct it in the directory, or let the other one go.",
    )
    ADDRESS_OF_DUTY = (
        "directory-address-of-duty",
        "The mail address is that of an officer, auditor, operator or representative, whose account follows no"
        " directory.",
    )
    ADDRESS_OF_ADMINISTRATOR = (
        "directory-address-of-administrator",
        "The mail address is that of an administrator of this machine, who has no account in the portal.",
    )
    OTHER_IDENTITY = (
        "directory-other-identity",
        "Somebody else signs in with what names this user at the identity provider: its account here belongs to"
        " another identity there. Find out who is who before an officer lets the old account go.",
    )
    NOT_DONE = (
        "directory-not-done",
        "Something else changed at the same time; the next synchronisation tries this again.",
    )


@dataclass(frozen=True, slots=True)
class HeldUsers:
    """What waits of one ``kind``: so many users, since when the first, and the ``digest`` (hex, SHA-256) of
    exactly this set, by which two administrators name what they were shown. ``names`` are those of some, with
    their logins, and with what exactly is to be done."""

    kind: HeldKind
    count: int
    digest: str
    since: datetime
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProblemUser:
    """A user of a directory whose account does not follow it, or who has none."""

    source: DirectorySource
    login: str
    name: str
    email: str
    problem: DirectoryProblem


@dataclass(frozen=True, slots=True)
class DirectoryReport:
    """What the console shows: the last ``rounds``, newest first, how many users there are by source, what is held,
    the first of the problems and how many there are, and by source when a round last succeeded."""

    rounds: tuple[DirectoryRound, ...]
    users: Mapping[DirectorySource, int]
    held: tuple[HeldUsers, ...]
    problems: tuple[ProblemUser, ...]
    problem_count: int
    successes: Mapping[DirectorySource, datetime]
