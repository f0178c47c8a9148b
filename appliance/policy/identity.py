"""Which signers must have had their identity checked, and for how long a check is good."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hsm.settings import require


class IdentityRequirement(StrEnum):
    """Who cannot sign without a current identity record."""

    NOBODY = "nobody"
    OUTSIDE = "outside"
    """Representatives from outside, whom somebody of the enterprise has verified and answers for."""
    EVERYBODY = "everybody"


@dataclass(frozen=True, slots=True)
class IdentityRules:
    """``required``: who must have a current identity record to sign. ``longest_days``: a check is good for so many
    days at most, whatever the document says."""

    required: IdentityRequirement = IdentityRequirement.NOBODY
    longest_days: int = 730

    def check(self) -> None:
        """Raises ConfigurationRefused for a term that is none."""
        require(1 <= self.longest_days <= 3650, "identity.longest_days", "from 1 to 3650")
