"""Who needs a power of attorney (授权委托书) to sign for an organisation, and how long one may run."""

from __future__ import annotations

from dataclasses import dataclass

from hsm.settings import require


@dataclass(frozen=True, slots=True)
class PowerRules:
    """``required``: who signs for an organisation is its legal representative (法定代表人) or has a verified power
    that covers the contract. ``amount_required``: under a power with a limit, a contract that states no amount is
    not covered; else one that states none is taken to have none. ``longest_days``: the longest term of a power."""

    required: bool = False
    amount_required: bool = True
    longest_days: int = 1096

    def check(self) -> None:
        """Raises ConfigurationRefused for a term that is none."""
        require(1 <= self.longest_days <= 3660, "powers.longest_days", "from 1 to 3660")
