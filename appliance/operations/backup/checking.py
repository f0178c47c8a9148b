"""Is an archive what was written? By digests, the authority's note over them, and the sealed documents."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BackupFailed
from appliance.operations.backup.archives import NOTE, BackupArchive
from appliance.operations.backup.documents import read_list, require_objects
from appliance.operations.backup.manifest import BackupManifest
from hsm.backup.statement import require_signed
from hsm.errors import Malformed
from hsm.note import NoteKey, NoteRefused


@dataclass(frozen=True, slots=True)
class CheckedArchive:
    """An archive that is whole: its manifest, and how many sealed documents were read."""

    manifest: BackupManifest
    documents: int


def check_archive(
    archive: BackupArchive, key: NoteKey, identities: Sequence[str], scratch: Path
) -> CheckedArchive:
    """1. the note over the manifest is by the log's *key*; 2. every part is that of the manifest; 3. the list of
    documents opens with one of the *identities*, and every sealed document on it is there, unchanged.

    *scratch* is a directory for what is opened for a moment. Raises :class:`BackupFailed` or
    ``DecryptionRefused``.
    """
    manifest = signed_manifest(archive, key)
    archive.require_parts(manifest)
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        documents = read_list(archive, identities, Path(directory) / "documents")
    if len(documents) != manifest.documents:
        raise BackupFailed("{archive} is damaged: its list of documents cannot be read.", archive=archive.name)
    return CheckedArchive(manifest, require_objects(archive, documents.values()))


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
