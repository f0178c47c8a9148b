"""Back to the release before: its databases too, where a migration changed them, unless acts would be lost.

Not lost are lines of the administrators' journal that tell of nothing in the portal's database: who signed in,
what was asked for and approved, and how an action of the machine or of the authority ended. Whoever asks for a
rollback in the console writes such lines by asking. Which they are follows from the log: it has each line's
digest, so what the administration's database says is believed only where it is what was said then. They are put
into the older database as they are, byte by byte, so that the log goes on from every checkpoint that was given
out. What the authority has done since is asked of its own store.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.config import load
from appliance.errors import ApplianceError, ConfigurationError, SpoolDamaged, StorageError, UpgradeRefused
from appliance.home import Home
from appliance.ledger.audit_trail import EventKind
from appliance.ledger.timestamp_spool import count_waiting
from appliance.model.administration import JournalKind
from appliance.operations.backup.archives import lack_of_room
from appliance.operations.releases.tree import (
    Commands,
    Releases,
    Upgrade,
    UpgradeJournal,
    UpgradeStep,
    name_release,
)
from appliance.store.copying import DatabaseSnapshot, JournalEntry, carry, moment_of
from appliance.witnesses.gate import accept_loss_up_to
from hsm import canonical
from hsm.config import AuthorityHome
from hsm.errors import Malformed
from hsm.files import is_locked
from hsm.store.copying import done_since, keep_checkpoints, last_signed

PATIENCE = 120.0
"""Seconds in which a process has ended that was told to."""


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
    """Stops, puts the copies back where a schema was changed, switches, starts, probes. Safe to repeat.

    Raises :class:`UpgradeRefused` when acts were recorded since the copies were made, which the older release
    cannot read: then the newer release stays, and is started again. *forget_newer* loses them, and outside
    witnesses that have cosigned them do not keep the authority from starting. What administrators did meanwhile is
    no reason, as long as it is in their own database.
    """
    before = releases.get(done.before)
    try:
        stop_services(home, commands)
    except UpgradeRefused:
        commands.do(commands.start, home)
        raise
    try:
        if done.has(UpgradeStep.COPIED) and (done.migrates or DatabaseCopies(home).are_needed):
            _put_back(home, done, forget_newer=forget_newer)
    except ApplianceError:
        commands.do(commands.start, home)
        raise
    # Documents that wait to be confirmed: an older release would never remove them.
    shutil.rmtree(home.activation_requests, ignore_errors=True)
    releases.switch(before)
    name_release(home, before.name)
    taken_back = UpgradeJournal(releases.root).record_step(done, UpgradeStep.TAKEN_BACK)
    commands.do(commands.start, home)
    if commands.start:
        before.probe(home, commands)
    return taken_back


def _put_back(home: Home, done: Upgrade, *, forget_newer: bool) -> None:
    """The databases as they were, or a refusal with nothing changed."""
    copies = DatabaseCopies(home)
    if not copies.exist:
        raise UpgradeRefused(
            "The databases from before the upgrade are gone; restore the backup {name}.", name=done.archive
        )
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
    length = done.entries + len(carried or ())
    signed = copies.signed_by_authority() if done.migrates else 0
    copies.put_back(
        carried, together=done.migrates, first=lambda: _accept_loss(home, signed) if signed > length else None
    )


def _accept_loss(home: Home, signed: int) -> None:
    """Outside witnesses may know the log up to its entry *signed*. Raises :class:`StorageError`."""
    try:
        accept_loss_up_to(load(home), signed)
    except ConfigurationError:  # of a release that cannot read its settings; then `vermilion log gate` says more
        return
    except OSError as error:
        raise StorageError("{path} cannot be written: {why}.", path=home.log_lost, why=error) from error


class DatabaseCopies:
    """``HOME/.before-upgrade``: the databases of appliance, authority, administration and watch, each of its own
    user. The first two belong together; the others come back only where the newer release changed their form."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._directory = home.upgrade_copies
        self._store = AuthorityHome(home.root).store
        self._together = (home.database, self._store)
        self._apart = tuple(path for path in (home.administration, home.health) if path.exists())
        self._paths = (*self._together, *self._apart)

    def make(self) -> None:
        """Copies them; nothing may run. Raises :class:`UpgradeRefused` without room, :class:`StorageError`."""
        self._require_room()
        fresh = self._directory.with_name(f"{self._directory.name}.part")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        for path in self._paths:
            with moment_of(path) as moment:
                moment.copy_to(fresh / path.name)
        shutil.rmtree(self._directory, ignore_errors=True)
        os.sync()
        fresh.rename(self._directory)

    def put_back(
        self,
        carried: Sequence[JournalEntry] | None = None,
        *,
        together: bool = True,
        first: Callable[[], object] = lambda: None,
    ) -> None:
        """All as they were (appliance and authority only where *together* they have to), with the entries that are
        *carried* over at the end of the log, and what was signed of that log; None when it loses some. Safe to
        repeat; *first* is done just before, once nothing else stands in the way. Nothing may run. Raises
        :class:`StorageError` or :class:`UpgradeRefused` before anything is in its place when they do not fit
        there."""
        back = [*(self._together if together else ()), *(path for path in self._apart if self._changed(path))]
        fresh = {path: path.with_name(f".{path.name}.part") for path in back}
        for path, part in fresh.items():
            _require_place_for(path, part, *_beside(path))
            _copy(self._directory / path.name, part, like=path.lstat())
        if together and carried is not None:
            carry(fresh[self._home.database], carried)
            keep_checkpoints(fresh[self._store], self._store, length=entries_of(fresh[self._home.database]))
        os.sync()
        try:
            first()
        except ApplianceError:
            for part in fresh.values():
                part.unlink()
            raise
        for path, part in fresh.items():
            for beside in _beside(path):
                beside.unlink(missing_ok=True)
            part.rename(path)
        os.sync()

    def done_by_authority(self) -> int:
        """How much the authority has done since the copies were made, by its own store: the log that the portal
        writes may hide it, and going back would have people confirm by what was ended since, or use twice what
        counts once."""
        try:
            length = entries_of(self._home.database)
        except StorageError:  # then it has nothing of what was signed
            length = 0
        return done_since(self._directory / self._store.name, self._store, length=length)

    def signed_by_authority(self) -> int:
        """The length of the log that it has signed, by its own store."""
        return last_signed(self._store)

    @property
    def are_needed(self) -> bool:
        """Whether the newer release has changed the form of a database that stands apart."""
        return any(self._changed(path) for path in self._apart)

    @property
    def keep_the_journal(self) -> bool:
        """Whether the administration's database stays as it is: its form has not changed."""
        return not self._changed(self._home.administration)

    @property
    def know_the_spool(self) -> bool:
        """Whether the older release takes timestamps out of the spool, too."""
        with moment_of(self._directory / self._home.database.name) as moment:
            return moment.feed_positions() is not None

    def _changed(self, path: Path) -> bool:
        """Whether the copy has another form, or what is there now none that can be read. There is no copy of what
        began after the copies were made."""
        copy = self._directory / path.name
        if not (copy.exists() and path.exists()):
            return False
        before = schema_of(copy)
        try:
            return schema_of(path) != before
        except StorageError:
            return True

    @property
    def exist(self) -> bool:
        """Whether there is something to put back."""
        return self._directory.exists()

    def _require_room(self) -> None:
        if lack := lack_of_room(self._home.root, 2 * sum(path.stat().st_size for path in self._paths)):
            raise UpgradeRefused(
                "The upgrade needs about {needed} MB in {path}, {free} MB are free; make room.",
                **lack,
            )


def _beside(path: Path) -> tuple[Path, ...]:
    """What SQLite keeps beside the database."""
    return tuple(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))


def _require_place_for(path: Path, *others: Path) -> None:
    """Raises :class:`UpgradeRefused` without a database *path* that another one can take the place of, or when a
    directory stands in the place of one of the *others*: services write in these directories, too."""
    if not os.path.lexists(path):
        raise UpgradeRefused(
            "The database {path} is gone; put an empty file of its user in its place.", path=path.name
        )
    for each in others:
        if each.is_dir() and not each.is_symlink():
            raise UpgradeRefused("A directory stands at {path}; remove it.", path=each.name)


def _copy(source: Path, target: Path, *, like: os.stat_result) -> None:
    """To a new file *target* with users and mode of the one that is *like* it. Root does this in directories of
    others, who may have laid a link there: it is taken away, not followed."""
    if not stat.S_ISREG(like.st_mode):
        raise UpgradeRefused("A link stands in the place of the database {path}; remove it.", path=source.name)
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with source.open("rb") as before, os.fdopen(descriptor, "wb") as after:
        shutil.copyfileobj(before, after)
        os.fchmod(descriptor, like.st_mode & 0o777)
        if os.geteuid() == 0:
            os.fchown(descriptor, like.st_uid, like.st_gid)


def entries_of(path: Path) -> int:
    """How long the log in the database is, whichever release wrote it."""
    with moment_of(path) as moment:
        return moment.log_length()


def schema_of(path: Path) -> int:
    """The schema's number, whichever release wrote it."""
    with moment_of(path) as moment:
        return moment.schema()
