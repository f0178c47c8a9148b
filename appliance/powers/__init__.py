"""Powers of attorney: registering and verifying them, and deciding which one covers a signature."""

from appliance.powers.deciding import decide
from appliance.powers.matter import Considered, Decision, Finding, Matter, Outcome, Test
from appliance.powers.register import PowerDraft, Powers

__all__ = [
    "Considered",
    "Decision",
    "Finding",
    "Matter",
    "Outcome",
    "PowerDraft",
    "Powers",
    "Test",
    "decide",
]
