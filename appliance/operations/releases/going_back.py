"""Back to the release before: its databases too, where a migration changed them, unless acts would be lost."""

from __future__ import annotations

from typing import Protocol

from appliance.errors import UpgradeRefused
from appliance.home import Home
from appliance.operations.releases.copies import Copies, entries_of
from appliance.operations.releases.journal import Journal, Step, Upgrade
from appliance.operations.releases.tree import Releases


class Services(Protocol):
    """What :class:`appliance.operations.releases.Commands` has."""

    @property
    def stop(self) -> str:
        """The command line that stops everything."""

    @property
    def start(self) -> str:
        """The command line that starts everything."""

    @property
    def wait(self) -> int:
        """Seconds until it has to serve."""

    def do(self, line: str, home: Home) -> None:
        """Runs a command line."""


def go_back(
    home: Home, releases: Releases, done: Upgrade, commands: Services, *, forget_newer: bool = False
) -> Upgrade:
    """Stops, puts the copies back where a schema was changed, switches, starts, probes. Safe to repeat.

    Raises :class:`UpgradeRefused` when acts were recorded since the copies were made, which the older release
    cannot read: then the newer release stays, and is started again. *forget_newer* loses them.
    """
    before = releases.get(done.before)
    commands.do(commands.stop, home)
    if done.migrates and done.has(Step.COPIED):
        newer = entries_of(home.database) - done.entries
        if newer > 0 and not forget_newer:
            commands.do(commands.start, home)
            raise UpgradeRefused(
                "{count} acts were recorded since the upgrade to {after}, in a form that {before} cannot read:"
                " going back would lose them. {after} stays; mend it, or say --forget-newer.",
                count=newer,
                before=done.before,
                after=done.after,
            )
        if not Copies(home).exist:
            raise UpgradeRefused(
                "The databases from before the upgrade are gone; restore the backup {name}.", name=done.archive
            )
        Copies(home).put_back()
    releases.switch(before)
    taken_back = Journal(releases.root).step(done, Step.TAKEN_BACK)
    commands.do(commands.start, home)
    if commands.start:
        before.run(home, "probe", "--wait", str(commands.wait))
    return taken_back
