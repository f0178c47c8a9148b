"""Pages as pictures: made in a confined process, cached on disk, and compared between two revisions.

The cache is bounded and drops what was used least recently. Threads and processes share it: a file appears
whole or not at all, and the one who makes it holds its lock, so that the others wait for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from appliance.documents.blobs import BlobStore
from appliance.errors import DocumentRefused, NotFound
from appliance.model.contract import Contract, ContractRevision
from appliance.model.intent import IntentRecord
from appliance.pdf.workshop import PdfWorkshop
from appliance.sharing import make_directory, open_file, write_whole
from appliance.store import intents
from appliance.store.database import Database

MEBIBYTE = 1024 * 1024
_STRIPES = 64
_KEPT_SHARE = 0.8
"""How much of the bound is left after a cleaning, so that not every new picture starts one."""


class PictureCache:
    """A directory of at most about *most* bytes; keys are lower-case hexadecimal digests."""

    def __init__(self, root: Path, *, most: int = 512 * MEBIBYTE) -> None:
        self._root = root
        self._most = most
        self._written = most  # the first picture of a process looks at what earlier ones left

    def get(self, key: str) -> bytes | None:
        """The picture, which now is the most recently used one; None when it is not there."""
        path = self._path(key)
        try:
            data = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep *data*; a full disk is no error, since the picture can be made again."""
        path = self._path(key)
        with suppress(OSError):
            make_directory(path.parent)
            write_whole(path, data)
            self._clean_sometimes(len(data))

    @contextmanager
    def making(self, key: str) -> Iterator[None]:
        """Only one thread of one process is in here for *key*."""
        locks = self._root / "locks"
        make_directory(locks)
        with os.fdopen(open_file(locks / str(int(key[-4:], 16) % _STRIPES), os.O_RDWR), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def forget(self, prefix: str) -> None:
        """Removes every picture whose key begins with *prefix* (two letters at least)."""
        for path in (self._root / prefix[:2]).glob(f"{prefix}*"):
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._root / key[:2] / key

    def _clean_sometimes(self, written: int) -> None:
        self._written += written
        if self._written * 16 >= self._most:
            self._written = 0
            self._clean()

    def _clean(self) -> None:
        used = sorted(self._used(), reverse=True)
        total = sum(size for _, size, _ in used)
        if total <= self._most:
            return
        while used and total > self._most * _KEPT_SHARE:
            _, size, path = used.pop()
            total -= size
            path.unlink(missing_ok=True)

    def _used(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size and path of every file, unfinished ones of writers that were killed included."""
        for path in self._root.glob("??/*"):
            with suppress(FileNotFoundError):
                status = path.stat()
                yield status.st_mtime, status.st_size, path


WIDTHS = (320, 640, 1000, 1400)
"""The widths in pixels that there are; another one becomes the next larger of these."""

_MAKING = "3"
"""Changes when pictures are made differently, so that old ones are not found any more."""

_OF_DOCUMENT = 40
"""Characters of a picture's key that say of which document it is; the rest says which picture of it."""


class PagePictures:
    """Thread-safe, and shared by all processes of one home. It asks nobody's permission: callers do."""

    def __init__(self, cache: PictureCache, workshop: PdfWorkshop, blobs: BlobStore, database: Database) -> None:
        self._cache = cache
        self._workshop = workshop
        self._blobs = blobs
        self._database = database

    def page(self, digest: str, page: int, width: int = 1000) -> bytes:
        """Page *page* (from 0) of the stored document *digest* as PNG, *width* pixels wide (one of ``WIDTHS``).

        Raises :class:`NotFound` for no such document or page.
        """
        return self._picture(digest, digest, lambda: self._blobs.get(digest), page, width)

    def copy(self, digest: str, mark: str, page: int, width: int = 1000) -> bytes:
        """As :meth:`page`, with *mark* across it: of a copy for one reader."""
        return self._picture(digest, f"copy {mark}", lambda: self.copied(digest, mark), page, width)

    def copied(self, digest: str, mark: str) -> bytes:
        """The stored document *digest* as a copy for reading, with *mark* across every page."""
        return self._workshop.watermark(self._blobs.get(digest), mark)

    def prepared(self, contract: Contract, intent_id: str, page: int, width: int = 1000) -> bytes:
        """The same of the document that the signer of the intent is about to sign, appearance included.

        Raises :class:`NotFound` for no such intent of the contract or page, or when the intent is closed.
        """
        record = self._intent(contract, intent_id)
        base = next(one.digest for one in contract.revisions if one.number == record.base)
        return self._picture(base, f"intent {intent_id}", lambda: self._about_to_be(record, base), page, width)

    def forget(self, digest: str) -> None:
        """Removes the pictures of the document *digest*, and of what was to become of it: it is gone."""
        self._cache.forget(_key(digest, "")[:_OF_DOCUMENT])

    def signer_of(self, contract: Contract, intent_id: str) -> str:
        """Who would sign by the intent: a person or a seal (subject). Raises :class:`NotFound` unless the intent
        is one of the contract."""
        return self._intent(contract, intent_id).intent.signer

    def _intent(self, contract: Contract, intent_id: str) -> IntentRecord:
        return self._database.query(intents.load_intent, intent_id, contract=contract.id)

    def _about_to_be(self, record: IntentRecord, base: str) -> bytes:
        if not record.suffix:
            raise NotFound("The signature {intent} is closed; there is nothing to look at.", intent=record.id)
        return self._blobs.get(base) + record.suffix

    def _picture(self, digest: str, name: str, document: Callable[[], bytes], page: int, width: int) -> bytes:
        width = offered(width)
        key = _key(digest, f"{name} {page} {width}")
        found = self._cache.get(key)
        if found is not None:
            return found
        with self._cache.making(key):
            found = self._cache.get(key)
            if found is None:
                found = self._made(document(), page, width)
                self._cache.put(key, found)
        return found

    def _made(self, document: bytes, page: int, width: int) -> bytes:
        try:
            return self._workshop.picture(document, page, width=width)
        except DocumentRefused as refusal:
            if refusal.reason == "no-such-page":
                raise NotFound(refusal.template, **refusal.values) from refusal
            raise


def _key(digest: str, picture: str) -> str:
    """Pictures of one document have keys that begin alike."""
    document, one = (hashlib.sha256(f"{_MAKING} {words}".encode()).hexdigest() for words in (digest, picture))
    return document[:_OF_DOCUMENT] + one[_OF_DOCUMENT:]


def offered(width: int) -> int:
    """The width that is served for the wish *width*."""
    return next((one for one in WIDTHS if one >= width), WIDTHS[-1])


MOST: Final = 24
"""Pages that are compared for one revision; those where its party signs come first."""

WIDTH: Final = 640
"""Pixels across, of the pictures that are compared."""


@dataclass(frozen=True, slots=True)
class RevisionDifference:
    """``pages`` (from 0) look different from the revision before; ``compared`` is how many were looked at."""

    pages: tuple[int, ...]
    compared: int
    appended: int
    """Bytes that the revision added at the end of the file; nothing before them changed."""


def difference_of(pictures: PagePictures, contract: Contract, revision: ContractRevision) -> RevisionDifference:
    """The difference that *revision*, not the original, made. Raises :class:`NotFound` when one is missing."""
    before = next(one for one in contract.revisions if one.number == revision.number - 1)
    looked = list(islice(_pages(contract, revision), MOST))
    changed = [
        page
        for page in looked
        if pictures.page(before.digest, page, WIDTH) != pictures.page(revision.digest, page, WIDTH)
    ]
    return RevisionDifference(tuple(sorted(changed)), len(looked), revision.size - before.size)


def _pages(contract: Contract, revision: ContractRevision) -> Iterator[int]:
    """The pages in the order in which they are worth a look, each once."""
    party = contract.party(revision.party) if revision.party else None
    signed = () if party is None else tuple(dict.fromkeys(place.page for place in party.places))
    yield from signed
    yield from (page for page in range(contract.pages) if page not in signed)
