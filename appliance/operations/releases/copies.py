"""The databases as they were before a migration, put aside while everything is stopped."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from appliance.errors import UpgradeRefused
from appliance.home import Home
from appliance.store.copying import moment_of

_SLACK = 64 * 1024 * 1024


class Copies:
    """``HOME/.before-upgrade``: the databases of appliance, authority and administration, each of its own user."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._directory = home.root / ".before-upgrade"
        always = (home.database, home.root / "authority/authority.db")
        self._paths = (*always, home.administration) if home.administration.exists() else always

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

    def put_back(self) -> None:
        """All as they were; safe to repeat. Nothing may run."""
        for path in self._paths:
            if not (self._directory / path.name).exists():
                continue  # the administration began after the copies were made
            fresh = path.with_name(f".{path.name}.part")
            _copy(self._directory / path.name, fresh, like=path.lstat())
            os.sync()
            for beside in ("-wal", "-shm"):
                path.with_name(path.name + beside).unlink(missing_ok=True)
            fresh.rename(path)
        os.sync()

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
