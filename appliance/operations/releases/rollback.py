"""Back to the release before: its databases too, where a migration changed them, unless acts would be lost.

Not lost are lines of the administrators' journal that tell of nothing in the portal's database: who signed in,
what was asked for and approved, and how an action of the machine or of the authority ended. Whoever asks for a
rollback in the console writes such lines by asking. Which they are follows from the log: it has each line's
digest, so what the administration's database says is believed only where it is what was said then. They are put
into the older database as they are, byte by byte, so that the log goes on from every checkpoint that was given
out. What the authority has done since is asked of its own store.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from appliance.config import load
from appliance.errors import ConfigurationError, SpoolDamaged, StorageError, UpgradeRefused
from appliance.home import Home
from appliance.ledger.audit_trail import EventKind
from appliance.ledger.timestamp_spool import count_waiting
from appliance.model.administration import JournalKind
from appliance.operations.releases.copies import DatabaseCopies, PutBack, forget_put_back
from appliance.operations.releases.tree import (
    Commands,
    Releases,
    Upgrade,
    UpgradeJournal,
    UpgradeStep,
    name_release,
)
from appliance.store.copying import DatabaseSnapshot, JournalEntry, moment_of
from appliance.witnesses.gate import accept_loss_up_to, accepted_losses, forget_checkpoint
from hsm import canonical
from hsm.config import AuthorityHome
from hsm.errors import Malformed, RefusalError
from hsm.files import is_locked

PATIENCE = 120.0
"""Seconds in which a process has ended that was told to."""


DIAGNOSIS: Final = "systemctl start vermilion-diagnose.timer"
"""Raises the alarm that a rollback was interrupted: whatever else would say it has been stopped."""


def stop_services(home: Home, services: Commands) -> None:
    """Returns when neither the authority nor the scheduler of *home* runs any more; the others end before these.

    Raises :class:`UpgradeRefused` when one still does after :data:`PATIENCE`. Without a command nothing stops.
    """
    if not services.stop:
        return
    services.do(services.stop, home)
    deadline = time.monotonic() + PATIENCE
    for name, lock in (("scheduler", home.scheduler_lock), ("authority", AuthorityHome(home.root).single)):
        while is_locked(lock):
            if time.monotonic() >= deadline:
                raise UpgradeRefused(
                    "The {name} in {home} was told to end and still runs; end it and run this again.",
                    name=name,
                    home=home.root,
                )
            time.sleep(0.1)


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
        "cluster.drill",
        "cluster.switch_over",
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
_DONE = frozenset({JournalKind.REQUEST_DONE.value, JournalKind.REQUEST_INTERRUPTED.value})


@dataclass(frozen=True, slots=True)
class NewerEntries:
    """``lost``: how many entries going back would lose; ``carried``: those that go along."""

    lost: int
    carried: tuple[JournalEntry, ...]


def newer_than(home: Home, entries: int, *, journal_stays: bool, spool_stays: bool) -> NewerEntries:
    """What the log has from its entry *entries* on. Unless the *journal_stays*, all of it would be lost; and
    unless the *spool_stays*, being known to the older release, the timestamps in it that the log does not have.

    The newer release wrote both databases, or whoever has taken it over: what cannot be read counts as lost.
    """
    try:
        with moment_of(home.database) as moment:
            leaves = moment.leaves_from(entries)
            waiting = 0 if spool_stays else _waiting_timestamps(home, moment)
    except StorageError:
        return NewerEntries(1, ())
    found: tuple[JournalEntry, ...] = ()
    if journal_stays and home.administration.exists():
        with suppress(StorageError), moment_of(home.administration) as administration:
            found = tuple(_lines(leaves, entries, administration))
    return NewerEntries(len(leaves) + waiting - len(found), found)


def _waiting_timestamps(home: Home, moment: DatabaseSnapshot) -> int:
    """Timestamps in the spool that the log does not have; none where the newer release has not begun to issue. A
    file that is damaged counts as one, so that a rollback can still be asked for with ``--forget-newer``."""
    positions = moment.feed_positions()
    if positions is None:
        return 0
    try:
        return count_waiting(home.timestamp_spool, lambda file: positions.get(file, 0))
    except SpoolDamaged:
        return 1


def _lines(leaves: list[bytes], first: int, administration: DatabaseSnapshot) -> Iterator[JournalEntry]:
    journal = administration.journal()
    for number, leaf in enumerate(leaves, first):
        with suppress(Malformed, KeyError, TypeError, ValueError, OverflowError):  # what no release of ours writes
            public = _public(leaf)
            if public.get("journal") == journal and not _is_in_the_portal(public, administration):
                yield JournalEntry(number, leaf, journal, int(public["line"]))


def _public(leaf: bytes) -> dict[str, Any]:
    """What the line of a journal says in the log; nothing for every other entry."""
    entry = canonical.decode(leaf)
    is_line = isinstance(entry, dict) and entry.get("kind") == EventKind.ADMINISTRATION.value
    return dict(entry["public"]) if is_line else {}


def _is_in_the_portal(public: dict[str, Any], administration: DatabaseSnapshot) -> bool:
    """Whether what the line tells of changed the portal's database. Which action it was says the line itself, and
    only as the log knows it: the console can write the administration's database, but not the log."""
    if public["what"] in _IN_THE_PORTAL:
        return True
    action = administration.action_recorded(int(public["line"]), bytes.fromhex(public["digest"]))
    return public["what"] in _DONE and action not in ELSEWHERE


def go_back(
    home: Home, releases: Releases, done: Upgrade, commands: Commands, *, forget_newer: bool = False
) -> Upgrade:
    """Stops, puts the copies back where a schema was changed, switches, starts, probes. One that was killed is
    ended by the next, as it was begun.

    Raises :class:`UpgradeRefused` when acts were recorded since the copies were made, which the older release
    cannot read: then the newer release stays, and is started again. *forget_newer* loses them, and outside
    witnesses that have cosigned them do not keep the authority from starting. What administrators did meanwhile is
    no reason, as long as it is in their own database. What else fails, as :class:`RefusalError`, also starts the
    newer release again unless a database has been replaced: then nothing starts until the rollback was run again.
    """
    before = releases.get(done.before)
    try:
        stop_services(home, commands)
        _put_back(home, done, forget_newer=forget_newer)
        # Documents that wait to be confirmed: an older release would never remove them.
        shutil.rmtree(home.activation_requests, ignore_errors=True)
        name_release(home, before.name)
        releases.switch(before)
        taken_back = UpgradeJournal(releases.root).record_step(done, UpgradeStep.TAKEN_BACK)
        forget_put_back(home)
    except (RefusalError, OSError) as error:
        if home.interrupted_rollback.exists():
            if home.is_managed:
                with suppress(UpgradeRefused):
                    commands.do(DIAGNOSIS, home)
            raise UpgradeRefused(
                "The rollback was interrupted, and nothing starts until it has been run again: {why}",
                why=error,
            ) from error
        commands.do(commands.start, home)
        if isinstance(error, OSError):
            current = releases.current().name
            raise StorageError(
                "The rollback failed; release {name} is the current one: {why}", name=current, why=error
            ) from error
        raise
    commands.do(commands.start, home)
    if commands.start:
        before.probe(home, commands)
    return taken_back


def _put_back(home: Home, done: Upgrade, *, forget_newer: bool) -> None:
    """The databases as they were, or a refusal with nothing changed; goes on with what was begun."""
    copies, order = DatabaseCopies(home), PutBack.read(home)
    if order is None:
        if not (done.has(UpgradeStep.COPIED) and (done.migrates or copies.are_needed)):
            return
        order = _order(home, done, copies, forget_newer=forget_newer)
    if not order.in_place:
        copies.require_those_of(done)
        copies.put_back(order, first=lambda: _accept_loss(home, order.accepted) if order.accepted else None)
    forget_checkpoint(home)  # of a log that was longer, where entries are lost


def _order(home: Home, done: Upgrade, copies: DatabaseCopies, *, forget_newer: bool) -> PutBack:
    """What has to be put back. Raises :class:`UpgradeRefused` when that would lose something."""
    copies.require_those_of(done)
    newer = newer_than(
        home, done.entries, journal_stays=copies.keep_the_journal, spool_stays=copies.know_the_spool
    )
    lost = newer.lost + (copies.done_by_authority() if done.migrates else 0)
    if lost and not forget_newer:
        raise UpgradeRefused(
            "Acts that were recorded since the upgrade to {after}, in a form that {before} cannot read: {count}."
            " Going back would lose them. {after} stays; fix it, or say --forget-newer.",
            count=lost,
            before=done.before,
            after=done.after,
        )
    carried = None if newer.lost else newer.carried
    # Witnesses know what was published, and the timestamp over that is an entry, which is never carried: where no
    # entry is lost, they know nothing newer. Where some are, the older database has none of the newer checkpoints,
    # not even those over entries that it has.
    here = copies.published() if carried is None else done.entries + len(carried)
    signed = copies.signed_by_authority() if done.migrates else 0
    return PutBack(done, copies.files(together=done.migrates), carried, accepted=signed if signed > here else 0)


def losses_accepted_before(home: Home) -> Mapping[str, int]:
    """By the vkey of a witness: up to which size losses were accepted by others than the rollback that begins now,
    or goes on."""
    begun = PutBack.read(home)
    return {
        witness: size for witness, size in accepted_losses(home).items() if begun is None or size != begun.accepted
    }


def newly_accepted(home: Home, before: Mapping[str, int]) -> int:
    """Up to which size of the log the rollback has accepted a loss that witnesses may know; 0 for none. *before*
    is what :func:`losses_accepted_before` gave before it."""
    return max((size for witness, size in accepted_losses(home).items() if size != before.get(witness)), default=0)


def _accept_loss(home: Home, signed: int) -> None:
    """Outside witnesses may know the log up to its entry *signed*. Raises :class:`StorageError`."""
    try:
        accept_loss_up_to(load(home), signed)
    except ConfigurationError:  # of a release that cannot read its settings; then `vermilion log gate` says more
        return
    except OSError as error:
        raise StorageError("{path} cannot be written: {why}.", path=home.log_lost, why=error) from error
