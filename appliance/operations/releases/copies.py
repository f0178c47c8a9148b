"""The databases as they were before a migration, put aside while everything is stopped."""

from __future__ import annotations

import os
import shutil
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
            before, fresh = path.stat(), path.with_name(f".{path.name}.part")
            shutil.copyfile(self._directory / path.name, fresh)
            fresh.chmod(before.st_mode & 0o777)
            if os.geteuid() == 0:
                os.chown(fresh, before.st_uid, before.st_gid)
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


def entries_of(path: Path) -> int:
    """How long the log in the database is, whichever release wrote it."""
    with moment_of(path) as moment:
        return moment.log_length()


def schema_of(path: Path) -> int:
    """The schema's number, whichever release wrote it."""
    with moment_of(path) as moment:
        return moment.schema()
