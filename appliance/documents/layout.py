"""What a stored document is and where words stand in it: asked of the workshop once, and remembered by digest."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from appliance.documents.blobs import BlobStore
from appliance.pdf.values import FoundPhrase, Inspection
from appliance.pdf.workshop import PdfWorkshop

REMEMBERED = 64
"""Inspections that are kept in memory; what stands under a digest never changes."""


class DocumentLayouts:
    """Thread-safe. Raises :class:`NotFound` for a digest that nothing is stored under."""

    def __init__(self, workshop: PdfWorkshop, blobs: BlobStore) -> None:
        self._workshop = workshop
        self._blobs = blobs
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Inspection] = OrderedDict()

    def inspection(self, digest: str) -> Inspection:
        """The pages' sizes, and what intake warned of, of the stored document *digest*."""
        with self._lock:
            known = self._known.get(digest)
        if known is not None:
            return known
        found = self._workshop.inspect(self._blobs.get(digest))
        with self._lock:
            self._known[digest] = found
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    def find_phrases(self, digest: str, phrases: Sequence[str]) -> tuple[FoundPhrase, ...]:
        """Where the *phrases* stand, as :meth:`~appliance.pdf.workshop.PdfWorkshop.find`."""
        return self._workshop.find(self._blobs.get(digest), phrases)
