"""Releases side by side, one of them current: upgrades that go back by themselves, and rollbacks."""

from appliance.operations.releases.by_playbook import PlaybookReleases, ProvisionedReleases
from appliance.operations.releases.journal import UpgradeStep
from appliance.operations.releases.rolling_back import roll_back
from appliance.operations.releases.tree import Release, Releases
from appliance.operations.releases.upgrading import Commands, upgrade

__all__ = [
    "Commands",
    "PlaybookReleases",
    "ProvisionedReleases",
    "Release",
    "Releases",
    "UpgradeStep",
    "roll_back",
    "upgrade",
]
