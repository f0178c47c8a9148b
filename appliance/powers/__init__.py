"""Powers of attorney: registering and verifying them, and deciding which one covers a signature."""

from appliance.powers.coverage import (
    ConsideredPower,
    CoverageDecision,
    CoverageFinding,
    CoverageOutcome,
    CoverageQuery,
    CoverageTest,
    decide_coverage,
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
