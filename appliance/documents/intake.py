"""Intake: bytes that come from outside are inspected in a confined process, then kept by digest, unchanged.

What a stored document is, and where words stand in it, is asked of the workshop once, and remembered by digest.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.documents.blobs import BlobStore, require_space
from appliance.model.contract import Placement
from appliance.pdf.values import FoundPhrase, Inspection
from appliance.pdf.workshop import PdfWorkshop


@dataclass(frozen=True, slots=True)
class AcceptedDocument:
    """A document that was taken in: its digest in the blob store (hex), its size in bytes, what it is."""

    digest: str
    size: int
    inspection: Inspection


class Intake:
    """The only way for a document into the appliance. Thread-safe. *require_unbroken* is asked about a document
    that carries signatures, and raises :class:`DocumentRefused` for a broken one; *remember* is told what a
    document is that was taken in, by its digest."""

    def __init__(
        self,
        workshop: PdfWorkshop,
        blobs: BlobStore,
        disk: Path,
        require_unbroken: Callable[[bytes], object],
        remember: Callable[[str, Inspection], object] = lambda _digest, _inspection: None,
    ) -> None:
        self._workshop = workshop
        self._require_unbroken = require_unbroken
        self._blobs = blobs
        self._disk = disk
        self._remember = remember

    def accept(self, document: bytes) -> AcceptedDocument:
        """Keep *document* as it is, or raise :class:`DocumentRefused` with the reason and keep nothing: one that
        carries a broken signature, too.

        Raises :class:`StorageError` while the disk has too little room for anything new.
        """
        require_space(self._disk, len(document))
        inspection = self._workshop.inspect(document)
        if inspection.signatures:
            self._require_unbroken(document)
        digest = self._blobs.put(document)
        self._remember(digest, inspection)
        return AcceptedDocument(digest, len(document), inspection)

    def find_phrase(self, accepted: AcceptedDocument, phrase: str) -> tuple[FoundPhrase, ...]:
        """Where *phrase* stands in a document that was accepted."""
        return self._workshop.find(self._blobs.get(accepted.digest), [phrase])

    def keep_unread(self, content: bytes) -> str:
        """Keeps bytes that nothing here parses or shows, only gives out again as they are; their digest (hex).

        Raises :class:`StorageError` as :meth:`accept`.
        """
        require_space(self._disk, len(content))
        return self._blobs.put(content)


REMEMBERED = 64
"""Inspections that are kept in memory; what stands under a digest never changes."""


class DocumentLayouts:
    """Thread-safe. Raises :class:`NotFound` for a digest that nothing is stored under."""

    def __init__(self, workshop: PdfWorkshop, blobs: BlobStore) -> None:
        self._workshop = workshop
        self._blobs = blobs
        self._known: OrderedDict[str, Inspection] = OrderedDict()
        self._turn = threading.Lock()

    def inspection(self, digest: str) -> Inspection:
        """The pages' sizes, and what intake warned of, of a stored document, by its digest."""
        with self._turn:
            known = self._known.get(digest)
        if known is None:
            known = self._workshop.inspect(self._blobs.get(digest))
        self.remember(digest, known)
        return known

    def remember(self, digest: str, inspection: Inspection) -> None:
        """What the stored document is, as its last inspection said."""
        with self._turn:
            self._known[digest] = inspection
            self._known.move_to_end(digest)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def find_phrases(self, digest: str, phrases: Sequence[str]) -> tuple[FoundPhrase, ...]:
        """Where the *phrases* stand, as :meth:`~appliance.pdf.workshop.PdfWorkshop.find`."""
        return self._workshop.find(self._blobs.get(digest), phrases)

    def blank_places(self, digest: str, places: Sequence[Placement]) -> tuple[bool, ...]:
        """For each of *places*, all on one page, whether nothing is drawn there."""
        boxes = [(each.x, each.y, each.width, each.height) for each in places]
        return self._workshop.blank_places(self._blobs.get(digest), places[0].page, boxes)
