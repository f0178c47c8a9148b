"""Back to the release before: its databases too, where a migration changed them, unless acts would be lost.

Not lost are lines of the administrators' journal that tell of nothing in the portal's database: who signed in,
what was asked for and approved, and how an action of the machine or of the authority ended. Whoever asks for a
rollback in the console writes such lines by asking. Which they are follows from the log: it has each line's
digest, so what the administration's database says is believed only where it is what was said then. They are put
into the older database as they are, byte by byte, so that the log goes on from every checkpoint that was given
out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from appliance.errors import ApplianceError, UpgradeRefused
from appliance.home import Home
from appliance.ledger.audit_trail import EventKind
from appliance.model.administration import JournalKind
from appliance.operations.releases.copies import DatabaseCopies
from appliance.operations.releases.tree import Releases, Upgrade, UpgradeJournal, UpgradeStep
from appliance.store.copying import DatabaseSnapshot, JournalEntry, moment_of
from hsm import canonical
from hsm.config import AuthorityHome
from hsm.errors import Malformed
from hsm.files import file_lock

PATIENCE = 120.0
"""Seconds in which a process has ended that was told to."""


class ServiceCommands(Protocol):
    """What :class:`appliance.operations.releases.Commands` has."""

    @property
    def stop(self) -> str:
        """The command line that stops everything."""

    @property
    def start(self) -> str:
        """The command line that starts everything."""

    @property
    def probe(self) -> tuple[str, ...]:
        """What a release is asked once it was started."""

    def do(self, line: str, home: Home) -> None:
        """Runs a command line."""


def stop_services(home: Home, services: ServiceCommands, patience: float = PATIENCE) -> None:
    """Returns when neither the authority nor the scheduler of *home* runs any more; the others end before these.

    Raises :class:`UpgradeRefused` when one still does after *patience* seconds. Without a command nothing stops.
    """
    if not services.stop:
        return
    services.do(services.stop, home)
    deadline = time.monotonic() + patience
    for name, lock in (("scheduler", home.scheduler_lock), ("authority", AuthorityHome(home.root).single)):
        while _is_held(lock):
            if time.monotonic() >= deadline:
                raise UpgradeRefused(
                    "The {name} in {home} was told to end and still runs; end it and run this again.",
                    name=name,
                    home=home.root,
                )
            time.sleep(0.1)


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        with file_lock(lock, wait=False):
            return False
    except BlockingIOError:
        return True


ELSEWHERE: Final = frozenset(
    {
        "administrators.link",
        "administrators.reset",
        "administrators.resume",
        "administrators.suspend",
        "administrators.unlock",
        "alarm.dismiss",
        "authority.lock",
        "authority.restart",
        "backup.now",
        "crl.issue",
        "drill.now",
        "keys.keeper_end",
        "release.rollback",
        "release.upgrade",
        "restore",
        "service.restart",
    }
)
"""The operators' actions that change nothing in the portal's database (a test holds them against the registry)."""

_IN_THE_PORTAL = frozenset({JournalKind.ADMINISTRATOR_ADDED.value, JournalKind.ADMINISTRATOR_REMOVED.value})
_DONE = frozenset({JournalKind.ACT_DONE.value, JournalKind.ACT_INTERRUPTED.value})


@dataclass(frozen=True, slots=True)
class NewerEntries:
    """``lost``: how many entries going back would lose; ``carried``: those that go along."""

    lost: int
    carried: tuple[JournalEntry, ...]


def newer_than(home: Home, entries: int, *, journal_stays: bool) -> NewerEntries:
    """What the log has from its entry *entries* on. Unless the *journal_stays*, all of it would be lost."""
    with ExitStack() as stack:
        leaves = stack.enter_context(moment_of(home.database)).leaves_from(entries)
        if not journal_stays or not home.administration.exists():
            return NewerEntries(len(leaves), ())
        administration = stack.enter_context(moment_of(home.administration))
        found = list(_lines(leaves, entries, administration))
    return NewerEntries(len(leaves) - len(found), tuple(found))


def _lines(leaves: list[bytes], first: int, administration: DatabaseSnapshot) -> Iterator[JournalEntry]:
    journal = administration.journal()
    for number, leaf in enumerate(leaves, first):
        public = _public(leaf)
        if public.get("journal") == journal and not _is_in_the_portal(public, administration):
            yield JournalEntry(number, leaf, journal, int(public["line"]))


def _public(leaf: bytes) -> dict[str, Any]:
    """What the line of a journal says in the log; nothing for every other entry."""
    try:
        entry = canonical.decode(leaf)
    except Malformed:
        return {}
    is_line = isinstance(entry, dict) and entry.get("kind") == EventKind.ADMINISTRATION.value
    return dict(entry["public"]) if is_line else {}


def _is_in_the_portal(public: dict[str, Any], administration: DatabaseSnapshot) -> bool:
    """Whether what the line tells of changed the portal's database. Which action it was says the line itself, and
    only as the log knows it: the console can write the administration's database, but not the log."""
    if public["what"] in _IN_THE_PORTAL:
        return True
    action = administration.action_told(int(public["line"]), bytes.fromhex(public["digest"]))
    return public["what"] in _DONE and action not in ELSEWHERE


def go_back(
    home: Home, releases: Releases, done: Upgrade, commands: ServiceCommands, *, forget_newer: bool = False
) -> Upgrade:
    """Stops, puts the copies back where a schema was changed, switches, starts, probes. Safe to repeat.

    Raises :class:`UpgradeRefused` when acts were recorded since the copies were made, which the older release
    cannot read: then the newer release stays, and is started again. *forget_newer* loses them. What administrators
    did meanwhile is no reason, as long as it lies in their own database
    (:mod:`appliance.operations.releases.rollback`).
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
