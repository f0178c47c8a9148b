"""Pages as pictures, made once in a confined process and kept on disk for the next who looks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from appliance.documents.blobs import BlobStore
from appliance.documents.picture_cache import PictureCache
from appliance.errors import DocumentRefused, NotFound
from appliance.model.intent import IntentRecord
from appliance.pdf.workshop import PdfWorkshop
from appliance.store import contracts, intents
from appliance.store.database import Database

WIDTHS = (320, 640, 1000, 1400)
"""The widths in pixels that there are; another one becomes the next larger of these."""

_MAKING = "3"
"""Changes when pictures are made differently, so that old ones are not found any more."""

_OF_DOCUMENT = 40
"""Letters of a picture's key that say of which document it is; the rest says which picture of it."""


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

    def prepared(self, intent_id: str, page: int, width: int = 1000) -> bytes:
        """The same of the document that the signer of the intent is about to sign, appearance included.

        Raises :class:`NotFound` for no such intent or page, or when the intent is closed.
        """
        record, base = self._intent(intent_id)
        return self._picture(base, f"intent {intent_id}", lambda: self._about_to_be(record, base), page, width)

    def forget(self, digest: str) -> None:
        """Removes the pictures of the document *digest*, and of what was to become of it: it is gone."""
        self._cache.forget(_key(digest, "")[:_OF_DOCUMENT])

    def signer_of(self, intent_id: str, contract_id: str) -> str:
        """Who would sign by the intent: a person or a seal (subject). Raises :class:`NotFound` unless the intent
        is one of the contract."""
        with self._database.reading() as tx:
            act = intents.load(tx, intent_id).intent
        if act.contract != contract_id:
            raise NotFound("The contract has no signature {intent}.", intent=intent_id)
        return act.signer

    def _intent(self, intent_id: str) -> tuple[IntentRecord, str]:
        """The intent, and the digest of the document that its signature is appended to."""
        with self._database.reading() as tx:
            record = intents.load(tx, intent_id)
            contract = contracts.load(tx, record.intent.contract)
        return record, next(one.digest for one in contract.revisions if one.number == record.base)

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
