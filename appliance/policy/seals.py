"""The rules on how many hands the use of a company seal takes, and what comes before it."""

from __future__ import annotations

from dataclasses import dataclass

from hsm.settings import require


@dataclass(frozen=True, slots=True)
class SealRules:
    """``custodians``: so many must approve each use, 1 or 2; a seal that takes two takes two whatever stands here.
    ``requester_may_sign``: who asks for a seal may sign the same contract in person as well. ``after_review``: a
    reviewer has signed the content check off before a seal is asked for."""

    custodians: int = 1
    requester_may_sign: bool = True
    after_review: bool = False

    def check(self) -> None:
        """Raises ConfigurationRefused for a number that is none."""
        require(self.custodians in (1, 2), "seals.custodians", "1 or 2")
