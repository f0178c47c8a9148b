"""Releases side by side, one of them current: upgrades that go back by themselves, and rollbacks."""

from appliance.operations.releases.tree import Commands, Releases, UpgradeStep
from appliance.operations.releases.upgrading import PlaybookReleases, ProvisionedReleases, roll_back, upgrade

__all__ = [
    "Commands",
    "PlaybookReleases",
    "ProvisionedReleases",
    "Releases",
    "UpgradeStep",
    "roll_back",
    "upgrade",
]
