"""Releases side by side, one of them current: upgrades that go back by themselves, and rollbacks."""

from appliance.operations.releases.rollback import losses_accepted_before, newly_accepted
from appliance.operations.releases.tree import Commands, Releases, UpgradeStep
from appliance.operations.releases.upgrading import PlaybookReleases, ProvisionedReleases, roll_back, upgrade

__all__ = [
    "Commands",
    "PlaybookReleases",
    "ProvisionedReleases",
    "Releases",
    "UpgradeStep",
    "losses_accepted_before",
    "newly_accepted",
    "roll_back",
    "upgrade",
]
