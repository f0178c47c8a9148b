"""Documents in archives: each sealed once, whatever the number of archives that need it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.documents.blobs import BlobStore
from appliance.errors import BackupFailed, NotFound
from appliance.operations.backup.archives import DOCUMENTS, BackupArchive
from hsm.encryption import decrypt_bytes, decrypt_file, encrypt_bytes
from hsm.errors import DecryptionRefused


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
    """The documents of *archive* by digest; *scratch* is a new file to open the list in, removed again.

    Raises :class:`DecryptionRefused` when none of the keys opens it, :class:`BackupFailed` when it is no such
    list.
    """
    scratch.unlink(missing_ok=True)
    try:
        decrypt_file(archive.part(DOCUMENTS), scratch, identities)
        rows = [line.split() for line in scratch.read_text(encoding="ascii").splitlines()]
        found = [SealedDocument(digest, name, int(size)) for digest, name, size in rows]
    except ValueError as error:
        raise BackupFailed(
            "{archive} is damaged: its list of documents cannot be read.", archive=archive.name
        ) from error
    finally:
        scratch.unlink(missing_ok=True)
    return {each.digest: each for each in found}


def open_document(archive: BackupArchive, document: SealedDocument, identities: Sequence[str]) -> bytes:
    """The bytes of *document*, which are those of its digest. Raises :class:`BackupFailed`."""
    try:
        content = decrypt_bytes(archive.object(document.object).read_bytes(), identities)
    except (OSError, DecryptionRefused) as error:
        raise BackupFailed(
            "{archive} is damaged: the document {digest} cannot be opened.",
            archive=archive.name,
            digest=document.digest,
        ) from error
    if hashlib.sha256(content).hexdigest() != document.digest:
        raise BackupFailed(
            "{archive} is damaged: the document {digest} is another one.",
            archive=archive.name,
            digest=document.digest,
        )
    return content


def require_objects(archive: BackupArchive, documents: Iterable[SealedDocument]) -> int:
    """Every sealed document is there, whole; how many. Raises :class:`BackupFailed`."""
    count = 0
    for document in documents:
        try:
            sealed = archive.object(document.object).read_bytes()
        except OSError as error:
            raise BackupFailed(
                "{archive} is damaged: the document {digest} is missing.",
                archive=archive.name,
                digest=document.digest,
            ) from error
        if hashlib.sha256(sealed).hexdigest() != document.object:
            raise BackupFailed(
                "{archive} is damaged: the sealed document {object} is not what was written.",
                archive=archive.name,
                object=document.object,
            )
        count += 1
    return count
