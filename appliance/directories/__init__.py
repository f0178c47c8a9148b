"""What the organisation's directories change here: comparing, following, leaving, the scheduler's rounds,
and what administrators ask of them."""

from appliance.directories.comparing import Difference, DifferenceKind, Plan
from appliance.directories.following import DirectoryAccounts
from appliance.directories.leaving import Leaving
from appliance.directories.operating import DirectoryOperation
from appliance.directories.rounds import DirectoryRounds

__all__ = [
    "Difference",
    "DifferenceKind",
    "DirectoryAccounts",
    "DirectoryOperation",
    "DirectoryRounds",
    "Leaving",
    "Plan",
]
