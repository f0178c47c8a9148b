"""Back to the release before: its databases too, where a migration changed them, unless acts would be lost."""

from __future__ import annotations

from appliance.errors import ApplianceError, UpgradeRefused
from appliance.home import Home
from appliance.operations.releases.copies import DatabaseCopies
from appliance.operations.releases.journal import Upgrade, UpgradeJournal, UpgradeStep
from appliance.operations.releases.newer import newer_than
from appliance.operations.releases.stopping import ServiceCommands, stop_services
from appliance.operations.releases.tree import Releases


def go_back(
    home: Home, releases: Releases, done: Upgrade, commands: ServiceCommands, *, forget_newer: bool = False
) -> Upgrade:
    """Stops, puts the copies back where a schema was changed, switches, starts, probes. Safe to repeat.

    Raises :class:`UpgradeRefused` when acts were recorded since the copies were made, which the older release
    cannot read: then the newer release stays, and is started again. *forget_newer* loses them. What administrators
    did meanwhile is no reason, as long as it lies in their own database
    (:mod:`appliance.operations.releases.newer`).
    """
    before = releases.get(done.before)
    try:
        stop_services(home, commands)
    except UpgradeRefused:
        commands.do(commands.start, home)
        raise
    if done.has(UpgradeStep.COPIED) and (done.migrates or DatabaseCopies(home).are_needed):
        try:
            _put_back(home, done, forget_newer=forget_newer)
        except ApplianceError:
            commands.do(commands.start, home)
            raise
    releases.switch(before)
    taken_back = UpgradeJournal(releases.root).record_step(done, UpgradeStep.TAKEN_BACK)
    commands.do(commands.start, home)
    if commands.start:
        before.run(home, *commands.probe)
    return taken_back


def _put_back(home: Home, done: Upgrade, *, forget_newer: bool) -> None:
    """The databases as they were, or a refusal with nothing changed."""
    copies = DatabaseCopies(home)
    if not copies.exist:
        raise UpgradeRefused(
            "The databases from before the upgrade are gone; restore the backup {name}.", name=done.archive
        )
    newer = newer_than(home, done.entries, journal_stays=copies.keep_the_journal)
    if newer.lost and not forget_newer:
        raise UpgradeRefused(
            "Acts that were recorded since the upgrade to {after}, in a form that {before} cannot read: {count}."
            " Going back would lose them. {after} stays; mend it, or say --forget-newer.",
            count=newer.lost,
            before=done.before,
            after=done.after,
        )
    copies.put_back(() if newer.lost else newer.carried, together=done.migrates)
