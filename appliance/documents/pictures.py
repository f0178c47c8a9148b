"""Pages as pictures, made once in a confined process and kept on disk for the next who looks."""

from __future__ import annotations

WIDTHS = (320, 640, 1000, 1400)
"""The widths in pixels that there are; another one becomes the next larger of these."""


class PagePictures:
    """Thread-safe, and shared by all processes of one home. It asks nobody's permission: callers do."""

    def page(self, digest: str, page: int, width: int = 1000) -> bytes:
        """Page *page* (from 0) of the stored document *digest* as PNG, *width* pixels wide (one of ``WIDTHS``).

        Raises :class:`NotFound` for no such document or page.
        """
        raise NotImplementedError

    def prepared(self, intent_id: str, page: int, width: int = 1000) -> bytes:
        """The same of the document that the signer of the intent is about to sign, appearance included.

        Raises :class:`NotFound` for no such intent or page, or when the intent is closed.
        """
        raise NotImplementedError
