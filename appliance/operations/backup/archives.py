"""A directory of archives, the documents that they share, and the manifest of each.

``20261125T143000Z/`` is an archive: a manifest, its note, encrypted parts. ``objects/ab/abcd…`` are encrypted
documents, each named by the SHA-256 of its encrypted bytes: anybody can find damage, nobody learns which document
it is. The manifest is in the clear, without names. What begins with a dot was left unfinished.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from appliance.documents.blobs import BlobStore
from appliance.errors import BackupFailed, NotFound
from hsm import canonical
from hsm.backup import BackupPartStatement
from hsm.encryption import decrypt_bytes, decrypt_file, encrypt_bytes
from hsm.errors import DecryptionRefused, Malformed
from hsm.files import file_lock

FORMAT = 1


@dataclass(frozen=True, slots=True)
class BackupPart:
    """One file of the archive with its SHA-256 (hex) and its size in bytes."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """``documents`` is how many there are, ``content`` their bytes; ``secrets`` the names of those inside;
    ``created`` is aware; ``authority`` says which keys a restore needs."""

    archive: str
    created: datetime
    release: str
    schema: int
    documents: int
    content: int
    parts: tuple[BackupPart, ...]
    recipients: tuple[str, ...]
    secrets: tuple[str, ...]
    authority: BackupPartStatement

    def encode(self) -> bytes:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return canonical.encode(
            {
                **values,
                "format": FORMAT,
                "created": int(self.created.timestamp()),
                "parts": [[part.name, part.sha256, part.size] for part in self.parts],
                "recipients": list(self.recipients),
                "secrets": list(self.secrets),
                "authority": self.authority.fields(),
            }
        )

    @classmethod
    def decode(cls, data: bytes, archive: str) -> Self:
        """The manifest in *data*, of the archive of that name. Raises :class:`BackupFailed`."""
        try:
            values: dict[str, Any] = canonical.decode(data)
            if values.pop("format") != FORMAT:
                raise BackupFailed("{archive} has a format that this release does not know.", archive=archive)
            manifest = cls(
                **{
                    **values,
                    "created": datetime.fromtimestamp(values["created"], UTC),
                    "parts": tuple(BackupPart(*each) for each in values["parts"]),
                    "recipients": tuple(values["recipients"]),
                    "secrets": tuple(values["secrets"]),
                    "authority": BackupPartStatement.from_fields(values["authority"]),
                }
            )
        except (Malformed, KeyError, TypeError, ValueError, AttributeError) as error:
            raise BackupFailed("{archive} is damaged: its manifest cannot be read.", archive=archive) from error
        return manifest

    def part(self, name: str) -> BackupPart:
        """The part *name*. Raises :class:`BackupFailed`."""
        for part in self.parts:
            if part.name == name:
                return part
        raise BackupFailed("{archive} is damaged: {name} is missing.", archive=self.archive, name=name)


DATABASE, DOCUMENTS, APPLIANCE, AUTHORITY = "database.age", "documents.age", "appliance.age", "authority.age"
PARTS = (DATABASE, DOCUMENTS, APPLIANCE, AUTHORITY)
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

    def damage(self, template: str, **values: str) -> BackupFailed:
        """The exception for an archive that is not whole: *template* says why."""
        return BackupFailed(template, archive=self.name, **values)

    def require_parts(self, manifest: BackupManifest) -> None:
        """Every part is there and is the one in the *manifest*. Raises :class:`BackupFailed`."""
        for name in PARTS:
            if part_of_file(self.part(name)) != manifest.part(name):
                raise self.damage("{archive} is damaged: {name} is not what was written.", name=name)


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


SLACK = 64 * 1024 * 1024
"""Bytes that stay free beside what is written."""


def lack_of_room(path: Path, needed: int) -> dict[str, object] | None:
    """What a refusal says (``needed`` and ``free`` in MB, ``path``) where *needed* bytes do not fit on the disk of
    *path*; None where they do."""
    free = shutil.disk_usage(path).free
    if free >= needed + SLACK:
        return None
    return {"needed": (needed + SLACK) // 1_000_000, "path": path, "free": free // 1_000_000}


def part_of_file(path: Path) -> BackupPart | None:
    """The file as a part; None when it is not there."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return BackupPart(path.name, digest, stream.tell())
    except OSError:
        return None


class BackupFailpoint(StrEnum):
    """Named for what has just been done; what comes next has not begun."""

    MOMENT_TAKEN = "database and authority of one moment are held, nothing written"
    DATABASE_COPIED = "the database is copied, in the clear, inside the home"
    DOCUMENTS_SEALED = "the new documents are sealed"
    ARCHIVE_WRITTEN = "the archive is written under a temporary name"
    ARCHIVE_NAMED = "the archive has its name"
    STAGED = "everything is opened beside the home"
    VERIFIED = "what was opened is verified"
    JOURNAL_WRITTEN = "the journal is written, nothing is moved"
    ASIDE = "the old home is put aside, in part"
    IN_PLACE = "everything is in place, the journal is still there"


BackupFailpointHook = Callable[[BackupFailpoint], None]


def no_failpoint(point: object) -> None:
    """Go on."""


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """``digest`` (SHA-256, hex) and ``size`` are the document's, ``object`` is the SHA-256 of its sealed bytes."""

    digest: str
    object: str
    size: int


def digests_in(blobs: Path) -> Iterator[str]:
    """The digest of every document below *blobs*, without what is half-written."""
    for folder in sorted(blobs.glob("??")):
        yield from sorted(path.name for path in folder.iterdir() if len(path.name) == 64)


def seal_documents(
    blobs: BlobStore,
    digests: Iterable[str],
    archive: BackupArchive,
    known: dict[str, SealedDocument],
    to: Sequence[str],
) -> list[SealedDocument]:
    """Each of the documents, sealed beside *archive* unless *known* (from an older archive) has it already.

    A document that is disposed of meanwhile is left out. Not on disk before the caller has synchronised the disk.
    """
    return [
        each
        for digest in digests
        if (each := _kept(archive, known.get(digest)) or _seal(blobs, digest, archive, to))
    ]


def _kept(archive: BackupArchive, known: SealedDocument | None) -> SealedDocument | None:
    return known if known is not None and archive.object(known.object).exists() else None


def _seal(blobs: BlobStore, digest: str, archive: BackupArchive, to: Sequence[str]) -> SealedDocument | None:
    try:
        content = blobs.get(digest)
    except NotFound:
        return None
    sealed = encrypt_bytes(content, to)
    name = hashlib.sha256(sealed).hexdigest()
    path = archive.object(name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    part = path.with_name(f".{name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(sealed)
    part.rename(path)
    return SealedDocument(digest, name, len(content))


def write_list(documents: Iterable[SealedDocument], path: Path) -> None:
    """The list of an archive's documents, a line for each, in the clear."""
    with path.open("w", encoding="ascii") as stream:
        stream.writelines(f"{each.digest} {each.object} {each.size}\n" for each in documents)


def read_list(archive: BackupArchive, identities: Sequence[str], scratch: Path) -> dict[str, SealedDocument]:
    """The documents of *archive* by digest; their list is opened in the directory *scratch*, and removed again.

    Raises :class:`DecryptionRefused` when none of the keys opens it, :class:`BackupFailed` when it is no such
    list.
    """
    opened = scratch / "documents"
    opened.unlink(missing_ok=True)
    try:
        decrypt_file(archive.part(DOCUMENTS), opened, identities)
        rows = [line.split() for line in opened.read_text(encoding="ascii").splitlines()]
        found = [SealedDocument(digest, name, int(size)) for digest, name, size in rows]
    except ValueError as error:
        raise archive.damage("{archive} is damaged: its list of documents cannot be read.") from error
    finally:
        opened.unlink(missing_ok=True)
    return {each.digest: each for each in found}


def open_document(archive: BackupArchive, document: SealedDocument, identities: Sequence[str]) -> bytes:
    """The bytes of *document*, which are those of its digest. Raises :class:`BackupFailed`."""
    try:
        content = decrypt_bytes(archive.object(document.object).read_bytes(), identities)
    except (OSError, DecryptionRefused) as error:
        raise archive.damage(
            "{archive} is damaged: the document {digest} cannot be opened.", digest=document.digest
        ) from error
    if hashlib.sha256(content).hexdigest() != document.digest:
        raise archive.damage("{archive} is damaged: the document {digest} is another one.", digest=document.digest)
    return content


def require_objects(archive: BackupArchive, documents: Iterable[SealedDocument]) -> None:
    """Every sealed document is there, whole. Raises :class:`BackupFailed`."""
    for document in documents:
        try:
            sealed = archive.object(document.object).read_bytes()
        except OSError as error:
            raise archive.damage(
                "{archive} is damaged: the document {digest} is missing.", digest=document.digest
            ) from error
        if hashlib.sha256(sealed).hexdigest() != document.object:
            raise archive.damage(
                "{archive} is damaged: the sealed document {object} is not what was written.",
                object=document.object,
            )
