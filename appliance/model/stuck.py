"""Contracts that do not go on although nobody is waited for, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class StuckStep(StrEnum):
    """Where a contract stands still (docs/signing-cycle.md)."""

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
