"""What administrators are shown of directories and single sign-on, as the scheduler last saw it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from appliance.model.directories import DirectoryReport
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
