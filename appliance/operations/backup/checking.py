"""Is an archive what was written (by digests, the authority's note over them, and the encrypted documents), and
which archives are kept: so many days, weeks and months back, one for each, the newest of it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from appliance.config import BackupSettings
from appliance.errors import BackupFailed
from appliance.operations.backup.archives import NOTE, BackupArchive, BackupManifest, read_list, require_objects
from appliance.operations.backup.creating import BackupContext
from hsm.backup import require_signed
from hsm.errors import DecryptionRefused, Malformed
from hsm.note import NoteKey, NoteRefused


def check_archive(
    archive: BackupArchive, key: NoteKey, identities: Sequence[str], scratch: Path
) -> BackupManifest:
    """The manifest of a whole archive: 1. the note over it is by the log's *key*; 2. every part is that of the
    manifest; 3. the list of documents opens with one of the *identities*, and every sealed document on it is
    there, unchanged.

    *scratch* is a directory for what is opened for a moment. Raises :class:`BackupFailed` or
    ``DecryptionRefused``.
    """
    manifest = signed_manifest(archive, key)
    archive.require_parts(manifest)
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        documents = read_list(archive, identities, Path(directory))
    if len(documents) != manifest.documents:
        raise archive.damage("{archive} is damaged: its list of documents cannot be read.")
    require_objects(archive, documents.values())
    return manifest


def signed_manifest(archive: BackupArchive, key: NoteKey) -> BackupManifest:
    """The manifest, if its note is by the log's *key* and it is of this archive. Raises :class:`BackupFailed`."""
    encoded = archive.manifest_bytes()
    try:
        require_signed(encoded, (archive.path / NOTE).read_bytes(), key)
    except OSError as error:
        raise BackupFailed("{path} is no backup: it has no manifest.", path=archive.path) from error
    except (NoteRefused, Malformed) as error:
        raise BackupFailed(
            "{archive} was changed, or was not made by this authority: its manifest is not signed with the log's"
            " key {key}.",
            archive=archive.name,
            key=key.name,
        ) from error
    manifest = BackupManifest.decode(encoded, archive.name)
    if manifest.archive != archive.name:
        raise BackupFailed("{archive} is another backup under a wrong name.", archive=archive.name)
    return manifest


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


def prune_archives(context: BackupContext) -> tuple[list[str], int | None]:
    """Removes what is not to be kept, then the sealed documents that no archive needs; names, and how many.

    None instead of how many: the list of an archive that stays is damaged, or sealed for another machine's key;
    then no document went. An archive goes by its rename, so that none is ever there by half.
    """
    archives = context.archives
    with archives.exclusive():
        keep = archives_to_keep((archive.name for archive in archives.all()), context.settings.backup)
        gone = [archive for archive in archives.all() if archive.name not in keep]
        for archive in gone:
            aside = archives.root / f".{archive.name}.part"
            archive.path.rename(aside)
            shutil.rmtree(aside)
        return [archive.name for archive in gone], _sweep(context, archives.all())


def _sweep(context: BackupContext, staying: Sequence[BackupArchive]) -> int | None:
    needed: set[str] = set()
    with tempfile.TemporaryDirectory(dir=context.home.state) as directory:
        for archive in staying:
            try:
                listed = read_list(archive, [context.identity()], Path(directory))
            except (BackupFailed, DecryptionRefused):
                return None
            needed |= {document.object for document in listed.values()}
    unneeded = [path for path in (context.archives.root / "objects").glob("??/*") if path.name not in needed]
    for path in unneeded:
        path.unlink()
    return len(unneeded)


def _moment(name: str) -> datetime:
    return datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
