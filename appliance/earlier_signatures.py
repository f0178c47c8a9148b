"""Signatures that a document carried before it came here: by whom, and whether their issuers are trusted here.

They are judged by the verifier that strangers use, with this appliance's own anchors. What is broken is refused
when the document comes in; what cannot be verified is for the initiator to decide, who is told.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from appliance.documents.blobs import BlobStore
from appliance.documents.intake import DocumentLayouts
from appliance.errors import DocumentRefused, NotFound
from appliance.verification import Indication, SignatureReport, Verifier

_REMEMBERED = 64


class EarlierSignatures:
    """Thread-safe. What a document carried is asked of the verifier once a day, since certificates run out."""

    def __init__(self, verifier: Verifier, blobs: BlobStore, layouts: DocumentLayouts) -> None:
        self._verifier = verifier
        self._blobs = blobs
        self._layouts = layouts
        self._judged = lru_cache(maxsize=_REMEMBERED)(self._judge)

    def signatures_of(self, digest: str) -> tuple[SignatureReport, ...]:
        """Those of the stored document *digest* (hex), as it came in; none where it was disposed of."""
        try:
            if not self._layouts.inspection(digest).signatures:
                return ()
            self._blobs.get(digest)
            return self._judged(digest, self._verifier.today())
        except NotFound:
            return ()

    def _judge(self, digest: str, _today: date) -> tuple[SignatureReport, ...]:
        return self._verifier.verify_pdf(self._blobs.get(digest)).signatures

    def unverified(self, digest: str) -> tuple[SignatureReport, ...]:
        """Those that could not be verified here."""
        return tuple(each for each in self.signatures_of(digest) if not each.passed)


def require_unbroken(verifier: Verifier, document: bytes) -> None:
    """Raises :class:`DocumentRefused` for a *document* with a signature that does not hold any more: every
    verification of a contract made of it would fail."""
    report = verifier.verify_pdf(document)
    broken = [each for each in report.signatures if each.verdict.indication is Indication.FAILED]
    if broken:
        raise DocumentRefused(
            "broken-signature",
            "The document carries a signature that is broken (field {field}), so a contract made of it would "
            "never pass; take the document as it was signed, or from before that signature.",
            field=broken[0].field or "–",
        )
    if report.indication is Indication.FAILED:
        raise DocumentRefused(
            "broken-signature",
            "The document was changed after it was signed, so a contract made of it would never pass; take the "
            "document as it was signed, or from before the signature.",
        )
