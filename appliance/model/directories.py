"""People as the organisation's directories know them, and what a directory changes here. No I/O.

A directory (LDAP, or a program that pushes by SCIM) says who is there, in which department, under whom and in
which
groups. It opens accounts and sessions; it gives nobody a key, and changes nothing that officers have verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from appliance.model.accounts import AccountRole


class DirectorySource(StrEnum):
    """How a directory reaches us."""

    LDAP = "ldap"
    """We read it, every few minutes."""
    SCIM = "scim"
    """It pushes (RFC 7644)."""
    OPENID = "openid"
    """It is known only from those who sign in, by their ID tokens."""


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


class HeldKind(StrEnum):
    """What two administrators have to agree to before it is done."""

    REMOVAL = "removal"
    """One of many people who would leave at once."""
    DUTY = "duty"
    """An account of an auditor or operator, who signs nothing but reads much."""
    LINK = "link"
    """A local account whose mail address the directory claims."""


class RoundOutcome(StrEnum):
    """How one synchronisation ended."""

    DONE = "done"
    HELD = "held"
    """Done, but for what waits for two administrators."""
    FAILED = "failed"
    """The directory did not answer, or not with what can be believed: nothing was changed."""


@dataclass(frozen=True, slots=True)
class DirectoryRound:
    """One synchronisation: ``counts`` by what was done, ``problem`` the English sentence of a failure."""

    source: DirectorySource
    began: datetime
    ended: datetime
    outcome: RoundOutcome
    counts: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


MAPPABLE = (
    AccountRole.INITIATOR,
    AccountRole.SIGNER,
    AccountRole.CUSTODIAN,
    AccountRole.REVIEWER,
    AccountRole.AUDITOR,
    AccountRole.OPERATOR,
)
"""The roles that groups can give. Who registers people (the officer) never comes from a directory."""
