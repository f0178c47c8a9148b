"""The databases as they were before a migration, put aside while everything is stopped."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from appliance.errors import UpgradeRefused
from appliance.home import Home
from appliance.store.copying import JournalEntry, carry, moment_of

_SLACK = 64 * 1024 * 1024


class DatabaseCopies:
    """``HOME/.before-upgrade``: the databases of appliance, authority, administration and watch, each of its own
    user. The first two belong together; the others come back only where the newer release changed their form."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._directory = home.root / ".before-upgrade"
        self._together = (home.database, home.root / "authority/authority.db")
        self._apart = tuple(path for path in (home.administration, home.health) if path.exists())
        self._paths = (*self._together, *self._apart)

    def make(self) -> None:
        """Copies them; nothing may run. Raises :class:`UpgradeRefused` without room, :class:`StorageError`."""
        self._require_room()
        fresh = self._directory.with_name(".before-upgrade.part")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        for path in self._paths:
            with moment_of(path) as moment:
                moment.copy_to(fresh / path.name)
        shutil.rmtree(self._directory, ignore_errors=True)
        os.sync()
        fresh.rename(self._directory)

    def put_back(self, carried: Sequence[JournalEntry] = (), *, together: bool = True) -> None:
        """All as they were (appliance and authority only where *together* they have to), with the entries that are
        *carried* over at the end of the log; safe to repeat. Nothing may run. Raises :class:`StorageError` before
        anything is in its place when they do not fit there."""
        back = [*(self._together if together else ()), *(path for path in self._apart if self._changed(path))]
        fresh = {path: path.with_name(f".{path.name}.part") for path in back}
        for path, part in fresh.items():
            _copy(self._directory / path.name, part, like=path.lstat())
        if together and carried:
            carry(fresh[self._home.database], carried)
        os.sync()
        for path, part in fresh.items():
            for beside in ("-wal", "-shm"):
                path.with_name(path.name + beside).unlink(missing_ok=True)
            part.rename(path)
        os.sync()

    @property
    def are_needed(self) -> bool:
        """Whether the newer release has changed the form of a database that stands apart."""
        return any(self._changed(path) for path in self._apart)

    @property
    def keep_the_journal(self) -> bool:
        """Whether the administration's database stays as it is: its form has not changed."""
        return not self._changed(self._home.administration)

    def _changed(self, path: Path) -> bool:
        """Whether the copy has another form. There is none of what began after the copies were made."""
        copy = self._directory / path.name
        return copy.exists() and path.exists() and schema_of(copy) != schema_of(path)

    @property
    def exist(self) -> bool:
        """Whether there is something to put back."""
        return self._directory.exists()

    def _require_room(self) -> None:
        needed = 2 * sum(path.stat().st_size for path in self._paths) + _SLACK
        free = shutil.disk_usage(self._home.root).free
        if free < needed:
            raise UpgradeRefused(
                "The upgrade needs about {needed} MB in {path}, {free} MB are free; make room.",
                needed=needed // 1_000_000,
                path=self._home.root,
                free=free // 1_000_000,
            )


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
