"""What the organisation's directories change here: comparing, following, leaving, the scheduler's rounds,
and what administrators ask of them."""

from appliance.directories.comparing import Difference, Plan
from appliance.directories.following import DirectoryAccounts
from appliance.directories.identity_provider import NotedProvider
from appliance.directories.leaving import Leaving
from appliance.directories.operating import DirectoryOperation
from appliance.directories.rounds import DirectoryRounds
from appliance.directories.single_sign_on import SingleSignOn

__all__ = [
    "Difference",
    "DirectoryAccounts",
    "DirectoryOperation",
    "DirectoryRounds",
    "Leaving",
    "NotedProvider",
    "Plan",
    "SingleSignOn",
]
