"""``rollback``: back from the last upgrade, also from one that was interrupted."""

from __future__ import annotations

from appliance.errors import UpgradeRefused
from appliance.home import Home
from appliance.operations.releases.going_back import go_back
from appliance.operations.releases.journal import Upgrade, UpgradeJournal, UpgradeStep
from appliance.operations.releases.tree import Releases
from appliance.operations.releases.upgrading import Commands


def roll_back(home: Home, releases: Releases, commands: Commands, *, forget_newer: bool = False) -> Upgrade:
    """Makes the release before the last upgrade the current one again. Raises :class:`UpgradeRefused`."""
    done = UpgradeJournal(releases.root).read_upgrade()
    if done is None or done.step is UpgradeStep.TAKEN_BACK:
        raise UpgradeRefused("There is no upgrade to go back from.")
    return go_back(home, releases, done, commands, forget_newer=forget_newer)
