"""``HOME/.before-upgrade``: the databases from before an upgrade, and how they get back to their places.

While they do, ``HOME/.rolling-back.json`` says so. The newer release starts nothing then: its units have that
condition, its ``vermilion-start`` refuses, and it migrates no older database (:mod:`hsm.schema`). A run that was
killed is ended by the next one, which does what that file says and not what the databases, some of which are back
already, would say by now.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from appliance.errors import StorageError, UpgradeRefused
from appliance.home import Home
from appliance.operations.backup.archives import lack_of_room
from appliance.operations.releases.tree import Upgrade
from appliance.store.copying import JournalEntry, carry, moment_of
from hsm.config import AuthorityHome
from hsm.errors import RefusalError
from hsm.files import sync_directory, write_durably, write_private
from hsm.store.copying import done_since, keep_checkpoints, last_signed


@dataclass(frozen=True, slots=True)
class PutBack:
    """What a rollback puts back, decided before anything is changed.

    ``files``: the databases, by their paths in the home, in the order in which they are replaced. ``carried``: the
    entries that go along at the end of the log; None when it loses some. ``accepted``: up to which size of the log
    the loss is accepted that witnesses may know; 0 for none. ``in_place``: all of them are.
    """

    upgrade: Upgrade
    files: tuple[str, ...]
    carried: tuple[JournalEntry, ...] | None
    accepted: int = 0
    in_place: bool = False

    @classmethod
    def read(cls, home: Home) -> PutBack | None:
        """What a rollback of *home* has begun to put back and not ended; None when there is none.

        Raises :class:`StorageError` when its file cannot be read.
        """
        try:
            said = json.loads(home.interrupted_rollback.read_bytes())
            return cls(
                Upgrade.of(said["upgrade"]),
                tuple(said["files"]),
                None if said["carried"] is None else tuple(map(_entry, said["carried"])),
                int(said["accepted"]),
                bool(said["in_place"]),
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                "{path} cannot be read: {why}.", path=home.interrupted_rollback, why=error
            ) from error

    def write(self, home: Home) -> None:
        """Keeps it, on disk on return. Raises OSError."""
        said = {**asdict(self), "carried": None if self.carried is None else list(map(_told, self.carried))}
        write_durably(home.interrupted_rollback, json.dumps(said).encode(), mode=0o600)


def _told(entry: JournalEntry) -> dict[str, Any]:
    return {**asdict(entry), "leaf": entry.leaf.hex()}


def _entry(told: dict[str, Any]) -> JournalEntry:
    return JournalEntry(**{**told, "leaf": bytes.fromhex(told["leaf"])})


def forget_put_back(home: Home) -> None:
    """Nothing is being put back in *home* any more; on disk on return. Raises OSError."""
    home.interrupted_rollback.unlink(missing_ok=True)
    sync_directory(home.root)


class DatabaseCopies:
    """``HOME/.before-upgrade``: the databases of appliance, authority, administration and watch, each of its own
    user. The first two belong together; the others come back only where the newer release changed their form."""

    _LABEL = "upgrade.json"
    """Of which upgrade they are."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._directory = home.upgrade_copies
        self._store = AuthorityHome(home.root).store
        self._together = (home.database, self._store)
        self._apart = tuple(path for path in (home.administration, home.health) if path.exists())
        self._paths = (*self._together, *self._apart)

    def make(self, upgrade: Upgrade) -> None:
        """Copies them, with a file that says of which *upgrade* they are; nothing may run. Raises
        :class:`UpgradeRefused` without room, :class:`StorageError`, and OSError."""
        self._require_room()
        fresh = self._directory.with_name(f"{self._directory.name}.part")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        for path in self._paths:
            with moment_of(path) as moment:
                moment.copy_to(fresh / path.name)
        write_private(fresh / self._LABEL, json.dumps(_named(upgrade)).encode())
        shutil.rmtree(self._directory, ignore_errors=True)
        os.sync()
        fresh.rename(self._directory)

    def require_those_of(self, upgrade: Upgrade) -> None:
        """Raises :class:`UpgradeRefused` unless they are there and were made by this *upgrade*: an older volume
        brings those of another one."""
        if not self._directory.exists():
            raise UpgradeRefused(
                "The databases from before the upgrade are gone; restore the backup {name}.", name=upgrade.archive
            )
        if not self._are_of(upgrade):
            raise UpgradeRefused(
                "The databases in {path} are not those from before the upgrade from {before} to {after}; restore"
                " the backup {name}.",
                path=self._directory,
                before=upgrade.before,
                after=upgrade.after,
                name=upgrade.archive,
            )

    def _are_of(self, upgrade: Upgrade) -> bool:
        try:
            return bool(json.loads((self._directory / self._LABEL).read_bytes()) == _named(upgrade))
        except FileNotFoundError:  # of a release that wrote none yet: its log was as long as this one's
            return entries_of(self._directory / self._home.database.name) == upgrade.entries
        except ValueError:
            return False

    def files(self, *, together: bool) -> tuple[str, ...]:
        """Which have to be put back, appliance and authority only where *together* they have to; by their paths in
        the home. First those whose form has changed: those the newer release does not open any more
        (:mod:`hsm.schema`), whatever has become of the others."""
        back = [*(self._together if together else ()), *(path for path in self._apart if self._changed(path))]
        back.sort(key=lambda path: not self._changed(path))
        return tuple(str(path.relative_to(self._home.root)) for path in back)

    def put_back(self, order: PutBack, *, first: Callable[[], object] = lambda: None) -> None:
        """The files of *order* as they were, with the entries that it carries over at the end of the log, and what
        was signed of that log. Done again, it does the same; :func:`forget_put_back` ends it.

        *first* is done just before anything is replaced, once nothing else stands in the way. Nothing may run.
        Raises :class:`RefusalError` or OSError; unless something has been replaced, nothing of it is left then.
        """
        replaced = self._home.interrupted_rollback.exists()
        fresh = {path: path.with_name(f".{path.name}.part") for path in map(self._home.root.joinpath, order.files)}
        try:
            self._prepare(order, fresh)
            order.write(self._home)
            first()
            for path, part in fresh.items():
                for beside in filter(os.path.lexists, _beside(path)):
                    beside.unlink()
                    replaced = True
                part.rename(path)
                replaced = True
        except (RefusalError, OSError):
            if not replaced:
                for part in fresh.values():
                    with suppress(OSError):
                        part.unlink(missing_ok=True)
                forget_put_back(self._home)
            raise
        os.sync()
        replace(order, in_place=True).write(self._home)

    def _prepare(self, order: PutBack, fresh: Mapping[Path, Path]) -> None:
        """Everything that will be put back, on disk beside the place of each."""
        for path, part in fresh.items():
            _require_place_for(path, part, *_beside(path))
            part.unlink(missing_ok=True)  # of a run that was killed, which would take the room
        needed = sum((self._directory / path.name).stat().st_size for path in fresh)
        if lack := lack_of_room(self._home.root, needed):
            raise UpgradeRefused(
                "Going back needs about {needed} MB in {path}, {free} MB are free; make room.", **lack
            )
        for path, part in fresh.items():
            _copy(self._directory / path.name, part, like=path.lstat())
        if self._home.database in fresh and order.carried is not None:
            carry(fresh[self._home.database], order.carried)
            keep_checkpoints(fresh[self._store], self._store, length=entries_of(fresh[self._home.database]))
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

    def published(self) -> int:
        """How many entries the newest checkpoint in the copy of the portal's database is over."""
        with moment_of(self._directory / self._home.database.name) as moment:
            return moment.published()

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

    def _require_room(self) -> None:
        if lack := lack_of_room(self._home.root, 2 * sum(path.stat().st_size for path in self._paths)):
            raise UpgradeRefused(
                "The upgrade needs about {needed} MB in {path}, {free} MB are free; make room.",
                **lack,
            )


def _named(upgrade: Upgrade) -> dict[str, str]:
    """What tells it from every other one: backups are named for their time."""
    return {"before": upgrade.before, "after": upgrade.after, "archive": upgrade.archive}


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
