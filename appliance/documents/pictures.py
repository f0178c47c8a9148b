"""Pages as pictures, made once in a confined process and kept on disk for the next who looks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from appliance.documents.blobs import BlobStore
from appliance.documents.picture_cache import PictureCache
from appliance.errors import DocumentRefused, NotFound
from appliance.pdf.workshop import PdfWorkshop
from appliance.store import contracts, intents
from appliance.store.database import Database

WIDTHS = (320, 640, 1000, 1400)
"""The widths in pixels that there are; another one becomes the next larger of these."""

_MAKING = "2"
"""Changes when pictures are made differently, so that old ones are not found any more."""


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
        return self._picture(digest, lambda: self._blobs.get(digest), page, width)

    def prepared(self, intent_id: str, page: int, width: int = 1000) -> bytes:
        """The same of the document that the signer of the intent is about to sign, appearance included.

        Raises :class:`NotFound` for no such intent or page, or when the intent is closed.
        """
        return self._picture(f"intent {intent_id}", lambda: self._about_to_be(intent_id), page, width)

    def require_of(self, intent_id: str, contract_id: str) -> None:
        """Raises :class:`NotFound` unless the intent is one of the contract."""
        with self._database.reading() as tx:
            of = intents.load(tx, intent_id).act.contract
        if of != contract_id:
            raise NotFound("The contract has no signature {intent}.", intent=intent_id)

    def _about_to_be(self, intent_id: str) -> bytes:
        with self._database.reading() as tx:
            record = intents.load(tx, intent_id)
            contract = contracts.load(tx, record.act.contract)
        base = next(one for one in contract.revisions if one.number == record.base)
        if not record.suffix:
            raise NotFound("The signature {intent} is closed; there is nothing to look at.", intent=intent_id)
        return self._blobs.get(base.digest) + record.suffix

    def _picture(self, name: str, document: Callable[[], bytes], page: int, width: int) -> bytes:
        width = offered(width)
        key = hashlib.sha256(f"{_MAKING} {name} {page} {width}".encode()).hexdigest()
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


def offered(width: int) -> int:
    """The width that is served for the wish *width*."""
    return next((one for one in WIDTHS if one >= width), WIDTHS[-1])
