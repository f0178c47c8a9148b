"""Powers of attorney: registering and verifying them, and deciding which one covers a signature."""

from appliance.powers.coverage import decide_coverage
from appliance.powers.model import (
    ConsideredPower,
    CoverageDecision,
    CoverageFinding,
    CoverageOutcome,
    CoverageQuery,
    CoverageTest,
)
from appliance.powers.register import PowerDraft, Powers

__all__ = [
    "ConsideredPower",
    "CoverageDecision",
    "CoverageFinding",
    "CoverageOutcome",
    "CoverageQuery",
    "CoverageTest",
    "PowerDraft",
    "Powers",
    "decide_coverage",
]
