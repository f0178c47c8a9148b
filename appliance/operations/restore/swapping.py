"""From staged to in place: renames under a journal, which an interrupted run takes up again."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import RestoreRefused
from appliance.home import Home, write_private
from appliance.operations.backup.points import BackupFailpoint, BackupFailpointHook
from hsm.files import sync_directory

ENTRIES = ("config", "trust", "secrets", "hsm", "authority", "administration", "state")
"""What a backup brings, by the names in a home."""


@dataclass(frozen=True, slots=True)
class Swap:
    """The directories *staged* and *aside*, by their names in the home, and the archive that is restored."""

    archive: str
    staged: str
    aside: str


def swap(home: Home, planned: Swap, passing: BackupFailpointHook) -> None:
    """Puts what is staged in its place, what was there aside; on disk on return."""
    write_private(home.interrupted_restore, json.dumps([planned.archive, planned.staged, planned.aside]).encode())
    sync_directory(home.root)
    passing(BackupFailpoint.JOURNAL_WRITTEN)
    complete(home, planned, passing)


def interrupted(home: Home) -> Swap | None:
    """What a run that was killed had begun; None when there was none."""
    try:
        return Swap(*json.loads(home.interrupted_restore.read_bytes()))
    except FileNotFoundError:
        return None


def complete(home: Home, planned: Swap, passing: BackupFailpointHook) -> None:
    """Each entry is either staged, or in its place: doing it again does what is left."""
    staged, aside = home.root / planned.staged, home.root / planned.aside
    for name in ENTRIES:
        fresh, place = staged / name, home.root / name
        if not fresh.exists():
            continue
        if place.exists():
            aside.mkdir(mode=0o700, exist_ok=True)
            if (aside / name).exists():
                raise RestoreRefused("{path} is in the way; move it away and run this again.", path=aside / name)
            place.rename(aside / name)
            sync_directory(aside)
            passing(BackupFailpoint.ASIDE)
        fresh.rename(place)
    sync_directory(home.root)
    passing(BackupFailpoint.IN_PLACE)
    shutil.rmtree(staged, ignore_errors=True)
    home.interrupted_restore.unlink()
    sync_directory(home.root)


def like_before(home: Home, staged: Path) -> None:
    """What is staged gets the modes of what it replaces and, when root restores, its users (appliance/sharing.py).

    Settings that a link leads to are somebody else's to keep: the backup's go beside them.
    """
    if home.is_managed and (staged / "config").exists():
        beside = home.root / "config-of-backup"
        shutil.rmtree(beside, ignore_errors=True)
        (staged / "config").rename(beside)
    for name in ENTRIES:
        fresh, place = staged / name, home.root / name
        if not fresh.exists() or not place.exists():
            continue
        before = place.stat()
        for path in (fresh, *fresh.rglob("*")):
            if os.geteuid() == 0:
                os.chown(path, before.st_uid, before.st_gid)
            path.chmod(before.st_mode & (0o7777 if path.is_dir() else 0o666))
