"""Releases side by side, one of them current: upgrades that go back by themselves, and rollbacks."""

from appliance.operations.releases.by_playbook import ByPlaybook, Provisioned
from appliance.operations.releases.journal import Step
from appliance.operations.releases.rolling_back import roll_back
from appliance.operations.releases.tree import Release, Releases
from appliance.operations.releases.upgrading import Commands, upgrade

__all__ = ["ByPlaybook", "Commands", "Provisioned", "Release", "Releases", "Step", "roll_back", "upgrade"]
