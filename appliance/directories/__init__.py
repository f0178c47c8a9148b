"""What the organisation's directories change here: comparing, following, leaving, and the scheduler's rounds."""

from appliance.directories.comparing import Difference, DifferenceKind, Plan
from appliance.directories.following import DirectoryAccounts
from appliance.directories.leaving import Leaving
from appliance.directories.rounds import DirectoryRounds

__all__ = ["Difference", "DifferenceKind", "DirectoryAccounts", "DirectoryRounds", "Leaving", "Plan"]
