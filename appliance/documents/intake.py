"""Intake: bytes that come from outside are inspected in a confined process, then kept by digest, unchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.documents.blobs import BlobStore, DiskSpace
from appliance.pdf.values import Inspection
from appliance.pdf.workshop import PdfWorkshop


@dataclass(frozen=True, slots=True)
class AcceptedDocument:
    """A document that was taken in: its digest in the blob store (hex), its size in bytes, what it is."""

    digest: str
    size: int
    inspection: Inspection


class Intake:
    """The only way for a document into the appliance. Thread-safe. *require_unbroken* is asked about a document
    that carries signatures, and raises :class:`DocumentRefused` for a broken one."""

    def __init__(
        self,
        workshop: PdfWorkshop,
        blobs: BlobStore,
        headroom: DiskSpace,
        require_unbroken: Callable[[bytes], object],
    ) -> None:
        self._workshop = workshop
        self._require_unbroken = require_unbroken
        self._blobs = blobs
        self._headroom = headroom

    def accept(self, document: bytes) -> AcceptedDocument:
        """Keep *document* as it is, or raise :class:`DocumentRefused` with the reason and keep nothing: one that
        carries a broken signature, too.

        Raises :class:`StorageError` while the disk has too little room for anything new.
        """
        self._headroom.require_space(len(document))
        inspection = self._workshop.inspect(document)
        if inspection.signatures:
            self._require_unbroken(document)
        return AcceptedDocument(self._blobs.put(document), len(document), inspection)
