"""What administrators are shown of directories and single sign-on, as the scheduler last saw it; and what a
synchronisation does about a user, in the words of commands and pages. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from appliance.model.directories import DirectoryReport, HeldKind
from hsm.errors import Sentence

MOST_LINES: Final = 200
"""Differences, and users of each list, that are shown."""

NOTHING_TO_READ: Final = (
    "No LDAP directory is configured (ldap.url), and no program has pushed users by SCIM; there is nothing"
    " to read."
)
"""Why there is nothing to synchronise with."""


@dataclass(frozen=True, slots=True)
class ProviderState:
    """How the identity provider ``issuer`` answered last: it has failed ``since`` then, last ``at``, with this
    ``problem`` (an English sentence); all None while it answers."""

    issuer: str
    since: datetime | None = None
    at: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class DirectoryDifference:
    """One thing that a synchronisation would do, by the word for its kind."""

    kind: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class DirectoryDifferences:
    """What a dry run ``at`` that moment found: ``counts`` by kind of difference among the ``read`` users, and the
    first :data:`MOST_LINES` of them as ``lines``. Of a directory that could not be read it has the ``problem``,
    and nothing else."""

    at: datetime
    read: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    lines: tuple[DirectoryDifference, ...] = ()
    problem: Sentence | None = None


@dataclass(frozen=True, slots=True)
class PushingProgram:
    """An API client that pushes people by SCIM, and when it was last heard of."""

    id: str
    name: str
    active: bool
    last_used: datetime | None = None


@dataclass(frozen=True, slots=True)
class DirectoryStatus:
    """The addresses ``ldap`` and ``provider.issuer`` are empty where nothing is configured. ``minutes`` lie
    between two readings; ``asked`` is what somebody asked for and is not done yet (``round`` or ``dry-run``)."""

    ldap: str
    minutes: int
    provider: ProviderState
    report: DirectoryReport
    programs: tuple[PushingProgram, ...] = ()
    differences: DirectoryDifferences | None = None
    asked: str = ""

    @property
    def configured(self) -> bool:
        """Whether anybody comes from anywhere."""
        return bool(self.ldap or self.provider.issuer or self.programs or self.report.users)


class DifferenceKind(StrEnum):
    """What is to be done about one user; in a plan, each is counted by its name."""

    ADDED = "added"
    """Nobody here yet: a person and an account."""
    REPLACED = "replaced"
    """Back after officers have let them go: a new account."""
    LINKED = "linked"
    """Two administrators agreed that the local account is this user's."""
    RETURNED = "returned"
    DEPARTED = "departed"
    HELD = "held"
    """Waits for two administrators from now on."""
    PROBLEM = "problem"
    """Does not follow the directory, from now on or for another reason than before."""
    ADDRESS = "address"
    NAME = "name"
    OTHER_NAME = "other-name"
    """The directory has another name than the certificate."""
    DEPARTMENT = "department"
    ROLES = "roles"
    SIGN_ON = "sign-on"
    """May sign in through the identity provider from now on."""
    MANAGER = "manager"
    RECORDED = "recorded"
    """Changes what is known of the user, and nothing else."""


SENTENCES: Final[Mapping[DifferenceKind, str]] = {
    DifferenceKind.ADDED: "{name} ({login}): gets an account.",
    DifferenceKind.REPLACED: "{name} ({login}): is back after leaving for good, and gets a new account.",
    DifferenceKind.LINKED: "{name} ({login}): gets the account {after}, as two administrators agreed.",
    DifferenceKind.RETURNED: "{name} ({login}): is back; the account goes on.",
    DifferenceKind.DEPARTED: "{name} ({login}): is gone; the account is suspended, sessions and powers end.",
    DifferenceKind.HELD: "{name} ({login}): waits for two administrators: {after}",
    DifferenceKind.PROBLEM: "{name} ({login}): {after}",
    DifferenceKind.ADDRESS: "{name} ({login}): mail address {before} → {after}",
    DifferenceKind.NAME: "{name} ({login}): name {before} → {after}",
    DifferenceKind.OTHER_NAME: "{name} ({login}): the directory says {after}, the certificate {before}.",
    DifferenceKind.DEPARTMENT: "{name} ({login}): department {before} → {after}",
    DifferenceKind.ROLES: "{name} ({login}): roles {before} → {after}",
    DifferenceKind.SIGN_ON: "{name} ({login}): may sign in through the identity provider.",
    DifferenceKind.MANAGER: "{name} ({login}): manager {before} → {after}",
    DifferenceKind.RECORDED: "{name} ({login}): details that change nothing here.",
}

COUNTED: Final[Mapping[DifferenceKind, str]] = {
    DifferenceKind.ADDED: "New accounts: {count}",
    DifferenceKind.REPLACED: "New accounts of people who are back after leaving for good: {count}",
    DifferenceKind.LINKED: "Accounts linked to their users, as administrators agreed: {count}",
    DifferenceKind.RETURNED: "People who are back: {count}",
    DifferenceKind.DEPARTED: "People who are gone: {count}",
    DifferenceKind.HELD: "Waiting for two administrators: {count}",
    DifferenceKind.PROBLEM: "Users whose accounts cannot follow: {count}",
    DifferenceKind.ADDRESS: "Other mail addresses: {count}",
    DifferenceKind.NAME: "Other names: {count}",
    DifferenceKind.OTHER_NAME: "Names that differ from the certificate: {count}",
    DifferenceKind.DEPARTMENT: "Other departments: {count}",
    DifferenceKind.ROLES: "Other roles: {count}",
    DifferenceKind.SIGN_ON: "Accounts that may sign in through the identity provider: {count}",
    DifferenceKind.MANAGER: "Other managers: {count}",
    DifferenceKind.RECORDED: "Details that change nothing here: {count}",
}
"""How often each kind is to be done, or was, as message ids."""

WAITS: Final[Mapping[HeldKind, str]] = {
    HeldKind.REMOVAL: "too many people would be gone at once.",
    HeldKind.DUTY: "this would be the account, or the mail address, of an auditor or operator.",
    HeldKind.LINK: "somebody here has this mail address already.",
}
"""What waits, as message ids."""

TRANSLATED: Final = frozenset({DifferenceKind.HELD, DifferenceKind.PROBLEM})
"""Differences whose value is a message id, not a word of the directory."""
