"""A directory of archives, and the documents that they share.

``20261125T143000Z/`` is an archive: a manifest, its note, sealed parts. ``objects/ab/abcd…`` are sealed documents,
each named by the SHA-256 of its sealed bytes: anybody can find damage, nobody learns which document it is.
What begins with a dot was left unfinished.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import BackupFailed
from appliance.operations.backup.manifest import BackupManifest, BackupPart
from hsm.files import file_lock

DATABASE, DOCUMENTS, HOUSE, AUTHORITY = "database.age", "documents.age", "appliance.age", "authority.age"
PARTS = (DATABASE, DOCUMENTS, HOUSE, AUTHORITY)
MANIFEST, NOTE = "manifest.json", "manifest.note"
_NAME = re.compile(r"\d{8}T\d{6}Z")


@dataclass(frozen=True, slots=True)
class BackupArchive:
    """One archive, at ``path``; the documents are beside it."""

    path: Path

    @property
    def name(self) -> str:
        """When it was begun, in UTC."""
        return self.path.name

    def part(self, name: str) -> Path:
        """The file of one part."""
        return self.path / name

    def object(self, name: str) -> Path:
        """The file of one sealed document."""
        return self.path.parent / "objects" / name[:2] / name

    def manifest(self) -> BackupManifest:
        """What it says that it holds. Raises :class:`BackupFailed`."""
        return BackupManifest.decode(self.manifest_bytes(), self.name)

    def manifest_bytes(self) -> bytes:
        """The bytes that the note is over."""
        try:
            return (self.path / MANIFEST).read_bytes()
        except OSError as error:
            raise BackupFailed("{path} is no backup: it has no manifest.", path=self.path) from error

    def require_parts(self, manifest: BackupManifest) -> None:
        """Every part is there and is the one in the *manifest*. Raises :class:`BackupFailed`."""
        for name in PARTS:
            if part_of_file(self.part(name)) != manifest.part(name):
                raise BackupFailed(
                    "{archive} is damaged: {name} is not what was written.", archive=self.name, name=name
                )


class BackupArchives:
    """The directory *root*, made when missing."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def all(self) -> list[BackupArchive]:
        """Every complete archive, the oldest first."""
        if not self.root.is_dir():
            return []
        return [BackupArchive(path) for path in sorted(self.root.iterdir()) if _NAME.fullmatch(path.name)]

    def newest(self) -> BackupArchive | None:
        """The last one, if there is any."""
        found = self.all()
        return found[-1] if found else None

    def get(self, name: str) -> BackupArchive:
        """The archive *name*. Raises :class:`BackupFailed`."""
        for archive in self.all():
            if archive.name == name:
                return archive
        raise BackupFailed("There is no backup {name} in {path}.", name=name, path=self.root)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nobody else makes or removes archives meanwhile; what a killed process left is gone on entering.

        Raises :class:`BackupFailed` when somebody else does.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.root / "objects").mkdir(mode=0o700, exist_ok=True)
            with file_lock(self.root / ".lock", wait=False):
                for left in self.root.glob(".*.part"):
                    shutil.rmtree(left)
                yield
        except BlockingIOError as error:
            raise BackupFailed("Another backup is under way in {path}.", path=self.root) from error


def part_of_file(path: Path) -> BackupPart | None:
    """The file as a part; None when it is not there."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return BackupPart(path.name, digest, stream.tell())
    except OSError:
        return None
