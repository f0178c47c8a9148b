"""Which archives are kept: so many days, weeks and months back, one for each, the newest of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from appliance.config import BackupSettings
from appliance.errors import BackupFailed
from appliance.operations.backup.archives import BackupArchive
from appliance.operations.backup.creating import BackupContext
from appliance.operations.backup.documents import read_list
from hsm.errors import DecryptionRefused


def archives_to_keep(names: Iterable[str], wanted: BackupSettings) -> set[str]:
    """Of the *names* (times, as archives are named) those to keep. The newest archive always is."""
    newest_first = sorted(names, reverse=True)
    periods: Sequence[tuple[Callable[[datetime], object], int]] = (
        (lambda at: at.date(), wanted.daily),
        (lambda at: at.isocalendar()[:2], wanted.weekly),
        (lambda at: (at.year, at.month), wanted.monthly),
    )
    keep: set[str] = set(newest_first[:1])
    for period, count in periods:
        found: dict[object, str] = {}
        for name in newest_first:
            found.setdefault(period(_moment(name)), name)
        keep |= set(list(found.values())[:count])
    return keep


def prune_archives(room: BackupContext) -> tuple[list[str], int | None]:
    """Removes what is not to be kept, then the sealed documents that no archive needs; names, and how many.

    None instead of how many: the list of an archive that stays is damaged, or sealed for another machine's key;
    then no document went. An archive goes by its rename, so that none is ever there by half.
    """
    archives = room.archives
    with archives.exclusive():
        keep = archives_to_keep((archive.name for archive in archives.all()), room.settings.backup)
        gone = [archive for archive in archives.all() if archive.name not in keep]
        for archive in gone:
            aside = archives.root / f".{archive.name}.part"
            archive.path.rename(aside)
            shutil.rmtree(aside)
        return [archive.name for archive in gone], _sweep(room, archives.all())


def _sweep(room: BackupContext, staying: Sequence[BackupArchive]) -> int | None:
    needed: set[str] = set()
    with tempfile.TemporaryDirectory(dir=room.home.state) as directory:
        for archive in staying:
            try:
                listed = read_list(archive, [room.identity()], Path(directory) / "documents")
            except (BackupFailed, DecryptionRefused):
                return None
            needed |= {document.object for document in listed.values()}
    unneeded = [path for path in (room.archives.root / "objects").glob("??/*") if path.name not in needed]
    for path in unneeded:
        path.unlink()
    return len(unneeded)


def _moment(name: str) -> datetime:
    return datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
