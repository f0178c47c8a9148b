"""The rules on how long what is kept of a contract stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hsm.settings import require


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """``years`` a completed or voided contract is kept, counted from its last change; ``ended_years`` one that
    ended unsigned. 0: for ever. ``second_person``: a disposal waits for another officer.

    ``FOR_ALL`` may name fields that no type of contract can change."""

    FOR_ALL: ClassVar[tuple[str, ...]] = ("second_person",)

    years: int = 10
    ended_years: int = 3
    second_person: bool = True

    def check(self) -> None:
        """Raises ConfigurationRefused for a term that is none."""
        require(0 <= self.years <= 100, "retention.years", "from 0 (for ever) to 100")
        require(0 <= self.ended_years <= 100, "retention.ended_years", "from 0 (for ever) to 100")
