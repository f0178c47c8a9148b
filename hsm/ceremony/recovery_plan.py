"""The reviewed file that drives the recovery of officers: who lost their authenticators, and who is present."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm.ceremony.plan import Participant
from hsm.ceremony.tables import build, rows_of, tables_of
from hsm.errors import ConfigurationRefused

_LONGEST_HOURS = 72
_MOST_OFFICERS = 4


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """The whole file, checked. ``root`` is the label of the root's token, ``hours`` how long codes count.

    Officers (subjects) in ``restored`` stay who they are and register a new authenticator; in the place of each in
    ``replaced``, who is not there any more, somebody else becomes an officer.
    """

    name: str
    purpose: str
    root: str
    hours: int
    participants: tuple[Participant, ...]
    sha256: bytes
    restored: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()

    @property
    def officers(self) -> tuple[str, ...]:
        """Everybody whose authenticators end."""
        return (*self.restored, *self.replaced)


def load_recovery(path: Path) -> RecoveryPlan:
    """The plan in *path*. Raises :class:`ConfigurationRefused` naming what is wrong in it."""
    tables, sha256 = tables_of(path)
    return parse_recovery(tables, sha256)


def parse_recovery(tables: Mapping[str, Any], sha256: bytes) -> RecoveryPlan:
    """The plan in parsed TOML. Raises :class:`ConfigurationRefused`."""
    parts: dict[str, Any] = {
        "participants": tuple(build(Participant, "participants", row) for row in rows_of("participants", tables)),
        "sha256": sha256,
    }
    plan = build(RecoveryPlan, "the top", {**tables, "sha256": sha256}, parts)
    if not 1 <= plan.hours <= _LONGEST_HOURS:
        raise ConfigurationRefused("Recovery codes count for 1 to {most} hours.", most=_LONGEST_HOURS)
    if not 1 <= len(plan.officers) <= _MOST_OFFICERS or len(set(plan.officers)) != len(plan.officers):
        raise ConfigurationRefused("A recovery names 1 to {most} officers, each once.", most=_MOST_OFFICERS)
    if min(len({each.hand for each in plan.participants}), len({each.name for each in plan.participants})) < 2:
        raise ConfigurationRefused("A recovery takes two people at least: who is root, and a custodian.")
    return plan
